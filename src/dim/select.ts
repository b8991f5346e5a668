import { add, mul } from './arith.js';
import { floorDiv } from './divide.js';
import { type Atom, type Dim, type ExtremumAtom, type KnownDim, ofAtom } from './expr.js';
import { max, min } from './extremum.js';
import { format } from './format.js';
import { termsOf } from './poly.js';
import { type Assumptions, isProven } from './prove.js';

/** Extrema that one condition may open. */
const MAX_DEPTH = 3;

/** Choices that one search may try before it is given up: their number grows exponentially with the extrema that are opened. */
const BUDGET = 24;

/**
 * Inequalities under which `a == b`, from the arguments that the minima and maxima in them must take, as few as will do:
 * `min(s,64) == s` where `s <= 64`. They suffice; `undefined` when no choice is found that makes the two equal.
 */
export function selectionFor(a: Dim, b: Dim, assumptions: Assumptions = {}): readonly string[] | undefined {
  if (a === null || b === null) return undefined;
  const search = { assumptions, left: BUDGET };
  for (let depth = 0; depth <= MAX_DEPTH && search.left > 0; depth++) {
    const found = select(a, b, search, depth);
    if (found) return found;
  }
  return undefined;
}

interface Search {
  readonly assumptions: Assumptions;
  /** Choices that may still be tried. */
  left: number;
}

/** Opens exactly `depth` extrema. */
function select(a: KnownDim, b: KnownDim, search: Search, depth: number): readonly string[] | undefined {
  const { assumptions } = search;
  if (depth === 0) return search.left-- > 0 && isProven(a, '==', b, assumptions) ? [] : undefined;
  for (const atom of [...extremaOf(a), ...extremaOf(b)].reverse()) {
    for (const choice of atom.args) {
      if (search.left <= 0) return undefined;
      const [left, right] = [choose(a, atom, choice), choose(b, atom, choice)];
      const rest = left === null || right === null ? undefined : select(left, right, search, depth - 1);
      if (rest) return [...new Set([...conditions(atom, choice, assumptions), ...rest])];
    }
  }
  return undefined;
}

function conditions(atom: ExtremumAtom, choice: KnownDim, assumptions: Assumptions): string[] {
  const relation = atom.kind === 'min' ? '<=' : '>=';
  return atom.args
    .filter((other) => other !== choice && !isProven(choice, relation, other, assumptions))
    .map((other) => inequality(choice, relation, other));
}

/** The number on the right. */
function inequality(a: KnownDim, relation: '<=' | '>=', b: KnownDim): string {
  if (typeof a !== 'number') return `${format(a)} ${relation} ${format(b)}`;
  return `${format(b)} ${relation === '<=' ? '>=' : '<='} ${a}`;
}

/** The extrema in a dim, inner ones last. */
function extremaOf(dim: KnownDim): ExtremumAtom[] {
  const found: ExtremumAtom[] = [];
  for (const { monomial } of termsOf(dim)) {
    for (const { atom } of monomial.factors) {
      if (atom.kind === 'floor') found.push(...extremaOf(atom.numerator), ...extremaOf(atom.denominator));
      else if (atom.kind !== 'symbol') found.push(atom, ...atom.args.flatMap(extremaOf));
    }
  }
  return found;
}

/** The dim with an extremum replaced by one of its arguments, wherever it occurs. */
function choose(dim: KnownDim, atom: ExtremumAtom, choice: KnownDim): Dim {
  if (typeof dim === 'number') return dim;
  let sum: Dim = dim.constant;
  for (const { coefficient, monomial } of dim.terms) {
    let product: Dim = coefficient;
    for (const factor of monomial.factors) {
      const value = chooseIn(factor.atom, atom, choice);
      for (let i = 0; i < factor.power; i++) product = mul(product, value);
    }
    sum = add(sum, product);
  }
  return sum;
}

function chooseIn(at: Atom, atom: ExtremumAtom, choice: KnownDim): Dim {
  if (at.key === atom.key) return choice;
  switch (at.kind) {
    case 'symbol':
      return ofAtom(at);
    case 'floor':
      return floorDiv(choose(at.numerator, atom, choice), choose(at.denominator, atom, choice));
    case 'min':
      return min(...at.args.map((arg) => choose(arg, atom, choice)));
    case 'max':
      return max(...at.args.map((arg) => choose(arg, atom, choice)));
  }
}
