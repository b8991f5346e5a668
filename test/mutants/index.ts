import { arithmetic } from './arithmetic.js';
import { constants } from './constants.js';
import { layout } from './layout.js';
import type { Mutation } from './mutant.js';
import { network } from './network.js';

export { equivalence } from './equivalent.js';
export { mutate, type Mutant, type Mutation } from './mutant.js';

/** All kinds of damage. */
export const mutations: readonly Mutation[] = [...constants, ...arithmetic, ...layout, ...network];
