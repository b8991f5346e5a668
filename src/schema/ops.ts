import type { AttributeKind } from './decode.js';
import type { MicrosoftOperators } from './tables/microsoft-types.js';
import type { OnnxOperators } from './tables/onnx-types.js';

/** Name of an operator of the default domain, of any version. */
export type OnnxOp = keyof OnnxOperators<unknown>;

/** Name of an operator of domain `com.microsoft`. */
export type MicrosoftOp = keyof MicrosoftOperators<unknown>;

/** The domains whose operators are known to the type checker, with their operators over operands `P`. */
export interface TypedDomains<P> {
  readonly '': OnnxOperators<P>;
  readonly 'com.microsoft': MicrosoftOperators<P>;
}

/** A domain of {@link TypedDomains}. */
export type TypedDomain = keyof TypedDomains<unknown>;

/** Name of an operator of a domain. */
export type OpName<Domain extends TypedDomain = ''> = keyof TypedDomains<unknown>[Domain];

/** JavaScript values by attribute type; other layers pass their own map to {@link OpAttributes}. */
export interface PlainAttributeValues {
  readonly INT: number;
  readonly FLOAT: number;
  readonly STRING: string;
  readonly INTS: readonly number[];
  readonly FLOATS: readonly number[];
  readonly STRINGS: readonly string[];
  readonly TENSOR: unknown;
  readonly GRAPH: unknown;
  readonly SPARSE_TENSOR: unknown;
  readonly TYPE_PROTO: unknown;
}

/** The types of an operator's attributes by name: `{ group: 'INT'; pads: 'INTS' … }`; an attribute of several types is their union. */
export type OpAttributeKinds<
  Op extends OpName<Domain>,
  Domain extends TypedDomain = '',
> = TypedDomains<unknown>[Domain][Op] extends { readonly attributes: infer Kinds } ? Kinds : never;

/** Attributes of an operator, all optional, with the value types of `Values`; names of any version of it are allowed, others are not. */
export type OpAttributes<
  Op extends OpName<Domain>,
  Domain extends TypedDomain = '',
  Values extends Readonly<Record<AttributeKind, unknown>> = PlainAttributeValues,
> = keyof OpAttributeKinds<Op, Domain> extends never
  ? Readonly<Record<string, never>>
  : {
      readonly [Name in keyof OpAttributeKinds<Op, Domain>]?: OpAttributeKinds<Op, Domain>[Name] extends AttributeKind
        ? Values[OpAttributeKinds<Op, Domain>[Name]]
        : never;
    };

/**
 * Operands of an operator as a labelled tuple over `P`. Those that some version can do without are optional, and
 * `undefined` stands for an omitted one; variadic operators end in a rest element.
 */
export type OpOperands<
  Op extends OpName<Domain>,
  P,
  Domain extends TypedDomain = '',
> = TypedDomains<P>[Domain][Op] extends { readonly operands: infer Operands extends readonly unknown[] }
  ? Operands
  : never;
