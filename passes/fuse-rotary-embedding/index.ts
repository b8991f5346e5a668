import { type Pass, rulePass } from '#core';
import { ROTARY_RULES } from '../_shared/rotary/rules.js';

/** The rules are in `_shared`: that they fit is also a reason to raise the opset. */
export const fuseRotaryEmbedding: Pass = rulePass({
  name: 'fuse-rotary-embedding',
  summary: 'rotary position embedding in its parts becomes one operator',
  semantics: 'equivalent',
  rules: ROTARY_RULES,
});
