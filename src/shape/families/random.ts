import type { Family, Infer } from '../context.js';

/** RandomNormal 1-22, RandomUniform 1-22: attribute `shape`, of the type of `dtype`. */
const random: Infer = (cx) => cx.output(0, cx.ints('shape'), cx.dtypeAttribute('dtype'));

/** RandomNormalLike 1-22, RandomUniformLike 1-22, Bernoulli 15-22: as the input, of the type of `dtype`, which is the input's without it. */
const randomLike: Infer = (cx) => cx.output(0, cx.shape(0), cx.dtypeAttribute('dtype') ?? cx.dtype(0));

/** Multinomial 7-22: `[B, sample_size]` of `[B, classes]`. */
const multinomial: Infer = (cx) => {
  cx.output(0, [cx.shape(0)?.[0] ?? null, cx.int('sample_size') ?? null], cx.dtypeAttribute('dtype'));
};

export const RANDOM: Family = {
  Bernoulli: randomLike,
  Multinomial: multinomial,
  RandomNormal: random,
  RandomNormalLike: randomLike,
  RandomUniform: random,
  RandomUniformLike: randomLike,
};
