import type { DType } from '../tensor/dtype.js';
import type { Tolerance } from './compare.js';
import { EXACT } from './compare.js';

/** Bits of the significand with its leading one. */
const PRECISION: { readonly [D in DType]?: number } = {
  float64: 53,
  float32: 24,
  float16: 11,
  bfloat16: 8,
  float8e4m3fn: 4,
  float8e4m3fnuz: 4,
  float8e5m2: 3,
  float8e5m2fnuz: 3,
  float4e2m1: 2,
  float8e8m0: 1,
  complex64: 24,
  complex128: 53,
};

/** A sum of rounding errors leaves the probabilistic bound with this parameter in fewer than 4 of 10^8 cases: 2 exp(-λ²/2). */
const LAMBDA = 6;

/** What one result went through. */
export interface ComputationDepth {
  /** Dtype that intermediate results are rounded to. */
  readonly dtype: DType;
  /** Number of terms of the longest sum in one operator (1: none). */
  readonly reduction: number;
  /** Number of rounding operators on the longest path from the inputs. */
  readonly depth: number;
  /** Largest magnitude among the values on that path, in the units of the result. */
  readonly scale: number;
}

/** Largest relative error of rounding to nearest, u = 2^-p for p significand bits; 0 for types that are not rounded. */
export function unitRoundoff(dtype: DType): number {
  const precision = PRECISION[dtype];
  return precision === undefined ? 0 : 2 ** -precision;
}

/**
 * γ_n = nu / (1 - nu): bounds the relative error of n successive roundings in every case; Infinity when nu >= 1.
 * Source: Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition 2002, lemma 3.1.
 */
export function worstCaseBound(roundings: number, u: number): number {
  return roundings * u < 1 ? (roundings * u) / (1 - roundings * u) : Infinity;
}

/**
 * γ̃_n(λ) = exp(λ √n u + n u² / (1 - u)) - 1: bounds the same error when roundings are independent with mean zero, but for a
 * probability of 2 exp(-λ² (1 - u)² / 2). Source: Higham and Mary, A new approach to probabilistic rounding error analysis,
 * SIAM Journal on Scientific Computing 41 (2019), theorem 2.4.
 */
export function probabilisticBound(roundings: number, u: number, lambda: number): number {
  return Math.expm1(lambda * Math.sqrt(roundings) * u + (roundings * u * u) / (1 - u));
}

/**
 * How far two correctly rounded evaluations of one function may lie apart: both err by at most γ of `reduction * depth` roundings
 * against values of size `scale`, hence twice the smaller of the two bounds. Errors are taken to grow with the values and not beyond
 * them; where an operator amplifies them (a division by a small difference), the noise of the model has to be measured instead.
 * Types that are not rounded get {@link EXACT}.
 */
export function derivedTolerance({ dtype, reduction, depth, scale }: ComputationDepth): Tolerance {
  const u = unitRoundoff(dtype);
  if (u === 0) return EXACT;
  const roundings = Math.max(1, reduction) * Math.max(1, depth);
  const relative = 2 * Math.min(worstCaseBound(roundings, u), probabilisticBound(roundings, u, LAMBDA));
  return { absolute: relative * scale, relative };
}
