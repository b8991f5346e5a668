import { z } from 'zod';

/** An object that may get more fields. */
export const open = z.looseObject;
/** A whole number that counts something. */
export const count = z.int().nonnegative();
/** JSON has no NaN and no infinities: they stand by their names. */
export const real = z.union([z.number(), z.enum(['NaN', 'Infinity', '-Infinity'])]);
/** Dims: numbers, expressions, or null; null as a whole when their number is unknown. */
export const dims = z.array(z.union([z.int(), z.string(), z.null()])).nullable();
/** A number before and after. */
export const change = open({ before: count, after: count });
/** Counts by name. */
export const operators = z.record(z.string(), count);

const on = z.enum(['branch', 'skip']);

/** A residual site. */
export const site = open({
  id: z.string(),
  kind: z.string(),
  placement: z.string(),
  node: z.string(),
  stream: z.string(),
  input: z.string(),
  output: z.string(),
  branch: open({ nodes: count, parameters: count, norms: z.array(z.string()), content: z.string() }),
  branches: count,
  activationAfterAdd: z.boolean(),
  projection: open({ operators: z.array(z.string()) }).nullable(),
  scale: open({ on, value: real.nullable(), elements: count.nullable() }).nullable(),
  gate: open({ on, value: z.string() }).nullable(),
  shape: dims,
});

/** A weight. */
export const weight = open({ name: z.string(), dtype: z.string(), shape: z.array(count) });
