import { assertNever } from '../support/invariant.js';
import { type Complement, complementOf } from './complement.js';
import {
  type Atom,
  type Dim,
  type DimExpr,
  type FloorAtom,
  type KnownDim,
  type Term,
  compareMonomials,
  ofAtom,
  quoteName,
} from './expr.js';
import { addScaled, constantOf, multiply, replaceAtom, scaled, termsOf } from './poly.js';

/**
 * Text of a dim: integers, symbols, `+ - *`, `floor(a/b)`, `ceil(a/b)`, `mod(a,b)`, `min(a,…)`, `max(a,…)` with the usual
 * precedence and no spaces; `?` for unknown. A symbol that is not an identifier stands in backquotes,
 * with `\` before `\` and backquote. {@link parse} reads it back to an equal dim.
 */
export function format(dim: Dim): string {
  return dim === null ? '?' : formatSum(dim);
}

interface Part {
  readonly coefficient: number;
  /** Empty for the constant. */
  readonly text: string;
}

/** A sum on its way to text: the remainders that were found in it, and the rest. */
interface Draft {
  readonly remainders: readonly { readonly coefficient: number; readonly of: FloorAtom }[];
  readonly rest: KnownDim;
}

function formatSum(dim: KnownDim): string {
  if (typeof dim === 'number') return String(dim);
  const { remainders, rest } = shortest(dim);
  const parts = remainders.map(({ coefficient, of }): Part => {
    return { coefficient, text: `mod(${formatSum(of.numerator)},${formatSum(of.denominator)})` };
  });
  for (const term of termsOf(rest)) parts.push(formatTerm(term));
  const constant = constantOf(rest);
  if (constant !== 0) parts.push({ coefficient: constant, text: '' });
  const first = parts.findIndex(({ coefficient }) => coefficient > 0);
  if (first > 0) parts.unshift(...parts.splice(first, 1));
  return parts.map(({ coefficient, text }, i) => signed(coefficient, text, i === 0)).join('');
}

function signed(coefficient: number, text: string, isFirst: boolean): string {
  const sign = coefficient < 0 ? '-' : isFirst ? '' : '+';
  const size = Math.abs(coefficient);
  if (text === '') return `${sign}${size}`;
  return size === 1 ? `${sign}${text}` : `${sign}${size}*${text}`;
}

/** Writes each atom as itself, as the difference to its complement, or as a remainder: whichever needs the fewest parts. */
function shortest(dim: DimExpr): Draft {
  let draft: Draft = { remainders: [], rest: dim };
  if (dim.depth === 0) return draft;
  for (const atom of atomsOf(dim)) {
    const complement = complementOf(atom);
    const swapped = complement === null ? null : swap(draft, atom, complement);
    const candidates = [
      swapped,
      atom.kind === 'floor' ? withRemainder(draft, atom) : null,
      swapped !== null && complement?.other.kind === 'floor' ? withRemainder(swapped, complement.other) : null,
    ];
    for (const candidate of candidates) {
      if (candidate !== null && lengthOf(candidate) < lengthOf(draft)) draft = candidate;
    }
  }
  return draft;
}

function lengthOf({ remainders, rest }: Draft): number {
  return remainders.length + partsOf(rest);
}

function atomsOf(dim: DimExpr): Iterable<Atom> {
  const atoms = new Map<string, Atom>();
  for (const { monomial } of dim.terms) {
    for (const { atom } of monomial.factors) if (atom.kind !== 'symbol') atoms.set(atom.key, atom);
  }
  return atoms.values();
}

function swap({ remainders, rest }: Draft, atom: Atom, { other, whole }: Complement): Draft | null {
  const value = addScaled(whole, ofAtom(other), -1);
  const swapped = value === null ? null : replaceAtom(rest, atom, value);
  return swapped === null ? null : { remainders, rest: swapped };
}

/** Takes `m * (y - q * floor(y / q))` out of the sum as `m * mod(y, q)`. */
function withRemainder({ remainders, rest }: Draft, atom: FloorAtom): Draft | null {
  const { numerator, denominator } = atom;
  const subtrahend = multiply(denominator, ofAtom(atom));
  const lead = subtrahend === null ? undefined : termsOf(subtrahend)[0];
  if (subtrahend === null || lead === undefined) return null;
  const term = termsOf(rest).find(({ monomial }) => compareMonomials(monomial, lead.monomial) === 0);
  const times = term === undefined ? 0 : -term.coefficient / lead.coefficient;
  if (times === 0 || !Number.isInteger(times)) return null;
  const remainder = addScaled(numerator, subtrahend, -1);
  const left = remainder === null ? null : addScaled(rest, remainder, -times);
  return left === null ? null : { remainders: [...remainders, { coefficient: times, of: atom }], rest: left };
}

function partsOf(dim: KnownDim): number {
  return termsOf(dim).length + (constantOf(dim) === 0 ? 0 : 1);
}

function formatTerm({ coefficient, monomial }: Term): Part {
  const texts: string[] = [];
  let sign = 1;
  for (const { atom, power } of monomial.factors) {
    const written = formatAtom(atom);
    for (let i = 0; i < power; i++) {
      texts.push(written.text);
      sign *= written.sign;
    }
  }
  return { coefficient: coefficient * sign, text: texts.join('*') };
}

function formatAtom(atom: Atom): { sign: number; text: string } {
  switch (atom.kind) {
    case 'symbol':
      return { sign: 1, text: quoteName(atom.name) };
    case 'floor':
      return formatFloor(atom);
    case 'min':
    case 'max':
      return { sign: 1, text: `${atom.kind}(${atom.args.map(formatSum).join(',')})` };
    default:
      return assertNever(atom);
  }
}

/** `floor((p + k - 1) / k)` is written `ceil(p / k)`, and `floor(-p / q)` as minus `ceil(p / q)`. */
function formatFloor({ numerator, denominator }: FloorAtom): { sign: number; text: string } {
  const below = formatDivisor(denominator);
  if (typeof denominator === 'number') {
    const isCeiling = constantOf(numerator) === denominator - 1;
    const dividend = isCeiling ? (addScaled(numerator, denominator - 1, -1) ?? numerator) : numerator;
    return { sign: 1, text: `${isCeiling ? 'ceil' : 'floor'}(${formatDividend(dividend)}/${below})` };
  }
  const isNegative = (termsOf(numerator)[0]?.coefficient ?? constantOf(numerator)) < 0;
  const positive = isNegative ? scaled(numerator, -1) : null;
  if (positive === null) return { sign: 1, text: `floor(${formatDividend(numerator)}/${below})` };
  return { sign: -1, text: `ceil(${formatDividend(positive)}/${below})` };
}

function formatDividend(dim: KnownDim): string {
  const text = formatSum(dim);
  return /[+-]/.test(text) && partsOf(dim) > 1 ? `(${text})` : text;
}

function formatDivisor(dim: KnownDim): string {
  const text = formatSum(dim);
  const isSimple =
    partsOf(dim) === 1 &&
    (typeof dim === 'number' || (dim.terms[0]!.coefficient === 1 && dim.terms[0]!.monomial.degree === 1));
  return isSimple ? text : `(${text})`;
}
