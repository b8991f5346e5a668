/**
 * The algebra of symbolic dims: integer polynomials over symbols with floor division, minimum and maximum, in canonical form.
 *
 * `null` is an unknown dim and makes every result unknown, except where the result does not depend on it.
 * Symbols stand for integers ≥ 0. Two dims that are called equal have the same value wherever both are defined; an expression is undefined
 * where it divides by 0. Arithmetic is exact: what would leave the safe integers, or grow beyond `LIMITS`, is `null`.
 * `ceil` and `mod` are written with `floor` inside and recognized again by `format`.
 */
import { type Dim, keyOfKnown } from './expr.js';

export { type Dim, type DimExpr, type KnownDim, LIMITS, symbol } from './expr.js';
export { add, mul, neg, product, sub } from './arith.js';
export { ceilDiv, divideExact, floorDiv, mod } from './divide.js';
export { max, min } from './extremum.js';
export { type Assumptions, type Relation, divides, equal, isProven } from './prove.js';
export { evaluate, substitute, symbols } from './evaluate.js';
export { format } from './format.js';
export { parse } from './parse.js';
export { selectionFor } from './select.js';
export { type Equation, solve } from './solve.js';

/** Canonical key: the same text for structurally equal dims only, on every machine; `?` for unknown. */
export function key(dim: Dim): string {
  return dim === null ? '?' : keyOfKnown(dim);
}

/** The dim of an int64, e.g. a `dim_value`; `null` when it is not a safe integer. */
export function fromInt64(value: bigint): Dim {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}
