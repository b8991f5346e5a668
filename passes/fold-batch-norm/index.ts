import { constant, floatAttr, op, type Pass, rulePass, trainingMode } from '#core';
import { type AffineSource, foldingRules } from '../_shared/linear-layer/fold.js';

const gamma = constant('scale');
const beta = constant('bias');
const mean = constant('mean');
const variance = constant('variance');

/** k = scale / √(variance + epsilon), shift = bias − mean·k, in float64. Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2. */
const batchNorm: AffineSource = {
  name: 'batch-norm',
  summary: 'the BatchNormalization',
  root: 'BatchNormalization',
  pattern: (layer) =>
    op.BatchNormalization(layer, gamma, beta, mean, variance, { spatial: (spatial = 1) => spatial === 1 }),
  affineOf(m, { channels, axis, rank }) {
    const mode = trainingMode(m.root);
    if (mode !== 'inference') return `the training mode is ${mode === 'training' ? 'on' : 'unknown'}`;
    if (axis !== 1) return `the channels are axis ${axis} of ${rank}, not axis 1`;
    for (const each of [gamma, beta, mean, variance]) {
      const { shape } = m.get(each);
      if (shape.length !== 1 || shape[0] !== channels) {
        return `${each.label} must have shape [${channels}], not [${shape.join(', ')}]`;
      }
    }
    const epsilon = floatAttr(m.root, 'epsilon') ?? 1e-5;
    const [biases, means, variances] = [m.get(beta).floats(), m.get(mean).floats(), m.get(variance).floats()];
    const factors = m
      .get(gamma)
      .floats()
      .map((scale, c) => scale / Math.sqrt(variances[c]! + epsilon));
    return { factors, shifts: factors.map((factor, c) => biases[c]! - means[c]! * factor) };
  },
};

/** BatchNormalization in inference disappears into the layer in front of it. */
export const foldBatchNorm: Pass = rulePass({
  name: 'fold-batch-norm',
  summary: 'BatchNormalization goes into the weights of the Conv, ConvTranspose, Gemm or MatMul in front of it',
  semantics: 'equivalent',
  rules: foldingRules(batchNorm),
});
