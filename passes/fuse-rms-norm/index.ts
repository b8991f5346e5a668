import { type Pass, rulePass } from '#core';
import { RMS_NORM_RULES } from '../_shared/rms-norm.js';

/** The rules are in `_shared`: that they fit is also a reason to raise the opset. */
export const fuseRmsNorm: Pass = rulePass({
  name: 'fuse-rms-norm',
  summary: 'root mean square normalization in its parts becomes one operator',
  semantics: 'equivalent',
  rules: RMS_NORM_RULES,
});
