import { type Pass, rulePass } from '#core';
import { LAYER_NORM_RULES } from '../_shared/layer-norm.js';

/** Layer normalization over the last axis, spelled out in primitives, becomes one node. */
export const fuseLayerNorm: Pass = rulePass({
  name: 'fuse-layer-norm',
  summary: 'layer normalization spelled out in primitives becomes LayerNormalization',
  semantics: 'equivalent',
  rules: LAYER_NORM_RULES,
});
