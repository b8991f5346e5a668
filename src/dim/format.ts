import { assertNever } from '../support/invariant.js';
import {
  type Atom,
  type Dim,
  type DimExpr,
  type FloorAtom,
  type KnownDim,
  type Term,
  ofAtom,
  quoteName,
} from './expr.js';
import { addScaled, constantOf, divideMonomials, multiply, scaled, termsOf } from './poly.js';

/**
 * Text of a dim: integers, symbols, `+ - *`, `floor(a/b)`, `ceil(a/b)`, `mod(a,b)`, `min(a,…)`, `max(a,…)` with the usual
 * precedence and no spaces; `?` for unknown. A symbol that is not an identifier stands in backquotes,
 * with `\` before `\` and backquote. {@link parse} reads it back to an equal dim.
 */
export function format(dim: Dim): string {
  return dim === null ? '?' : formatSum(dim);
}

/** A sum ready to be written: remainders that were found in it, what is left of its terms, and the constant. */
interface Sum {
  readonly remainders: readonly { readonly coefficient: number; readonly text: string }[];
  readonly rest: KnownDim;
}

function formatSum(dim: KnownDim): string {
  if (typeof dim === 'number') return String(dim);
  const { remainders, rest } = withRemainders(dim);
  const parts = [...remainders];
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

/** Finds `m * (y - q * floor(y / q))`, which is written `m * mod(y, q)` where that leaves fewer terms. */
function withRemainders(dim: DimExpr): Sum {
  let rest: KnownDim = dim;
  const remainders: { coefficient: number; text: string }[] = [];
  for (const { monomial, coefficient } of dim.terms) {
    for (const { atom } of monomial.factors) {
      if (atom.kind !== 'floor') continue;
      const opened = opensRemainder(rest, atom, { monomial, coefficient });
      if (opened === null) continue;
      remainders.push({
        coefficient: opened.times,
        text: `mod(${formatSum(atom.numerator)},${formatSum(atom.denominator)})`,
      });
      rest = opened.rest;
    }
  }
  return { remainders, rest };
}

function opensRemainder(sum: KnownDim, atom: FloorAtom, term: Term): { times: number; rest: KnownDim } | null {
  const quotient = divideMonomials(term.monomial, { factors: [{ atom, power: 1 }], degree: 1 });
  const lead = termsOf(atom.denominator)[0];
  if (lead === undefined ? quotient !== null : quotient === undefined || quotient === null) return null;
  const times = -term.coefficient / (lead?.coefficient ?? constantOf(atom.denominator));
  if (!Number.isInteger(times)) return null;
  const product = multiply(atom.denominator, ofAtom(atom));
  const remainder = product === null ? null : addScaled(atom.numerator, product, -1);
  const rest = remainder === null ? null : addScaled(sum, remainder, -times);
  if (rest === null) return null;
  const isShorter = partsOf(rest) + 1 < partsOf(sum);
  return isShorter ? { times, rest } : null;
}

function partsOf(dim: KnownDim): number {
  return termsOf(dim).length + (constantOf(dim) === 0 ? 0 : 1);
}

function formatTerm({ coefficient, monomial }: Term): { coefficient: number; text: string } {
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
