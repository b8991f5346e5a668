import type { Graph } from '../ir/graph.js';
import type { AttributeKind } from '../schema/decode.js';
import type { OpAttributes, OpName, OpOperands, TypedDomain, TypedDomains } from '../schema/ops.js';
import { operatorNames, schemaVersions } from '../schema/schema.js';
import { invariant } from '../support/invariant.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Pat } from './pattern.js';

/** What guards get, by attribute type. INT beyond 2^53 saturates. */
interface GuardValues extends Readonly<Record<AttributeKind, unknown>> {
  readonly INT: number;
  readonly FLOAT: number;
  readonly STRING: string;
  readonly INTS: readonly number[];
  readonly FLOATS: readonly number[];
  readonly STRINGS: readonly string[];
  readonly TENSOR: Tensor;
  readonly GRAPH: Graph;
}

/**
 * Conditions on attributes by name. A guard gets the attribute's value, the default of the node's operator version when it is absent,
 * or `undefined` when there is neither.
 */
export type AttributeGuards<Op extends OpName<Domain>, Domain extends TypedDomain = ''> = {
  readonly [Name in keyof OpAttributes<Op, Domain, GuardValues>]?: (
    value: Exclude<OpAttributes<Op, Domain, GuardValues>[Name], undefined> | undefined,
  ) => boolean;
};

/** A call of an operator. As a pattern it stands for its first output. */
export interface OpPattern {
  readonly kind: 'op';
  readonly domain: string;
  readonly opType: string;
  /** `undefined` is an omitted operand. */
  readonly operands: readonly (Pat | undefined)[];
  readonly guards: readonly (readonly [name: string, guard: (value: unknown) => boolean])[];
  /** Output `index` of the same call. */
  out(index: number): OutputPattern;
}

/** One output of a call. */
export interface OutputPattern {
  readonly kind: 'output';
  readonly of: OpPattern;
  readonly index: number;
}

/** Lists of operands that leave out any number of optional ones at the end. */
type Prefixes<T extends readonly unknown[]> = number extends T['length']
  ? T
  : T extends readonly [infer Head, ...infer Rest]
    ? readonly [Head, ...Prefixes<Rest>]
    : T extends readonly []
      ? readonly []
      : T extends readonly [(infer Head)?, ...infer Rest]
        ? readonly [] | readonly [Head, ...Prefixes<Rest>]
        : readonly [];

/** Arguments of a call: operands, then guards. */
type Arguments<T extends readonly unknown[], G> = T extends readonly unknown[]
  ? readonly [...T] | readonly [...T, G]
  : never;

type Call<Op extends OpName<Domain>, Domain extends TypedDomain> = (
  ...args: Arguments<Prefixes<OpOperands<Op, Pat, Domain>>, AttributeGuards<Op, Domain>>
) => OpPattern;

/** Every operator of a domain as a function from operand patterns, and guards of attributes, to a pattern. */
export type OpTable<Domain extends TypedDomain> = {
  readonly [Op in keyof TypedDomains<Pat>[Domain] & string]: Call<Op & OpName<Domain>, Domain>;
};

function build(domain: string, opType: string, args: readonly unknown[]): OpPattern {
  const last = args.at(-1);
  const guarded = typeof last === 'object' && last !== null && !('kind' in last);
  const operands = (guarded ? args.slice(0, -1) : args) as readonly (Pat | undefined)[];
  const guards = Object.entries((guarded ? last : {}) as Record<string, (value: unknown) => boolean>);
  for (const [name] of guards) {
    invariant(
      schemaVersions(domain, opType).some((schema) => schema.attributes.has(name)),
      `no version of ${opType} has an attribute ${name}`,
    );
  }
  const pattern: OpPattern = {
    kind: 'op',
    domain,
    opType,
    operands,
    guards,
    out: (index) => ({ kind: 'output', of: pattern, index }),
  };
  return pattern;
}

function table<Domain extends TypedDomain>(domain: Domain): OpTable<Domain> {
  const calls = operatorNames(domain).map((opType) => [
    opType,
    (...args: readonly unknown[]) => build(domain, opType, args),
  ]);
  return Object.fromEntries(calls) as OpTable<Domain>;
}

/**
 * Calls of operators of the default domain: `op.Add(a, b)`. The number of operands is exact but for {@link optional} ones; operands
 * of commutative operators match in any order. The last argument may hold guards: `{ keepdims: (k) => k === 1 }`.
 */
export const op: OpTable<''> = table('');

/** {@link op} for another domain: `opIn('com.microsoft').Gelu(x)`. */
export function opIn<Domain extends TypedDomain>(domain: Domain): OpTable<Domain> {
  return table(domain);
}

/** Operators that a pattern's own value may come from; `undefined` when it need not come from a certain one. */
export function rootOperators(pattern: Pat): readonly OpPattern[] | undefined {
  switch (pattern.kind) {
    case 'op':
      return [pattern];
    case 'output':
      return [pattern.of];
    case 'where':
      return rootOperators(pattern.pattern);
    case 'one-of': {
      const all = pattern.alternatives.map(rootOperators);
      return all.every((each) => each !== undefined) ? all.flat() : undefined;
    }
    default:
      return undefined;
  }
}
