import {
  constant,
  floatAttr,
  type Match,
  no,
  ok,
  op,
  type OpPattern,
  type Pat,
  type Verdict,
  trainingMode,
} from '#core';

export const gamma = constant('scale');
export const beta = constant('bias');
export const mean = constant('mean');
export const variance = constant('variance');

/** BatchNormalization of a value with constant parameters, one statistic per channel. */
export function batchNorm(x: Pat): OpPattern {
  return op.BatchNormalization(x, gamma, beta, mean, variance, { spatial: (spatial = 1) => spatial === 1 });
}

/** What a BatchNormalization does to channel c: y = factors[c]·x + shifts[c]. */
export interface Affine {
  readonly factors: Float64Array;
  readonly shifts: Float64Array;
}

/** k = scale / √(variance + epsilon), shift = bias − mean·k, in float64. Ioffe and Szegedy 2015, arXiv:1502.03167, algorithm 2. */
export function affineOf(m: Match): Affine {
  const epsilon = floatAttr(m.root, 'epsilon') ?? 1e-5;
  const [scales, biases, means, variances] = [gamma, beta, mean, variance].map((each) => m.get(each).floats());
  const factors = scales!.map((scale, c) => scale / Math.sqrt(variances![c]! + epsilon));
  return { factors, shifts: factors.map((factor, c) => biases![c]! - means![c]! * factor) };
}

/** Whether the BatchNormalization uses its stored statistics and has one finite affine for each of `channels`. */
export function checkAffine(m: Match, channels: number): Verdict {
  const mode = trainingMode(m.root);
  if (mode !== 'inference') return no(`the training mode is ${mode === 'training' ? 'on' : 'unknown'}`);
  for (const each of [gamma, beta, mean, variance]) {
    const { shape } = m.get(each);
    if (shape.length !== 1 || shape[0] !== channels) {
      return no(`${each.label} must have shape [${channels}], not [${shape.join(', ')}]`, m.value(each));
    }
  }
  const { factors, shifts } = affineOf(m);
  const finite = factors.every(Number.isFinite) && shifts.every(Number.isFinite);
  return finite ? ok : no('scale / √(variance + epsilon) is not finite', m.value(variance));
}
