import { complementOf, isPreferred } from './complement.js';
import { type Dim, type DimExpr, type FloorAtom, type KnownDim, type Term, floorAtom, make, ofAtom } from './expr.js';
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
  if (typeof b !== 'number') return floorByExpression(a, b, assumptions);
  if (b > 0) return floorByNumber(a, b);
  return floorByNumber(scaled(a, -1), -b);
}

/** `ceil(a / b)`, toward plus infinity; else as {@link floorDiv}. */
export function ceilDiv(a: Dim, b: Dim, assumptions: Assumptions = {}): Dim {
  const negated = a === null ? null : floorDiv(scaled(a, -1), b, assumptions);
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
function floorByNumber(p: Dim, k: number): Dim {
  if (k === 1 || p === null) return p;
  if (typeof p === 'number') return floorQuotient(p, k);
  const nested = soleRounding(p, k);
  if (nested !== null) {
    const opened = withoutRounding(p, nested, k);
    if (opened !== null) return opened;
  }
  const [whole, rest] = splitMultiples(p, k);
  if (whole === null || rest === null) return null;
  const shared = gcd(contentOf(rest), k);
  const part = shared === 1 ? floorReduced(rest, k) : floorByNumber(floorShared(rest, shared), k / shared);
  return part === null ? null : addScaled(whole, part, 1);
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

/** `floor(p / k)` where every coefficient of p is in (0, k), they have no factor in common with k, and the constant is in [0, k). */
function floorReduced(p: KnownDim, k: number): Dim {
  if (typeof p === 'number') return floorQuotient(p, k);
  if (isSmall(p, k)) return 0;
  const atom = floorAtom(p, k);
  if (atom === null) return null;
  const complement = complementOf(atom);
  if (complement?.other.kind !== 'floor') return ofAtom(atom);
  if (isSmall(complement.other.numerator, k)) return complement.whole;
  return isPreferred(p, k) ? ofAtom(atom) : addScaled(complement.whole, ofAtom(complement.other), -1);
}

/** `0 <= p < k` is proven. A polynomial over symbols alone has no bound. */
function isSmall(p: KnownDim, k: number): boolean {
  return !isPlain(p) && isAtLeast(p, 0, {}) && isProven(p, '<', k);
}

interface Rounding {
  readonly atom: FloorAtom;
  /** Coefficient with which it is opened; differs from that in the sum by a multiple of k. */
  readonly sign: 1 | -1;
}

/** The one floor atom that is a term of coefficient ±1 up to multiples of k. */
function soleRounding(p: DimExpr, k: number): Rounding | null {
  if (isPlain(p)) return null;
  let found: Rounding | null = null;
  for (const { coefficient, monomial } of p.terms) {
    const atom = monomial.factors[0]!.atom;
    if (monomial.degree !== 1 || atom.kind !== 'floor') continue;
    const isPositive = (coefficient - 1) % k === 0 && (k > 2 || coefficient > 0);
    if (!isPositive && (coefficient + 1) % k !== 0) continue;
    if (found !== null) return null;
    found = { atom, sign: isPositive ? 1 : -1 };
  }
  return found !== null && isAtLeast(found.atom.denominator, 0, {}) ? found : null;
}

/**
 * `floor((floor(y / m) + r) / k) = floor((y + m * r) / (m * k))`, and the same with
 * `-floor(y / m) = floor((m - 1 - y) / m)`; for k, m > 0.
 */
function withoutRounding(p: DimExpr, { atom, sign }: Rounding, k: KnownDim): Dim {
  const { numerator, denominator } = atom;
  const rest = addScaled(p, ofAtom(atom), -sign);
  const product = rest === null ? null : multiply(rest, denominator);
  const slack = sign > 0 ? 0 : addScaled(denominator, 1, -1);
  const shifted = product === null || slack === null ? null : addScaled(product, slack, 1);
  const divisor = multiply(denominator, k);
  if (shifted === null || divisor === null) return null;
  return floorDiv(addScaled(shifted, numerator, sign), divisor);
}

function floorByExpression(a: KnownDim, b: DimExpr, assumptions: Assumptions): Dim {
  if (a === 0) return 0;
  if (isProven(b, '!=', 0, assumptions)) {
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

/** Numerator and denominator without their common number and, where it is proven not to be 0, their common monomial. */
function cancelled(a: KnownDim, b: KnownDim, assumptions: Assumptions): readonly [KnownDim, KnownDim] {
  const shared = gcd(gcd(contentOf(a), constantOf(a)), gcd(contentOf(b), constantOf(b)));
  const common = commonMonomial([a, b]);
  const monomial = common === null ? null : ofTerm(1, common);
  const usable = monomial !== null && isProven(monomial, '!=', 0, assumptions) ? monomial : 1;
  const divisor = scaled(usable, shared) ?? 1;
  const numerator = exactQuotient(a, divisor);
  const denominator = exactQuotient(b, divisor);
  return numerator === null || denominator === null ? [a, b] : [numerator, denominator];
}

/** `a = b * whole + rest` for a monomial b; `rest` is never 0, since `0 / b` is not 0 where b is. */
function splitByMonomial(a: KnownDim, b: DimExpr): readonly [Dim, Dim] {
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

function floorOfRest(p: KnownDim, q: DimExpr, assumptions: Assumptions): Dim {
  if (isAtLeast(p, 0, assumptions) && isProven(p, '<', q, assumptions)) return 0;
  const nested = typeof p === 'number' || !isAtLeast(q, 0, {}) ? null : soleRounding(p, Number.MAX_SAFE_INTEGER);
  const opened = nested === null || typeof p === 'number' ? null : withoutRounding(p, nested, q);
  if (opened !== null) return opened;
  const atom = floorAtom(p, q);
  return atom === null ? null : ofAtom(atom);
}
