import { shapeNegative, shapeReshape } from '../../diagnostics/codes/shape.js';
import { type Dim, divideExact, equal, floorDiv, isProven, product } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, NodeContext } from '../context.js';
import { showShape } from '../fact.js';

/** Reshape (1, 5, 13, 14, 19–25): the elements in row-major order under another shape. */
export const RESHAPE: Family = { Reshape: inferReshape };

function inferReshape(cx: NodeContext): void {
  const target = cx.since >= 5 ? cx.list(1) : cx.ints('shape');
  if (!target) {
    const rank = cx.shape(1)?.[0];
    cx.output(0, typeof rank === 'number' ? Array<Dim>(rank).fill(null) : undefined);
    return;
  }
  cx.output(0, reshaped(cx, cx.shape(0), target, cx.int('allowzero') === 1));
  cx.sameElements(0);
}

/** 0 copies the input's dim unless `allowzero`; -1 is what remains of the elements. Elements that are expressions are sizes. */
function reshaped(cx: NodeContext, from: Shape | undefined, target: readonly Dim[], allowZero: boolean): Shape {
  const isCopy = target.map((dim, axis) => dim === 0 && !allowZero && (!from || axis < from.length));
  const copied = target.map((dim, axis) => (isCopy[axis] ? (from?.[axis] ?? null) : sizeOf(cx, dim)));
  if (target.filter((dim) => dim === -1).length > 1) {
    cx.problem(shapeReshape(cx.at, showShape(from ?? []), showShape(target), 'more than one size is -1'));
    return copied;
  }
  const open = copied.flatMap((dim, axis) => (dim === null ? [axis] : []));
  if (!from) return copied;
  const left = from.filter((_, axis) => !isCopy[axis]);
  const right = copied.filter((_, axis) => !isCopy[axis] && !open.includes(axis));
  if (open.length > 1 || (open.length === 1 && isCopy[open[0] ?? 0])) return copied;
  const fail = (): Shape => {
    cx.problem(shapeReshape(cx.at, showShape(from), showShape(target)));
    return copied;
  };
  if (open.length === 0) return isProven(product(left), '!=', product(right)) ? fail() : copied;
  const rest = remaining(left, right);
  return rest === undefined ? fail() : copied.with(open[0] ?? 0, rest);
}

/** An element as a size: -1 and unknown ones are open. */
function sizeOf(cx: NodeContext, dim: Dim): Dim {
  if (dim === -1 || dim === null) return null;
  if (isProven(dim, '<', -1)) {
    cx.problem(shapeNegative(cx.at, 'the requested shape', showShape([dim])));
    return null;
  }
  return dim;
}

/** What is left of the elements; equal sizes on both sides cancel, since the division leaves no remainder. `undefined`: it does. */
function remaining(left: readonly Dim[], right: readonly Dim[]): Dim | undefined {
  const numerator = [...left];
  const denominator: Dim[] = [];
  for (const dim of right) {
    const at = dim === 0 ? -1 : numerator.findIndex((other) => equal(other, dim));
    if (at < 0) denominator.push(dim);
    else numerator.splice(at, 1);
  }
  const total = product(numerator);
  const divisor = product(denominator);
  if (total === null || divisor === null || divisor === 0) return null;
  const exact = divideExact(total, divisor);
  if (exact !== null) return exact;
  return typeof total === 'number' && typeof divisor === 'number' ? undefined : floorDiv(total, divisor);
}
