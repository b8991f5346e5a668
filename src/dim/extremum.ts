import { complementOf, nestedExtremum } from './complement.js';
import { type Dim, type ExtremumAtom, type KnownDim, LIMITS, extremumAtom, keyOfKnown, ofAtom } from './expr.js';
import { addScaled, compareLeads, constantOf, contentOf, exactQuotient, gcd, termsOf } from './poly.js';
import { isProven } from './prove.js';

/** The smallest of the dims; arguments that are proven not to be the smallest are left out. */
export function min(...dims: readonly Dim[]): Dim {
  return extremum('min', dims);
}

/** The largest of the dims; arguments that are proven not to be the largest are left out. */
export function max(...dims: readonly Dim[]): Dim {
  return extremum('max', dims);
}

function extremum(kind: 'min' | 'max', dims: readonly Dim[]): Dim {
  const flat: KnownDim[] = [];
  for (const dim of dims) {
    const parts = dim === null ? null : flattened(kind, dim);
    if (parts === null) return null;
    flat.push(...parts);
    if (flat.length > LIMITS.arguments) return null;
  }
  const args = withoutDominated(kind, flat);
  if (args.length <= 1) return args[0] ?? null;
  return normalized(kind, args);
}

/** The arguments of `c * min(…) + rest`, c > 0, and of `-c * max(…) + rest` are those of a minimum; `null` when too large. */
function flattened(kind: 'min' | 'max', dim: KnownDim): readonly KnownDim[] | null {
  const nested = nestedExtremum(kind, dim);
  if (nested === null) return [dim];
  const { coefficient, atom } = nested;
  const rest = addScaled(dim, ofAtom(atom), -coefficient);
  const args: KnownDim[] = [];
  for (const arg of atom.args) {
    const moved = rest === null ? null : addScaled(rest, arg, coefficient);
    if (moved === null) return null;
    args.push(moved);
  }
  return args;
}

function withoutDominated(kind: 'min' | 'max', args: readonly KnownDim[]): readonly KnownDim[] {
  const relation = kind === 'min' ? '<=' : '>=';
  const kept: KnownDim[] = [];
  for (const arg of args) {
    if (kept.some((other) => isProven(other, relation, arg))) continue;
    const remaining = kept.filter((other) => !isProven(arg, relation, other));
    kept.length = 0;
    kept.push(...remaining, arg);
  }
  return kept;
}

/** Moves out of the arguments the smallest constant, the common factor, and a minus in front of the leading one. */
function normalized(kind: 'min' | 'max', args: readonly KnownDim[]): Dim {
  const shift = Math.min(...args.map(constantOf));
  let shared = 0;
  for (const arg of args) shared = gcd(shared, gcd(contentOf(arg), constantOf(arg) - shift));
  const sign = leadingSign(args);
  const inner: KnownDim[] = [];
  for (const arg of args) {
    const moved = addScaled(arg, shift, -1);
    const part = moved === null ? null : exactQuotient(moved, sign * shared);
    if (part === null) return null;
    inner.push(part);
  }
  if (sign < 0) return flippedBack(kind, inner, shared, shift);
  const kept = shared === 1 ? inner : withoutDominated(kind, inner); // smaller numbers may be within reach of a proof
  if (kept.length < inner.length) {
    const fewer = kept.length === 1 ? kept[0]! : normalized(kind, kept);
    return fewer === null ? null : addScaled(shift, fewer, shared);
  }
  inner.sort((a, b) => (keyOfKnown(a) < keyOfKnown(b) ? -1 : 1));
  const atom = extremumAtom(kind, inner);
  const choice = atom === null ? null : preferred(atom);
  return choice === null ? null : addScaled(shift, choice, shared);
}

/** The minimum of two is written with their maximum: canonical forms have only one of the pair. */
function preferred(atom: ExtremumAtom): Dim {
  const complement = atom.kind === 'min' ? complementOf(atom) : null;
  return complement === null ? ofAtom(atom) : addScaled(complement.whole, ofAtom(complement.other), -1);
}

function flippedBack(kind: 'min' | 'max', args: readonly KnownDim[], shared: number, shift: number): Dim {
  const opposite = normalized(kind === 'min' ? 'max' : 'min', args);
  return opposite === null ? null : addScaled(shift, opposite, -shared);
}

/** The sign of the leading coefficients of the arguments with the largest leading monomial; 1 where they cancel. */
function leadingSign(args: readonly KnownDim[]): 1 | -1 {
  let sum = 0;
  let lead: KnownDim | null = null;
  for (const arg of args) {
    const term = termsOf(arg)[0];
    if (term === undefined) continue;
    const order = lead === null ? -1 : compareLeads(arg, lead);
    if (order < 0) {
      lead = arg;
      sum = 0;
    }
    if (order <= 0) sum += Math.sign(term.coefficient);
  }
  return sum < 0 ? -1 : 1;
}
