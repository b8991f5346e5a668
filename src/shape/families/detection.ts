import type { Family, Infer } from '../context.js';

/** NonMaxSuppression 10-11: `[u, 3]`, u the number of boxes that are kept, which is data. */
const nonMaxSuppression: Infer = (cx) => cx.output(0, [null, 3]);

export const DETECTION: Family = {
  NonMaxSuppression: nonMaxSuppression,
};
