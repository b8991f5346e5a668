import type { Pass } from '#core';
import { nodeRules } from '../_shared/node-rules.js';
import { aroundElementwise, aroundTranspose } from './around.js';
import { castChain } from './casts.js';
import { reshapedConstants } from './constant-side.js';
import { depthToSpace } from './depth-to-space.js';
import { JOINED_RULES } from './joined.js';
import { RESHAPE_RULES } from './reshape.js';
import { SELECT_RULES } from './select.js';
import { shuffle } from './shuffle.js';
import { sliceChain } from './slices.js';
import { SPLIT_RULES } from './split.js';
import { transposeChain } from './transpose.js';

/** Operators that move elements, one behind the other, become one, or nothing where they undo each other. */
export const mergeChains: Pass = nodeRules({
  name: 'merge-chains',
  summary: 'chains of Reshape, Transpose, Slice, Concat, Cast, Pad and Gather become one node or nothing',
  semantics: 'exact',
  rules: [
    depthToSpace,
    shuffle,
    castChain,
    transposeChain,
    ...RESHAPE_RULES,
    sliceChain,
    ...SELECT_RULES,
    ...SPLIT_RULES,
    ...JOINED_RULES,
    aroundElementwise,
    aroundTranspose,
    reshapedConstants,
  ],
});
