import { type DType, findDType } from '../../tensor/dtype.js';
import type { Family, Infer, NodeContext } from '../context.js';

function declaredDType(cx: NodeContext): DType | undefined {
  const value = cx.int('dtype');
  return value === undefined ? undefined : findDType(value);
}

/** RandomNormal 1-22, RandomUniform 1-22: attribute `shape`, of the type of `dtype`. */
const random: Infer = (cx) => cx.output(0, cx.ints('shape'), declaredDType(cx));

/** RandomNormalLike 1-22, RandomUniformLike 1-22, Bernoulli 15-22: as the input, of the type of `dtype`, which is the input's without it. */
const randomLike: Infer = (cx) => cx.output(0, cx.shape(0), declaredDType(cx) ?? cx.dtype(0));

/** Multinomial 7-22: `[B, sample_size]` of `[B, classes]`. */
const multinomial: Infer = (cx) => {
  cx.output(0, [cx.shape(0)?.[0] ?? null, cx.int('sample_size') ?? null], declaredDType(cx));
};

export const RANDOM: Family = {
  Bernoulli: randomLike,
  Multinomial: multinomial,
  RandomNormal: random,
  RandomNormalLike: randomLike,
  RandomUniform: random,
  RandomUniformLike: randomLike,
};
