import type { Pass } from '#core';
import { nodeRules } from '../_shared/node-rules.js';
import { OPERAND_RULES } from './operands.js';
import { shareSizes, shortenSizes } from './sizes.js';

const operands = nodeRules({
  name: 'fold-shapes',
  summary: 'sizes that are computed at run time become constants, or are computed once and directly',
  semantics: 'exact',
  rules: OPERAND_RULES,
});

/** What shape inference proves of sizes is used: operands become constants, and what is left is computed once and from the inputs. */
export const foldShapes: Pass = {
  ...operands,
  rules: {
    ...operands.rules,
    'same-sizes': 'lists of sizes that are proven equal become one',
    'direct-size': 'sizes are read from the value that has them where this takes fewer nodes',
  },
  async run(model, cx) {
    await operands.run(model, cx);
    shareSizes(model, cx);
    shortenSizes(model, cx);
  },
};
