import { shapeMismatch } from '../diagnostics/codes/shape.js';
import { type Dim, format, isProven } from '../dim/dim.js';
import type { Infer, NodeContext } from './context.js';

/**
 * The size that two axes have which the operator needs to be equal: the one that says more. Sizes that are proven to differ are
 * reported as `what`.
 */
export function agree(cx: NodeContext, what: string, a: Dim | undefined, b: Dim | undefined): Dim {
  const left = a ?? null;
  const right = b ?? null;
  if (left === null || typeof right === 'number') {
    if (left !== null && isProven(left, '!=', right))
      cx.problem(shapeMismatch(cx.at, what, format(left), format(right)));
    return right ?? left;
  }
  if (isProven(left, '!=', right)) cx.problem(shapeMismatch(cx.at, what, format(left), format(right)));
  return left;
}

/** Output 0 has the shape of an input. */
export function like(input = 0): Infer {
  return (cx) => cx.output(0, cx.shape(input));
}
