import type { Pass } from '#core';
import { nodeRules } from '../_shared/node-rules.js';
import { IF_RULES } from './if.js';
import { loopInvariant } from './invariant.js';
import { LOOP_RULES } from './loop.js';

/** Branches that are surely taken and loops that surely run so often are written where they stand; what nothing reads goes. */
export const simplifyControlFlow: Pass = nodeRules({
  name: 'simplify-control-flow',
  summary: 'If and Loop that are decided are inlined; outputs of theirs that nothing reads are not computed',
  semantics: 'exact',
  rules: [...IF_RULES, ...LOOP_RULES, loopInvariant],
});
