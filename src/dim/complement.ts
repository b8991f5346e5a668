import {
  type Atom,
  type Dim,
  type ExtremumAtom,
  type FloorAtom,
  type KnownDim,
  type Term,
  extremumAtom,
  floorAtom,
  make,
} from './expr.js';
import { addScaled, constantOf, termsOf } from './poly.js';

/** The other atom of a pair whose sum has no rounding or choice in it: `atom + other = whole`. */
export interface Complement {
  readonly other: Atom;
  readonly whole: KnownDim;
}

/**
 * `floor(y / k) = s - floor(z / k)` where `y + z = k * s + k - 1` and all coefficients are in [0, k), as in
 * `floor(x / 2) = x - ceil(x / 2)`; `min(a, b) = a + b - max(a, b)`. `null` for atoms that have no complement.
 */
export function complementOf(atom: Atom): Complement | null {
  switch (atom.kind) {
    case 'symbol':
      return null;
    case 'floor':
      return floorComplement(atom);
    case 'min':
    case 'max':
      return extremumComplement(atom);
  }
}

function floorComplement({ numerator, denominator }: FloorAtom): Complement | null {
  if (typeof denominator !== 'number' || typeof numerator === 'number') return null;
  const mirrored = numerator.terms.map(({ coefficient, monomial }) => ({
    coefficient: denominator - coefficient,
    monomial,
  }));
  const opposite = make(mirrored, denominator - 1 - numerator.constant);
  const other = opposite === null ? null : floorAtom(opposite, denominator);
  return pair(other, make(ones(numerator.terms), 0));
}

function ones(terms: readonly Term[]): readonly Term[] {
  return terms.map(({ monomial }) => ({ coefficient: 1, monomial }));
}

function extremumComplement({ kind, args }: ExtremumAtom): Complement | null {
  const [a, b] = args;
  const opposite = kind === 'min' ? 'max' : 'min';
  if (a === undefined || b === undefined || args.length > 2) return null;
  if (nestedExtremum(opposite, a) !== null || nestedExtremum(opposite, b) !== null) return null; // would have more than two arguments
  return pair(extremumAtom(opposite, args), addScaled(a, b, 1));
}

/** The term of a sum that makes it an extremum of this kind: the only `c * min(…)` with c > 0 or `-c * max(…)` for a minimum. */
export function nestedExtremum(kind: 'min' | 'max', dim: KnownDim): { coefficient: number; atom: ExtremumAtom } | null {
  let found = null;
  for (const { coefficient, monomial } of termsOf(dim)) {
    const { atom } = monomial.factors[0]!;
    if (monomial.degree !== 1 || (atom.kind !== 'min' && atom.kind !== 'max')) continue;
    if (coefficient > 0 !== (atom.kind === kind)) continue;
    if (found !== null) return null;
    found = { coefficient, atom };
  }
  return found;
}

function pair(other: Atom | null, whole: Dim): Complement | null {
  return other === null || whole === null ? null : { other, whole };
}

/**
 * Whether `floor(p / k)` is the one of its pair that canonical forms are written with, not its complement:
 * the one with the smaller coefficients, and with the larger constant where these are equal.
 */
export function isPreferred(p: KnownDim, k: number): boolean {
  for (const { coefficient } of termsOf(p)) {
    if (2 * coefficient !== k) return 2 * coefficient < k;
  }
  return 2 * constantOf(p) >= k - 1;
}
