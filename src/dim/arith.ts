import { type Dim, type KnownDim, type Term, make } from './expr.js';
import { addScaled, constantOf, exactQuotient, multiply, scaled, termsOf } from './poly.js';

/** `a + b`. */
export function add(a: Dim, b: Dim): Dim {
  return a === null || b === null ? null : joined(addScaled(a, b, 1));
}

/** `a - b`. */
export function sub(a: Dim, b: Dim): Dim {
  return a === null || b === null ? null : joined(addScaled(a, b, -1));
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

/**
 * Merges complementary roundings: where `y + z = k * s + k - 1`, `floor(z / k) = s - floor(y / k)`,
 * so that `floor(x / 2) + ceil(x / 2)` is `x`.
 */
function joined(sum: Dim): Dim {
  if (sum === null || typeof sum === 'number' || sum.depth === 0) return sum;
  const floors = sum.terms.filter((term) => isFloorByNumber(term));
  for (let i = 0; i < floors.length; i++) {
    for (let j = i + 1; j < floors.length; j++) {
      const merged = mergedPair(sum, floors[i]!, floors[j]!);
      if (merged !== null) return joined(merged);
    }
  }
  return sum;
}

function isFloorByNumber({ monomial }: Term): boolean {
  const { atom } = monomial.factors[0]!;
  return monomial.degree === 1 && atom.kind === 'floor' && typeof atom.denominator === 'number';
}

function mergedPair(sum: KnownDim, first: Term, second: Term): Dim {
  const y = first.monomial.factors[0]!.atom;
  const z = second.monomial.factors[0]!.atom;
  if (y.kind !== 'floor' || z.kind !== 'floor' || y.denominator !== z.denominator) return null;
  const k = constantOf(y.denominator);
  if (constantOf(y.numerator) + constantOf(z.numerator) !== k - 1) return null;
  const total = addScaled(y.numerator, z.numerator, 1);
  const shifted = total === null ? null : addScaled(total, k - 1, -1);
  const whole = shifted === null ? null : exactQuotient(shifted, k);
  if (whole === null) return null;
  const drop = make([second], 0);
  const mirror = make([{ coefficient: second.coefficient, monomial: first.monomial }], 0);
  const scaledWhole = scaled(whole, second.coefficient);
  if (drop === null || mirror === null || scaledWhole === null) return null;
  const without = addScaled(sum, drop, -1);
  const moved = without === null ? null : addScaled(without, scaledWhole, 1);
  return moved === null || termsOf(drop).length === 0 ? null : addScaled(moved, mirror, -1);
}
