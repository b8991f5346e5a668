import { type Pass, rulePass } from '#core';
import { ACTIVATION_RULES } from './activations.js';
import { NORM_RULES } from './norms.js';
import { PRODUCT_RULES } from './products.js';

/** Operators of onnxruntime's own domain, only for targets that are onnxruntime and gain by them. */
export const fuseRuntimeOperators: Pass = rulePass({
  name: 'fuse-runtime-operators',
  summary: 'for targets of onnxruntime: its own operators for norms of sums, activations with a bias, scaled products',
  semantics: 'equivalent',
  rules: [...NORM_RULES, ...ACTIVATION_RULES, ...PRODUCT_RULES],
});
