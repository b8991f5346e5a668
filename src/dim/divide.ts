import { type Dim, type FloorAtom, type KnownDim, type Term, floorAtom, make, ofAtom } from './expr.js';
import {
  addScaled,
  commonMonomial,
  constantOf,
  contentOf,
  divideMonomials,
  exactQuotient,
  floorQuotient,
  gcd,
  isPlain,
  multiply,
  ofTerm,
  scaled,
  termsOf,
} from './poly.js';
import { type Assumptions, isAtLeast, isProven } from './prove.js';

/**
 * `floor(a / b)`, toward minus infinity for every sign; `null` when b is the number 0.
 * A factor common to both is cancelled only where it is proven not to be 0 under the assumptions:
 * `floorDiv(a * b, b)` stays as it is by default and is `a` with `{ minimum: 1 }`.
 */
export function floorDiv(a: Dim, b: Dim, assumptions: Assumptions = {}): Dim {
  if (a === null || b === null || b === 0) return null;
  if (typeof b === 'number') {
    if (b > 0) return floorByNumber(a, b);
    const negated = scaled(a, -1);
    return negated === null ? null : floorByNumber(negated, -b);
  }
  return floorByExpression(a, b, assumptions);
}

/** `ceil(a / b)`, toward plus infinity; else as {@link floorDiv}. */
export function ceilDiv(a: Dim, b: Dim, assumptions: Assumptions = {}): Dim {
  if (a === null || b === null) return null;
  if (typeof b === 'number' && b > 0) return floorDiv(addScaled(a, b - 1, 1), b);
  const negated = floorDiv(scaled(a, -1), b, assumptions);
  return negated === null ? null : scaled(negated, -1);
}

/** `a - b * floor(a / b)`: the remainder with the sign of b; `null` when b is the number 0. */
export function mod(a: Dim, b: Dim, assumptions: Assumptions = {}): Dim {
  const quotient = floorDiv(a, b, assumptions);
  if (quotient === null || a === null || b === null) return null;
  const product = multiply(quotient, b);
  return product === null ? null : addScaled(a, product, -1);
}

/** `a / b` where the division leaves no remainder as polynomials, b taken not to be 0; `null` when it is not provably exact. */
export function divideExact(a: Dim, b: Dim): Dim {
  return a === null || b === null ? null : exactQuotient(a, b);
}

/** `floor(p / k)` for k >= 1, in canonical form. */
function floorByNumber(p: KnownDim, k: number): Dim {
  if (k === 1) return p;
  const lead = termsOf(p)[0];
  if (lead !== undefined && lead.coefficient < 0 && lead.coefficient % k !== 0) return flipped(p, k);
  const [whole, rest] = splitMultiples(p, k);
  if (whole === null || rest === null) return null;
  if (typeof rest === 'number') return addScaled(whole, floorQuotient(rest, k), 1);
  const shared = gcd(contentOf(rest), k);
  const reduced = shared === 1 ? rest : floorShared(rest, shared);
  const part = reduced === null ? null : floorReduced(reduced, k / shared);
  return part === null ? null : addScaled(whole, part, 1);
}

/** `floor(p / k) = -floor((k - 1 - p) / k)`: a leading minus is moved out. */
function flipped(p: KnownDim, k: number): Dim {
  const mirrored = addScaled(k - 1, p, -1);
  const part = mirrored === null ? null : floorByNumber(mirrored, k);
  return part === null ? null : scaled(part, -1);
}

/** `p = k * whole + rest` with every coefficient and the constant of rest in [0, k). */
function splitMultiples(p: KnownDim, k: number): readonly [Dim, Dim] {
  const whole: Term[] = [];
  const rest: Term[] = [];
  for (const { coefficient, monomial } of termsOf(p)) {
    const quotient = floorQuotient(coefficient, k);
    const remainder = coefficient - quotient * k;
    if (quotient !== 0) whole.push({ coefficient: quotient, monomial });
    if (remainder !== 0) rest.push({ coefficient: remainder, monomial });
  }
  const quotient = floorQuotient(constantOf(p), k);
  return [make(whole, quotient), make(rest, constantOf(p) - quotient * k)];
}

/** `floor(p / shared)` where shared divides every coefficient of p but perhaps not the constant. */
function floorShared(p: KnownDim, shared: number): Dim {
  const terms = termsOf(p).map(({ coefficient, monomial }) => ({ coefficient: coefficient / shared, monomial }));
  return make(terms, floorQuotient(constantOf(p), shared));
}

function floorReduced(p: KnownDim, k: number): Dim {
  if (k === 1) return p;
  const inner = soleFloor(p);
  if (inner !== null) {
    const { numerator, denominator } = inner;
    const rest = addScaled(p, ofAtom(inner), -1);
    const product = rest === null ? null : multiply(rest, denominator);
    const divisor = scaled(denominator, k);
    if (product !== null && divisor !== null) {
      return floorDiv(addScaled(product, numerator, 1), divisor);
    }
  }
  if (!isPlain(p) && isAtLeast(p, 0, {}) && isProven(p, '<', k)) return 0;
  return floorAtom(p, k);
}

/** The one floor atom that is a term of coefficient 1, so that `floor((floor(x / m) + r) / k) = floor((x + m * r) / (m * k))`. */
function soleFloor(p: KnownDim): FloorAtom | null {
  let found: FloorAtom | null = null;
  for (const { coefficient, monomial } of termsOf(p)) {
    const atom = monomial.factors[0]!.atom;
    if (coefficient !== 1 || monomial.degree !== 1 || atom.kind !== 'floor') continue;
    if (found !== null) return null;
    if (typeof atom.denominator === 'number' || isAtLeast(atom.denominator, 0, {})) found = atom;
  }
  return found;
}

function floorByExpression(a: KnownDim, b: Exclude<KnownDim, number>, assumptions: Assumptions): Dim {
  if (a === 0) return 0;
  if (isNonZero(b, assumptions)) {
    const exact = exactQuotient(a, b);
    if (exact !== null) return exact;
  }
  const [numerator, denominator] = cancelled(a, b, assumptions);
  if (typeof denominator === 'number') return floorDiv(numerator, denominator, assumptions);
  const lead = denominator.terms[0]!;
  if (lead.coefficient < 0) return floorDiv(scaled(numerator, -1), scaled(denominator, -1), assumptions);
  const [whole, rest] = splitByMonomial(numerator, denominator);
  if (whole === null || rest === null) return null;
  const part = floorOfRest(rest, denominator, assumptions);
  return part === null ? null : addScaled(whole, part, 1);
}

function isNonZero(dim: KnownDim, assumptions: Assumptions): boolean {
  return isProven(dim, '!=', 0, assumptions);
}

/** Numerator and denominator without their common number and, where it is proven not to be 0, their common monomial. */
function cancelled(a: KnownDim, b: KnownDim, assumptions: Assumptions): readonly [KnownDim, KnownDim] {
  const shared = gcd(gcd(contentOf(a), constantOf(a)), gcd(contentOf(b), constantOf(b)));
  const common = commonMonomial([a, b]);
  const monomial = common === null ? null : ofTerm(1, common);
  const usable = monomial !== null && isNonZero(monomial, assumptions) ? monomial : 1;
  const divisor = scaled(usable, shared) ?? 1;
  const numerator = exactQuotient(a, divisor);
  const denominator = exactQuotient(b, divisor);
  return numerator === null || denominator === null ? [a, b] : [numerator, denominator];
}

/** `a = b * whole + rest` for a monomial b; `rest` is never 0, since `0 / b` is not 0 where b is. */
function splitByMonomial(a: KnownDim, b: Exclude<KnownDim, number>): readonly [Dim, Dim] {
  const [divisor, ...others] = b.terms;
  if (divisor === undefined || others.length > 0 || b.constant !== 0) return [0, a];
  let whole: Dim = 0;
  for (const { coefficient, monomial } of termsOf(a)) {
    const quotient = divideMonomials(monomial, divisor.monomial);
    const times = floorQuotient(coefficient, divisor.coefficient);
    if (quotient === undefined || times === 0) continue;
    const part: Dim = ofTerm(times, quotient);
    whole = whole === null || part === null ? null : addScaled(whole, part, 1);
  }
  const product = whole === null ? null : multiply(whole, b);
  const rest = product === null ? null : addScaled(a, product, -1);
  return rest === 0 ? [0, a] : [whole, rest];
}

function floorOfRest(p: KnownDim, q: KnownDim, assumptions: Assumptions): Dim {
  if (isAtLeast(p, 0, assumptions) && isProven(p, '<', q, assumptions)) return 0;
  const inner = soleFloor(p);
  const outer = inner !== null && isAtLeast(q, 0, {});
  if (outer) {
    const rest = addScaled(p, ofAtom(inner), -1);
    const product = rest === null ? null : multiply(rest, inner.denominator);
    const numerator = product === null ? null : addScaled(product, inner.numerator, 1);
    const denominator = multiply(q, inner.denominator);
    if (numerator !== null && denominator !== null) return floorDiv(numerator, denominator, assumptions);
  }
  return floorAtom(p, q);
}
