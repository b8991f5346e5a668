import { ACTIVATIONS } from './activations.js';
import { ARITHMETIC } from './arithmetic.js';
import type { Kernel, Kernels } from './call.js';
import { CASTS } from './cast.js';
import { GENERATORS } from './generate.js';
import { LAYOUT } from './layout.js';
import { PRODUCTS } from './products.js';
import { REDUCTION_KERNELS } from './reductions.js';

const FAMILIES: readonly Kernels[] = [ACTIVATIONS, ARITHMETIC, CASTS, GENERATORS, LAYOUT, PRODUCTS, REDUCTION_KERNELS];

/** Every kernel by operator: `Add`, `com.microsoft.Gelu`. */
export const KERNELS: ReadonlyMap<string, Kernel> = new Map(FAMILIES.flatMap((family) => Object.entries(family)));
