import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { Types } from '../shape/types.js';
import { invariant } from '../support/invariant.js';
import type { Tensor } from '../tensor/tensor.js';
import type { OpPattern, OutputPattern } from './op-pattern.js';
import type { Verdict } from './verdict.js';

/** Any value: an input, a constant, something captured from around the graph. */
export interface AnyPattern {
  readonly kind: 'any';
  readonly label: string;
}

/** A constant tensor: an initializer or a `Constant` node. */
export interface ConstantPattern {
  readonly kind: 'constant';
  readonly label: string;
}

/** A constant with exactly one number in it. */
export interface ScalarPattern {
  readonly kind: 'scalar';
  readonly label: string;
}

/** A constant whose elements all are one given number. */
export interface LiteralPattern {
  readonly kind: 'literal';
  readonly value: number;
  /** Steps of the element type by which it may be off; 0 is exact. */
  readonly ulps: number;
}

/** A constant list of integers; of any integers when `elements` is absent. */
export interface IntsPattern {
  readonly kind: 'ints';
  readonly label: string;
  readonly elements?: readonly number[];
}

/** The first alternative that leads to a match. */
export interface OneOfPattern {
  readonly kind: 'one-of';
  readonly alternatives: readonly Pat[];
}

/** An operand that may be omitted. */
export interface OptionalPattern<P extends Pat = Pat> {
  readonly kind: 'optional';
  readonly pattern: P;
}

/** A pattern with a condition on the value that it matched. */
export interface WherePattern<P extends Pat = Pat> {
  readonly kind: 'where';
  readonly pattern: P;
  readonly guard: Guard;
}

/** A pattern behind any number of operators that pass their first input on. */
export interface ThroughPattern<P extends Pat = Pat> {
  readonly kind: 'through';
  readonly operators: ReadonlySet<string>;
  readonly pattern: P;
}

/**
 * A pattern of one value: immutable, and the key under which a match finds what it stands for. Used twice it must match one value
 * both times, or two constants of the same dtype, shape and bits.
 */
export type Pat =
  | AnyPattern
  | ConstantPattern
  | ScalarPattern
  | LiteralPattern
  | IntsPattern
  | OneOfPattern
  | OptionalPattern
  | WherePattern
  | ThroughPattern
  | OpPattern
  | OutputPattern;

/** What a match gives for a pattern: a tensor, a number, integers, or the value itself. */
export type Bound<P extends Pat> = P extends ConstantPattern
  ? Tensor
  : P extends ScalarPattern
    ? number
    : P extends IntsPattern
      ? readonly number[]
      : P extends OptionalPattern<infer Inner> | WherePattern<infer Inner> | ThroughPattern<infer Inner>
        ? Bound<Inner>
        : Value;

/** What a {@link Guard} may look at besides the value. */
export interface GuardContext {
  readonly types: Types;
  /** The node that makes the value, if one does. */
  readonly node: Node | undefined;
}

/** A condition on a value that a pattern matched; sees no other bindings. */
export type Guard = (value: Value, context: GuardContext) => Verdict;

/** Matches any value. */
export function any(label: string): AnyPattern {
  return { kind: 'any', label };
}

/** Matches a constant; the match gives its tensor. */
export function constant(label: string): ConstantPattern {
  return { kind: 'constant', label };
}

/**
 * Matches a constant with one number in it; the match gives the number. As an operand of an operator that broadcasts it matches only
 * where it does not decide the shape of the result.
 */
export function scalar(label: string): ScalarPattern {
  return { kind: 'scalar', label };
}

/**
 * Matches a constant whose elements all are `value`, rounded to the constant's own dtype (float64 may also hold the float32 number):
 * 0 is not −0. Like {@link scalar} it never decides the shape of a result. Constants above 1 MiB are not looked into.
 */
export function literal(value: number): LiteralPattern {
  return { kind: 'literal', value, ulps: 0 };
}

/** {@link literal}, but off by at most `ulps` steps of the constant's dtype (float32 for float64): for numbers that exporters compute, like √(2/π). */
export function approx(value: number, ulps: number): LiteralPattern {
  return { kind: 'literal', value, ulps };
}

/** Matches a constant integer tensor of rank 0 or 1 with these elements. */
export function ints(...elements: readonly number[]): IntsPattern {
  return { kind: 'ints', label: `[${elements.join(', ')}]`, elements };
}

/** Matches a constant integer tensor of rank 0 or 1; the match gives its elements. */
export function integers(label: string): IntsPattern {
  return { kind: 'ints', label };
}

/** Matches what one of the alternatives matches; they are tried in order. */
export function oneOf(...alternatives: readonly Pat[]): OneOfPattern {
  invariant(alternatives.length > 0, 'oneOf needs an alternative');
  return { kind: 'one-of', alternatives };
}

/** As an operand: present and matched by `pattern`, or omitted. */
export function optional<P extends Pat>(pattern: P): OptionalPattern<P> {
  return { kind: 'optional', pattern };
}

/** Matches what `pattern` matches when `guard` holds for the value. The guard is pure and cheap. */
export function where<P extends Pat>(pattern: P, guard: Guard): WherePattern<P> {
  return { kind: 'where', pattern, guard };
}

/**
 * Matches `pattern` on the value itself, or on the first input of the operators of the default domain that made it, as long as they
 * are among `operators`. What is skipped counts as part of the match.
 */
export function through<P extends Pat>(operators: readonly string[], pattern: P): ThroughPattern<P> {
  return { kind: 'through', operators: new Set(operators), pattern };
}
