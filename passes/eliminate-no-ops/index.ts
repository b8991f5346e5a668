import type { Pass } from '#core';
import { nodeRules } from '../_shared/node-rules.js';
import { ARITHMETIC_RULES } from './arithmetic.js';
import { LAYOUT_RULES } from './layout.js';
import { SCATTER_RULES } from './scatter.js';
import { TYPE_RULES } from './types.js';

/** Nodes whose output is one of their inputs, as proven by types, shapes and constants. */
export const eliminateNoOps: Pass = nodeRules({
  name: 'eliminate-no-ops',
  summary: 'nodes that change nothing are removed',
  semantics: 'exact',
  rules: [...TYPE_RULES, ...LAYOUT_RULES, ...ARITHMETIC_RULES, ...SCATTER_RULES],
});
