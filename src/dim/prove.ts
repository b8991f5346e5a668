import {
  type Atom,
  type Dim,
  type ExtremumAtom,
  type FloorAtom,
  type KnownDim,
  type Monomial,
  type Term,
  ofAtom,
} from './expr.js';
import {
  addScaled,
  constantOf,
  contentOf,
  divideMonomials,
  exactQuotient,
  isPlain,
  multiply,
  ofTerm,
  replaceAtom,
  scaled,
  termsOf,
  withoutTerm,
} from './poly.js';

/** What proofs may take for granted. */
export interface Assumptions {
  /** Every symbol is an integer of at least this. Default 0: an axis may be empty at run time. */
  readonly minimum?: 0 | 1;
}

export type Relation = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Steps that one proof may take before it is given up. */
const BUDGET = 40;

interface Proof {
  readonly minimum: 0 | 1;
  steps: number;
}

/**
 * Whether `a relation b` holds for all integer values of the symbols that satisfy the assumptions and for which both
 * sides are defined. `false` means that it was not proven, not that it is wrong.
 */
export function isProven(a: Dim, relation: Relation, b: Dim, assumptions: Assumptions = {}): boolean {
  if (a === null || b === null) return false;
  const difference = addScaled(a, b, -1);
  if (difference === null) return false;
  switch (relation) {
    case '==':
      return isZero(difference, assumptions);
    case '!=':
      return isNeverZero(difference, assumptions);
    case '<':
      return isAtLeast(scaled(difference, -1), 1, assumptions);
    case '<=':
      return isAtLeast(scaled(difference, -1), 0, assumptions);
    case '>':
      return isAtLeast(difference, 1, assumptions);
    case '>=':
      return isAtLeast(difference, 0, assumptions);
  }
}

/** Whether the two dims are proven equal under the assumption that every symbol is ≥ 0. */
export function equal(a: Dim, b: Dim): boolean {
  if (a === null || b === null) return false;
  return a === b || isProven(a, '==', b);
}

function isZero(difference: KnownDim, assumptions: Assumptions): boolean {
  if (typeof difference === 'number') return difference === 0;
  if (isPlain(difference)) return false; // a polynomial that is zero at all natural numbers has no terms
  return isAtLeast(difference, 0, assumptions) && isAtLeast(scaled(difference, -1), 0, assumptions);
}

function isNeverZero(difference: KnownDim, assumptions: Assumptions): boolean {
  if (typeof difference === 'number') return difference !== 0;
  if (difference.constant % contentOf(difference) !== 0) return true;
  return isAtLeast(difference, 1, assumptions) || isAtLeast(scaled(difference, -1), 1, assumptions);
}

/** Whether `dim >= bound` is proven. */
export function isAtLeast(dim: Dim, bound: number, assumptions: Assumptions): boolean {
  if (dim === null) return false;
  return proveNonNegative(addScaled(dim, bound, -1), { minimum: assumptions.minimum ?? 0, steps: BUDGET });
}

function proveNonNegative(dim: Dim, proof: Proof): boolean {
  if (dim === null) return false;
  if (typeof dim === 'number') return dim >= 0;
  if (proof.steps-- <= 0) return false;
  if (hasNonNegativeTerms(dim, proof)) return true;
  const extremum = nextExtremum(dim, proof);
  if (extremum) return proveBySelection(dim, extremum, proof);
  for (const sign of [-1, 1]) {
    for (const term of dim.terms) {
      if (Math.sign(term.coefficient) !== sign) continue;
      const floor = term.monomial.factors.find(({ atom }) => atom.kind === 'floor')?.atom;
      if (floor?.kind === 'floor' && proveByRelaxation(dim, term, floor, proof)) return true;
    }
  }
  return false;
}

/** No term is negative once every symbol `x` is written as `minimum + x'` with `x' >= 0`. */
function hasNonNegativeTerms(dim: KnownDim, proof: Proof): boolean {
  const isShiftable = constantOf(dim) < 0 || termsOf(dim).some((term) => term.coefficient < 0);
  const shifted = proof.minimum === 1 && isShiftable ? shiftSymbols(dim) : dim;
  if (shifted === null || constantOf(shifted) < 0) return false;
  return termsOf(shifted).every((term) => term.coefficient > 0 && isNonNegative(term.monomial, proof));
}

function shiftSymbols(dim: KnownDim): Dim {
  let sum: Dim = constantOf(dim);
  for (const { coefficient, monomial } of termsOf(dim)) {
    let product: Dim = coefficient;
    for (const { atom, power } of monomial.factors) {
      const base: Dim = atom.kind === 'symbol' ? addScaled(ofAtom(atom), 1, 1) : ofAtom(atom);
      for (let i = 0; i < power && product !== null && base !== null; i++) product = multiply(product, base);
    }
    sum = sum === null || product === null ? null : addScaled(sum, product, 1);
  }
  return sum;
}

function isNonNegative(monomial: Monomial, proof: Proof): boolean {
  return monomial.factors.every(({ atom, power }) => power % 2 === 0 || isNonNegativeAtom(atom, proof));
}

function isNonNegativeAtom(atom: Atom, proof: Proof): boolean {
  switch (atom.kind) {
    case 'symbol':
      return true;
    case 'floor':
      return proveNonNegative(atom.numerator, proof) && proveNonNegative(atom.denominator, proof);
    case 'min':
      return atom.args.every((arg) => proveNonNegative(arg, proof));
    case 'max':
      return atom.args.some((arg) => proveNonNegative(arg, proof));
  }
}

/** The extremum to open next: one whose choices must all be proven comes first, since the proofs of the others may differ with its choice. */
function nextExtremum(dim: KnownDim, proof: Proof): ExtremumAtom | undefined {
  let first: ExtremumAtom | undefined;
  for (const term of termsOf(dim)) {
    for (const { atom } of term.monomial.factors) {
      if (atom.kind !== 'min' && atom.kind !== 'max') continue;
      if (!isLinearIn(dim, atom, atom.kind === 'max' ? 1 : -1, proof)) return atom;
      first ??= atom;
    }
  }
  return first;
}

/**
 * `min` and `max` are one of their arguments, so all choices prove the sum; where an extremum can only be on the safe side
 * of each argument, one choice does, or their mean.
 */
function proveBySelection(dim: KnownDim, atom: ExtremumAtom, proof: Proof): boolean {
  const choose = (arg: KnownDim): boolean => proveNonNegative(replaceAtom(dim, atom, arg), proof);
  if (!isLinearIn(dim, atom, atom.kind === 'max' ? 1 : -1, proof)) return atom.args.every(choose);
  return atom.args.some(choose) || proveNonNegative(withMean(dim, atom), proof);
}

/** `n * dim` with n times the extremum replaced by the sum of its n arguments; `dim` is linear in it. */
function withMean(dim: KnownDim, atom: ExtremumAtom): Dim {
  const rest = replaceAtom(dim, atom, 0);
  const one = replaceAtom(dim, atom, 1);
  const slope = rest === null || one === null ? null : addScaled(one, rest, -1);
  let sum: Dim = rest === null ? null : scaled(rest, atom.args.length);
  for (const arg of atom.args) {
    const part = slope === null ? null : multiply(slope, arg);
    sum = sum === null || part === null ? null : addScaled(sum, part, 1);
  }
  return sum;
}

function isLinearIn(dim: KnownDim, atom: Atom, sign: number, proof: Proof): boolean {
  for (const { coefficient, monomial } of termsOf(dim)) {
    const factor = monomial.factors.find((other) => other.atom.key === atom.key);
    if (factor === undefined) continue;
    if (factor.power !== 1 || Math.sign(coefficient) !== sign) return false;
    if (!monomial.factors.every((other) => other === factor || isNonNegativeAtom(other.atom, proof))) return false;
  }
  return true;
}

/**
 * Replaces the term `c * m * floor(p / q)` of a sum by its bound, with everything multiplied by q > 0:
 * `floor(p / q) <= p / q`, `floor(p / q) >= (p - q + 1) / q`, and by integrality, for c = ±1 and m = 1:
 * `rest - floor(p / q) >= 0` iff `q * (rest + 1) - 1 - p >= 0`, `rest + floor(p / q) >= 0` iff `q * rest + p >= 0`.
 */
function proveByRelaxation(dim: KnownDim, term: Term, atom: FloorAtom, proof: Proof): boolean {
  const { numerator, denominator } = atom;
  if (!proveNonNegative(denominator, proof)) return false;
  const quotient = divideMonomials(term.monomial, { factors: [{ atom, power: 1 }], degree: 1 });
  if (quotient === undefined) return false;
  if (quotient !== null && !isNonNegative(quotient, proof)) return false;
  const rest = withoutTerm(dim, term);
  const scaledRest = rest === null ? null : multiply(rest, denominator);
  const factor = ofTerm(term.coefficient, quotient);
  if (scaledRest === null || factor === null) return false;
  if (term.coefficient > 0 && isNonNegativeAtom(atom, proof) && proveNonNegative(rest, proof)) return true;
  const exact = quotient === null && Math.abs(term.coefficient) === 1;
  const isShifted = exact === term.coefficient < 0;
  const shifted = isShifted ? addScaled(numerator, denominator, -1) : null;
  const bound = isShifted ? (shifted === null ? null : addScaled(shifted, 1, 1)) : numerator;
  const product = bound === null ? null : multiply(factor, bound);
  return product !== null && proveNonNegative(addScaled(scaledRest, product, 1), proof);
}

/** Whether `divisor` divides the dim for all values of the symbols; 0 divides only 0. */
export function divides(divisor: Dim, dim: Dim): boolean {
  if (divisor === null || dim === null) return false;
  if (dim === 0) return true;
  return divisor !== 0 && exactQuotient(dim, divisor) !== null;
}
