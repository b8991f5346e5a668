import { type Dim, type KnownDim, type Monomial, type Term, make } from './expr.js';
import { format } from './format.js';
import { addScaled, constantOf, contentOf, exactQuotient, gcd, scaled, termsOf, withoutTerm } from './poly.js';
import { symbols } from './evaluate.js';
import { isProven } from './prove.js';

/** When two dims are equal. */
export interface Equation {
  /** `always` and `never` are proven; `sometimes` means under `text`, which may still have no solution. */
  readonly holds: 'always' | 'never' | 'sometimes';
  /** `n == 3` when a symbol has one value; else as given or reduced to positive terms on both sides, `2*h == w+1`, whichever is shorter. */
  readonly text: string;
  /** The value that one symbol must have, where the equation can be solved for it; a number if possible. */
  readonly solution: { readonly symbol: string; readonly value: KnownDim } | null;
}

/** The equation under which `a == b`, all symbols being ≥ 0; `null` when one of the dims is unknown. */
export function solve(a: Dim, b: Dim): Equation | null {
  const difference = a === null || b === null ? null : addScaled(a, b, -1);
  if (difference === null) return null;
  const text = `${format(a)} == ${format(b)}`;
  if (isProven(difference, '==', 0)) return { holds: 'always', text, solution: null };
  if (typeof difference === 'number' || isProven(difference, '!=', 0)) return { holds: 'never', text, solution: null };
  const common = gcd(contentOf(difference), difference.constant);
  const reduced = exactQuotient(difference, difference.terms[0]!.coefficient < 0 ? -common : common);
  if (reduced === null) return { holds: 'sometimes', text, solution: null };
  return solveReduced(reduced, text);
}

function solveReduced(zero: KnownDim, given: string): Equation {
  const reduced = sides(zero);
  const shortest = given.length < reduced.length ? given : reduced;
  for (const term of termsOf(zero)) {
    const name = soleSymbol(term.monomial);
    const rest = name === null ? null : withoutTerm(zero, term);
    if (name === null || rest === null || symbols(rest).has(name)) continue;
    const value = exactQuotient(rest, -term.coefficient);
    if (value === null) continue;
    if (isProven(value, '<', 0)) return { holds: 'never', text: shortest, solution: null };
    const text = typeof value === 'number' ? `${format(unit(term))} == ${value}` : shortest;
    return { holds: 'sometimes', text, solution: { symbol: name, value } };
  }
  return { holds: 'sometimes', text: shortest, solution: null };
}

function unit(term: Term): Dim {
  return make([{ coefficient: 1, monomial: term.monomial }], 0);
}

function soleSymbol({ factors, degree }: Monomial): string | null {
  const { atom } = factors[0]!;
  return degree === 1 && atom.kind === 'symbol' ? atom.name : null;
}

/** Positive terms on the left, the others on the right. */
function sides(zero: KnownDim): string {
  const terms = termsOf(zero);
  const constant = constantOf(zero);
  const left = make(
    terms.filter(({ coefficient }) => coefficient > 0),
    Math.max(constant, 0),
  );
  const right = make(
    terms.filter(({ coefficient }) => coefficient < 0),
    Math.min(constant, 0),
  );
  return `${format(left)} == ${format(right === null ? null : scaled(right, -1))}`;
}
