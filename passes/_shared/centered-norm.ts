import { any, type AnyPattern, oneOf, op, type OpPattern, type Pat, scalar, type ScalarPattern } from '#core';
import { inverseSquareRoot, square, squareRoot } from './norms.js';

/** A value less its mean, divided by its standard deviation, with scale and bias, in all spellings. */
export interface CenteredNorm {
  readonly x: AnyPattern;
  readonly scale: AnyPattern;
  readonly bias: AnyPattern;
  readonly epsilon: ScalarPattern;
  /** The mean of x, and that of its centered square. */
  readonly means: readonly [Pat, Pat];
  /** Root `Add`. */
  readonly affine: Pat;
  /** Root `Mul`. */
  readonly scaled: Pat;
  /** Root `Div` or `Mul`. */
  readonly plain: Pat;
}

/** The patterns of (x − mean) / √(variance + epsilon) · scale + bias; `mean` is that over the axes in question. */
export function centeredNorm(mean: (x: Pat) => Pat): CenteredNorm {
  const x = any('input');
  const scale = any('scale');
  const bias = any('bias');
  const epsilon = scalar('epsilon');
  const average = mean(x);
  const centered: OpPattern = op.Sub(x, average);
  const spread = mean(square(centered));
  const deviation = op.Add(spread, epsilon);
  const inverse = inverseSquareRoot(deviation);
  const plain = oneOf(op.Div(centered, squareRoot(deviation)), op.Mul(centered, inverse));
  const scaled = oneOf(op.Mul(plain, scale), op.Mul(centered, op.Mul(inverse, scale)));
  // TensorFlow's `batch_normalization`: x·k + (bias − mean·k) with k = scale / √(variance + epsilon).
  const factor = op.Mul(inverse, scale);
  const folded = op.Add(op.Mul(x, factor), op.Sub(bias, op.Mul(average, factor)));
  const affine = oneOf(op.Add(scaled, bias), folded);
  return { x, scale, bias, epsilon, means: [average, spread], affine, scaled, plain };
}
