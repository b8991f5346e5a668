import { type Dim, equal, isProven, max } from '../dim/dim.js';
import type { Shape } from '../ir/type.js';

/**
 * The size that two sizes broadcast to (NumPy rules); `undefined` when they are proven not to. Two expressions that may differ give
 * their maximum: one of them is 1 then, and an axis that is empty on one side and 1 on the other is not considered.
 */
export function broadcastDims(a: Dim, b: Dim): Dim | undefined {
  if (a === b || b === 1) return a;
  if (a === 1) return b;
  if (typeof a === 'number' && typeof b === 'number') return undefined;
  if (typeof b === 'number') return broadcastNumber(a, b);
  if (typeof a === 'number') return broadcastNumber(b, a);
  if (equal(a, b)) return a;
  if (isProven(a, '>', 1)) return a;
  if (isProven(b, '>', 1)) return b;
  return max(a, b);
}

/** `number` is not 1: the other side is 1 or the same number. */
function broadcastNumber(dim: Dim, number: number): Dim | undefined {
  return isProven(dim, '!=', number) && isProven(dim, '!=', 1) ? undefined : number;
}

/** The shape that shapes broadcast to, aligned at their last axes; `undefined` when two of them are proven not to. */
export function broadcastShapes(shapes: readonly Shape[]): Shape | undefined {
  let result: Shape = shapes[0] ?? [];
  for (const shape of shapes.slice(1)) {
    const merged = broadcastPair(result, shape);
    if (!merged) return undefined;
    result = merged;
  }
  return result;
}

function broadcastPair(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const dims: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const left = axis < rank - a.length ? 1 : (a[axis - rank + a.length] ?? null);
    const right = axis < rank - b.length ? 1 : (b[axis - rank + b.length] ?? null);
    const dim = broadcastDims(left, right);
    if (dim === undefined) return undefined;
    dims.push(dim);
  }
  return dims;
}
