import type { Dim } from './expr.js';
import { addScaled, multiply, scaled } from './poly.js';

/** `a + b`. */
export function add(a: Dim, b: Dim): Dim {
  return a === null || b === null ? null : addScaled(a, b, 1);
}

/** `a - b`. */
export function sub(a: Dim, b: Dim): Dim {
  return a === null || b === null ? null : addScaled(a, b, -1);
}

/** `-a`. */
export function neg(a: Dim): Dim {
  return a === null ? null : scaled(a, -1);
}

/** `a * b`; 0 when either is the number 0, even if the other is unknown. */
export function mul(a: Dim, b: Dim): Dim {
  if (a === 0 || b === 0) return 0;
  return a === null || b === null ? null : multiply(a, b);
}

/** Product of all dims, 1 for none: the number of elements of a shape. */
export function product(dims: readonly Dim[]): Dim {
  if (dims.includes(0)) return 0;
  let result: Dim = 1;
  for (const dim of dims) result = mul(result, dim);
  return result;
}
