import type { Pass } from '#core';
import { nodeRules } from '../_shared/node-rules.js';
import { clipChain } from './clip.js';
import { constantChain, signs, whereNot } from './constants.js';
import { minMax, notComparison } from './limits.js';
import { poolReshape, reduceChain, reduceReshape, reduceSqueezed } from './reduce.js';
import { reducedStack } from './stack.js';
import { zeroOperand } from './zeros.js';

/** Operators that compute, one behind the other, become one where the result differs by rounding alone. */
export const mergeArithmetic: Pass = nodeRules({
  name: 'merge-arithmetic',
  summary: 'chains of Clip and Relu, of scalings, shifts and reductions become one node',
  semantics: 'equivalent',
  rules: [
    clipChain,
    minMax,
    notComparison,
    constantChain,
    signs,
    whereNot,
    reduceReshape,
    reduceSqueezed,
    reduceChain,
    poolReshape,
    reducedStack,
    zeroOperand,
  ],
});
