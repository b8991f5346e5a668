import { assertNever } from '../support/invariant.js';
import { add, mul } from './arith.js';
import { floorDiv } from './divide.js';
import { type Atom, type Dim, type KnownDim, ofAtom } from './expr.js';
import { max, min } from './extremum.js';
import { constantOf, floorQuotient, termsOf } from './poly.js';

/**
 * The value of a dim; `null` when it is unknown, a symbol is unbound, a divisor is 0,
 * or a number on the way is not a safe integer.
 */
export function evaluate(dim: Dim, bindings: ReadonlyMap<string, number>): number | null {
  const value = dim === null ? Number.NaN : evaluateSum(dim, bindings);
  return Number.isSafeInteger(value) ? value : null;
}

/** NaN where there is no exact value; it spreads. */
function evaluateSum(dim: KnownDim, bindings: ReadonlyMap<string, number>): number {
  let sum = constantOf(dim);
  for (const { coefficient, monomial } of termsOf(dim)) {
    let product = coefficient;
    for (const { atom, power } of monomial.factors) {
      const value = evaluateAtom(atom, bindings);
      for (let i = 0; i < power; i++) product = exact(product * value);
    }
    sum = exact(sum + product);
  }
  return sum + 0; // never -0
}

function exact(value: number): number {
  return Number.isSafeInteger(value) ? value : Number.NaN;
}

function evaluateAtom(atom: Atom, bindings: ReadonlyMap<string, number>): number {
  switch (atom.kind) {
    case 'symbol':
      return exact(bindings.get(atom.name) ?? Number.NaN);
    case 'floor':
      return floorQuotient(evaluateSum(atom.numerator, bindings), evaluateSum(atom.denominator, bindings));
    case 'min':
      return Math.min(...atom.args.map((arg) => evaluateSum(arg, bindings)));
    case 'max':
      return Math.max(...atom.args.map((arg) => evaluateSum(arg, bindings)));
    default:
      return assertNever(atom);
  }
}

/** The dim with symbols replaced at once and simplified again; symbols without an entry stay, those replaced by `null` make it unknown. */
export function substitute(dim: Dim, map: ReadonlyMap<string, Dim>): Dim {
  if (dim === null || typeof dim === 'number' || map.size === 0) return dim;
  let sum: Dim = dim.constant;
  for (const { coefficient, monomial } of dim.terms) {
    let product: Dim = coefficient;
    for (const { atom, power } of monomial.factors) {
      const value = substituteAtom(atom, map);
      for (let i = 0; i < power; i++) product = mul(product, value);
    }
    sum = add(sum, product);
  }
  return sum;
}

function substituteAtom(atom: Atom, map: ReadonlyMap<string, Dim>): Dim {
  switch (atom.kind) {
    case 'symbol':
      return map.get(atom.name) ?? (map.has(atom.name) ? null : ofAtom(atom));
    case 'floor':
      return floorDiv(substitute(atom.numerator, map), substitute(atom.denominator, map));
    case 'min':
      return min(...atom.args.map((arg) => substitute(arg, map)));
    case 'max':
      return max(...atom.args.map((arg) => substitute(arg, map)));
    default:
      return assertNever(atom);
  }
}

/** The names of all symbols that occur in the dim. */
export function symbols(dim: Dim): ReadonlySet<string> {
  const names = new Set<string>();
  if (dim !== null) collectSymbols(dim, names);
  return names;
}

function collectSymbols(dim: KnownDim, names: Set<string>): void {
  for (const { monomial } of termsOf(dim)) {
    for (const { atom } of monomial.factors) {
      if (atom.kind === 'symbol') names.add(atom.name);
      else if (atom.kind === 'floor') {
        collectSymbols(atom.numerator, names);
        collectSymbols(atom.denominator, names);
      } else for (const arg of atom.args) collectSymbols(arg, names);
    }
  }
}
