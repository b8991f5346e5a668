import { type Pass, rulePass } from '#core';
import { AXES_NORM_RULES } from '../_shared/axes-norm.js';

/** Norms over other axes than the last, spelled out in primitives, become one operator. */
export const fuseAxesNorm: Pass = rulePass({
  name: 'fuse-axes-norm',
  summary: 'normalization over channels, positions or several axes becomes InstanceNormalization or LayerNormalization',
  semantics: 'equivalent',
  rules: AXES_NORM_RULES,
});
