import { type Pass, rulePass } from '#core';
import { GELU_RULES } from '../_shared/gelu.js';

/** The rules are in `_shared`: that they fit is also a reason to raise the opset. */
export const fuseGelu: Pass = rulePass({
  name: 'fuse-gelu',
  summary: 'Gelu in its parts becomes one operator',
  semantics: 'equivalent',
  rules: GELU_RULES,
});
