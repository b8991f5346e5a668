import {
  type Atom,
  type Dim,
  type KnownDim,
  type Monomial,
  type Term,
  compareAtoms,
  compareMonomials,
  make,
} from './expr.js';

const NO_TERMS: readonly Term[] = [];

/** The non-constant terms of a dim. */
export function termsOf(dim: KnownDim): readonly Term[] {
  return typeof dim === 'number' ? NO_TERMS : dim.terms;
}

/** The constant part of a dim. */
export function constantOf(dim: KnownDim): number {
  return typeof dim === 'number' ? dim : dim.constant;
}

/** `a + scale * b`. */
export function addScaled(a: KnownDim, b: KnownDim, scale: number): Dim {
  if (typeof a === 'number' && typeof b === 'number') return make(NO_TERMS, safe(a + safe(scale * b)));
  const left = termsOf(a);
  const right = termsOf(b);
  const terms: Term[] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const x = left[i];
    const y = right[j];
    const order = x === undefined ? 1 : y === undefined ? -1 : compareMonomials(x.monomial, y.monomial);
    const coefficient = (order <= 0 ? x!.coefficient : 0) + (order >= 0 ? safe(scale * y!.coefficient) : 0);
    if (!Number.isSafeInteger(coefficient)) return null;
    if (coefficient !== 0)
      terms.push(order < 0 ? x! : { coefficient, monomial: order === 0 ? x!.monomial : y!.monomial });
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return make(terms, safe(constantOf(a) + safe(scale * constantOf(b))));
}

/** The number itself, or NaN where it may be inexact: NaN spreads to the check at the end. */
function safe(value: number): number {
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

/** `scale * dim`. */
export function scaled(dim: KnownDim, scale: number): Dim {
  return addScaled(0, dim, scale);
}

/** Product of two monomials. */
export function multiplyMonomials(a: Monomial, b: Monomial): Monomial {
  const factors: { atom: Monomial['factors'][number]['atom']; power: number }[] = [];
  let i = 0;
  let j = 0;
  while (i < a.factors.length || j < b.factors.length) {
    const x = a.factors[i];
    const y = b.factors[j];
    const order = x === undefined ? 1 : y === undefined ? -1 : compareAtoms(x.atom, y.atom);
    factors.push(order < 0 ? x! : order > 0 ? y! : { atom: x!.atom, power: x!.power + y!.power });
    if (order <= 0) i++;
    if (order >= 0) j++;
  }
  return { factors, degree: a.degree + b.degree };
}

/** `a / b`, or `undefined` when `b` does not divide `a`; `null` is the empty product 1. */
export function divideMonomials(a: Monomial | null, b: Monomial): Monomial | null | undefined {
  if (a === null || a.degree < b.degree) return undefined;
  const factors: { atom: Monomial['factors'][number]['atom']; power: number }[] = [];
  let j = 0;
  for (const factor of a.factors) {
    const other = b.factors[j];
    if (other === undefined || other.atom.key !== factor.atom.key) {
      factors.push(factor);
      continue;
    }
    if (other.power > factor.power) return undefined;
    if (other.power < factor.power) factors.push({ atom: factor.atom, power: factor.power - other.power });
    j++;
  }
  if (j < b.factors.length) return undefined;
  return factors.length === 0 ? null : { factors, degree: a.degree - b.degree };
}

/** `coefficient * monomial` as a dim; the monomial `null` is 1. */
export function ofTerm(coefficient: number, monomial: Monomial | null): Dim {
  if (monomial === null || coefficient === 0) return make(NO_TERMS, coefficient);
  return make([{ coefficient, monomial }], 0);
}

/** `a * b`. */
export function multiply(a: KnownDim, b: KnownDim): Dim {
  if (typeof a === 'number') return scaled(b, a);
  if (typeof b === 'number') return scaled(a, b);
  const products: Term[] = [];
  for (const x of a.terms) {
    for (const y of b.terms) {
      const coefficient = safe(x.coefficient * y.coefficient);
      products.push({ coefficient, monomial: multiplyMonomials(x.monomial, y.monomial) });
    }
    if (b.constant !== 0) products.push({ coefficient: safe(x.coefficient * b.constant), monomial: x.monomial });
  }
  if (a.constant !== 0) {
    for (const y of b.terms) products.push({ coefficient: safe(y.coefficient * a.constant), monomial: y.monomial });
  }
  return make(collect(products), safe(a.constant * b.constant));
}

/** Sorts terms and merges those of one monomial; a coefficient that may be inexact becomes NaN. */
function collect(products: Term[]): Term[] {
  if (products.length > 1) products.sort((x, y) => compareMonomials(x.monomial, y.monomial));
  const terms: Term[] = [];
  for (const product of products) {
    const last = terms.at(-1);
    if (last === undefined || compareMonomials(last.monomial, product.monomial) !== 0) {
      terms.push(product);
      continue;
    }
    terms.pop();
    const coefficient = safe(last.coefficient + product.coefficient);
    if (coefficient !== 0) terms.push({ coefficient, monomial: last.monomial });
  }
  return terms;
}

/** The quotient polynomial `a / b` when the division leaves no remainder, else `null`. `b` is taken to be non-zero. */
export function exactQuotient(a: KnownDim, b: KnownDim): Dim {
  if (b === 0) return null;
  if (typeof b === 'number') return divideCoefficients(a, b);
  const lead = b.terms[0]!;
  let quotient: Dim = 0;
  let rest: Dim = a;
  for (let steps = 0; steps < 128; steps++) {
    if (quotient === null || rest === null) return null;
    if (rest === 0) return quotient;
    if (typeof rest === 'number') return null;
    const top: Term = rest.terms[0]!;
    const monomial = divideMonomials(top.monomial, lead.monomial);
    if (monomial === undefined || top.coefficient % lead.coefficient !== 0) return null;
    const part: Dim = ofTerm(top.coefficient / lead.coefficient, monomial);
    const product: Dim = part === null ? null : multiply(part, b);
    if (part === null || product === null) return null;
    quotient = addScaled(quotient, part, 1);
    rest = addScaled(rest, product, -1);
  }
  return null;
}

function divideCoefficients(a: KnownDim, divisor: number): Dim {
  if (constantOf(a) % divisor !== 0) return null;
  const terms: Term[] = [];
  for (const { coefficient, monomial } of termsOf(a)) {
    if (coefficient % divisor !== 0) return null;
    terms.push({ coefficient: coefficient / divisor, monomial });
  }
  return make(terms, constantOf(a) / divisor);
}

/** `floor(a / b)` of safe integers, exactly; b is not 0. */
export function floorQuotient(a: number, b: number): number {
  const remainder = a % b;
  const whole = (a - remainder) / b;
  return remainder !== 0 && remainder < 0 !== b < 0 ? whole - 1 : whole + 0;
}

/** Greatest common divisor, ≥ 0. */
export function gcd(a: number, b: number): number {
  let x = Math.abs(a);
  let y = Math.abs(b);
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

/** Greatest common divisor of the coefficients of the non-constant terms. */
export function contentOf(dim: KnownDim): number {
  let content = 0;
  for (const { coefficient } of termsOf(dim)) content = gcd(content, coefficient);
  return content;
}

/** The largest monomial that divides every term; `null` when that is 1. */
export function commonMonomial(dims: readonly KnownDim[]): Monomial | null {
  let common: Monomial | null | undefined;
  for (const dim of dims) {
    if (constantOf(dim) !== 0 || typeof dim === 'number') return null;
    for (const { monomial } of dim.terms) common = common === undefined ? monomial : sharedFactors(common, monomial);
    if (common === null) return null;
  }
  return common ?? null;
}

function sharedFactors(a: Monomial | null, b: Monomial): Monomial | null {
  const factors = [];
  let degree = 0;
  for (const { atom, power } of a?.factors ?? []) {
    const other = b.factors.find((factor) => factor.atom.key === atom.key);
    if (other === undefined) continue;
    factors.push({ atom, power: Math.min(power, other.power) });
    degree += Math.min(power, other.power);
  }
  return degree === 0 ? null : { factors, degree };
}

/** Whether the dim is an expression whose every atom is a symbol. */
export function isPlain(dim: KnownDim): boolean {
  return typeof dim === 'number' || dim.depth === 0;
}

/** Order of the leading monomials of two expressions, largest first; a constant stands last. */
export function compareLeads(a: KnownDim, b: KnownDim): number {
  const x = termsOf(a)[0];
  const y = termsOf(b)[0];
  if (x === undefined || y === undefined) return x === y ? 0 : x === undefined ? 1 : -1;
  return compareMonomials(x.monomial, y.monomial);
}

/** The dim without this one of its terms. */
export function withoutTerm(dim: KnownDim, term: Term): Dim {
  const terms = termsOf(dim).filter((other) => other !== term);
  return make(terms, constantOf(dim));
}

/** The dim with an atom replaced by a value. */
export function replaceAtom(dim: KnownDim, atom: Atom, value: KnownDim): Dim {
  const kept: Term[] = [];
  let changed: Dim = 0;
  for (const term of termsOf(dim)) {
    const factor = term.monomial.factors.find((other) => other.atom.key === atom.key);
    if (factor === undefined) {
      kept.push(term);
      continue;
    }
    const power = { factors: [factor], degree: factor.power };
    let product = ofTerm(term.coefficient, divideMonomials(term.monomial, power) ?? null);
    for (let i = 0; i < factor.power && product !== null; i++) product = multiply(product, value);
    changed = changed === null || product === null ? null : addScaled(changed, product, 1);
  }
  const rest = make(kept, constantOf(dim));
  return rest === null || changed === null ? null : addScaled(rest, changed, 1);
}
