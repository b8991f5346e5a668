import { invariant } from '../support/invariant.js';

/** Largest number of terms, nesting depth, total size and degree of an expression; beyond them a result is unknown (`null`). */
export const LIMITS = { terms: 64, depth: 12, size: 512, degree: 16, arguments: 8 } as const;

/**
 * The size of an axis: a safe integer, an expression over symbols, or `null` when unknown.
 * Also used for the elements of small integer tensors that are followed through a graph, so it may be negative.
 */
export type Dim = number | DimExpr | null;

/** A dim that is not unknown. */
export type KnownDim = number | DimExpr;

/** What cannot be opened further by polynomial arithmetic. `key` identifies it; `depth` and `size` bound its growth. */
export type Atom = SymbolAtom | FloorAtom | ExtremumAtom;

export interface SymbolAtom {
  readonly kind: 'symbol';
  readonly name: string;
  readonly key: string;
  readonly depth: number;
  readonly size: number;
}

/** The largest integer that is not above `numerator / denominator`; undefined where the denominator is 0. */
export interface FloorAtom {
  readonly kind: 'floor';
  readonly numerator: KnownDim;
  readonly denominator: KnownDim;
  readonly key: string;
  readonly depth: number;
  readonly size: number;
}

export interface ExtremumAtom {
  readonly kind: 'min' | 'max';
  /** At least two, sorted by key. */
  readonly args: readonly KnownDim[];
  readonly key: string;
  readonly depth: number;
  readonly size: number;
}

/** Product of powers of atoms, sorted by atom; never empty. */
export interface Monomial {
  readonly factors: readonly { readonly atom: Atom; readonly power: number }[];
  readonly degree: number;
}

/** `coefficient * monomial`, the coefficient a safe integer other than 0. */
export interface Term {
  readonly coefficient: number;
  readonly monomial: Monomial;
}

/**
 * An integer polynomial over atoms, in canonical form: terms sorted by degree (highest first), then by atoms.
 * Immutable, and never a plain constant: `terms` is not empty. Made only by the operations of this folder.
 */
export class DimExpr {
  readonly terms: readonly Term[];
  readonly constant: number;
  readonly depth: number;
  readonly size: number;
  #key: string | undefined;

  constructor(terms: readonly Term[], constant: number, depth: number, size: number) {
    invariant(terms.length > 0, 'a dim expression has at least one term');
    this.terms = terms;
    this.constant = constant;
    this.depth = depth;
    this.size = size;
  }

  /** Equal for structurally equal expressions only; the same on every machine. */
  get key(): string {
    this.#key ??= keyOf(this);
    return this.#key;
  }
}

function keyOf(expr: DimExpr): string {
  let text = '';
  for (const term of expr.terms) {
    text += term.coefficient < 0 || text === '' ? String(term.coefficient) : `+${term.coefficient}`;
    for (const { atom, power } of term.monomial.factors) text += power === 1 ? `*${atom.key}` : `*${atom.key}^${power}`;
  }
  if (expr.constant === 0) return text;
  return expr.constant < 0 ? `${text}${expr.constant}` : `${text}+${expr.constant}`;
}

/** Canonical key of a known dim. */
export function keyOfKnown(dim: KnownDim): string {
  return typeof dim === 'number' ? String(dim) : dim.key;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_.]*$/;

/** The name as it stands in an expression: itself when it is letters, digits, underscores and dots and begins with no digit, else in backquotes with `\` before `\` and backquote. */
export function quoteName(name: string): string {
  return IDENTIFIER.test(name) ? name : `\`${name.replaceAll(/[\\`]/g, '\\$&')}\``;
}

/** The dim that is this symbol. */
export function symbol(name: string): DimExpr {
  return ofAtom({ kind: 'symbol', name, key: quoteName(name), depth: 0, size: 1 + (name.length >> 6) });
}

/** `floor(numerator / denominator)` as it stands; simplification is the caller's work. `null` beyond {@link LIMITS}. */
export function floorAtom(numerator: KnownDim, denominator: KnownDim): FloorAtom | null {
  const key = `~floor(${keyOfKnown(numerator)}/${keyOfKnown(denominator)})`;
  return limited({ kind: 'floor', numerator, denominator, key, ...bounds([numerator, denominator]) });
}

/** `min` or `max` of sorted arguments as it stands. `null` beyond {@link LIMITS}. */
export function extremumAtom(kind: 'min' | 'max', args: readonly KnownDim[]): ExtremumAtom | null {
  return limited({ kind, args, key: `~${kind}(${args.map(keyOfKnown).join(',')})`, ...bounds(args) });
}

function bounds(parts: readonly KnownDim[]): { depth: number; size: number } {
  let depth = 0;
  let size = 1;
  for (const part of parts) {
    if (typeof part === 'number') continue;
    depth = Math.max(depth, part.depth);
    size += part.size;
  }
  return { depth: depth + 1, size };
}

function limited<T extends Atom>(atom: T): T | null {
  return atom.depth > LIMITS.depth || atom.size > LIMITS.size ? null : atom;
}

/** The dim that is this atom. */
export function ofAtom(atom: Atom): DimExpr {
  const monomial = { factors: [{ atom, power: 1 }], degree: 1 };
  return new DimExpr([{ coefficient: 1, monomial }], 0, atom.depth, 1 + atom.size);
}

/** The dim with these sorted terms and this constant; `null` when it is too large to be kept or not a safe integer. */
export function make(terms: readonly Term[], constant: number): Dim {
  if (!Number.isSafeInteger(constant)) return null;
  if (terms.length === 0) return constant === 0 ? 0 : constant;
  if (terms.length > LIMITS.terms) return null;
  let depth = 0;
  let size = 0;
  for (const { monomial, coefficient } of terms) {
    if (monomial.degree > LIMITS.degree || !Number.isSafeInteger(coefficient)) return null;
    size += 1;
    for (const { atom } of monomial.factors) {
      size += atom.size;
      if (atom.depth > depth) depth = atom.depth;
    }
  }
  return size > LIMITS.size ? null : new DimExpr(terms, constant === 0 ? 0 : constant, depth, size);
}

/** Order of atoms: symbols by name, then compounds; by code units, so the same everywhere. */
export function compareAtoms(a: Atom, b: Atom): number {
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}

/** Graded lexicographic order, largest first: negative when `a` stands before `b`. It is preserved by multiplication. */
export function compareMonomials(a: Monomial, b: Monomial): number {
  if (a === b) return 0;
  if (a.degree !== b.degree) return b.degree - a.degree;
  const count = Math.min(a.factors.length, b.factors.length);
  for (let i = 0; i < count; i++) {
    const x = a.factors[i]!;
    const y = b.factors[i]!;
    const order = x.atom === y.atom ? 0 : compareAtoms(x.atom, y.atom);
    if (order !== 0) return order;
    if (x.power !== y.power) return y.power - x.power;
  }
  return 0;
}
