import type { Infer } from './context.js';

/** Output 0 has the shape of an input. */
export function like(input = 0): Infer {
  return (cx) => cx.output(0, cx.shape(input));
}
