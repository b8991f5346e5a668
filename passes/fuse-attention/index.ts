import { type Pass, rulePass } from '#core';
import { ATTENTION_RULES } from '../_shared/attention/rules.js';

/** The rules are in `_shared`: that they fit is also a reason to raise the opset. */
export const fuseAttention: Pass = rulePass({
  name: 'fuse-attention',
  summary: 'scaled dot product attention becomes one operator',
  semantics: 'equivalent',
  rules: ATTENTION_RULES,
});
