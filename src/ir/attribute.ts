import type { SparseTensorProto, AttributeProto, TypeProto } from '../proto/messages.js';
import type { Tensor } from '../tensor/tensor.js';
import type { Graph } from './graph.js';

/** What an attribute holds. INT is a bigint, STRING is bytes: both are exact. */
export type AttributeValue =
  | { readonly type: 'FLOAT'; readonly value: number }
  | { readonly type: 'INT'; readonly value: bigint }
  | { readonly type: 'STRING'; readonly value: Uint8Array }
  | { readonly type: 'TENSOR'; readonly value: Tensor }
  | { readonly type: 'GRAPH'; readonly value: Graph }
  | { readonly type: 'SPARSE_TENSOR'; readonly value: SparseTensorProto }
  | { readonly type: 'TYPE_PROTO'; readonly value: TypeProto }
  | { readonly type: 'FLOATS'; readonly value: readonly number[] }
  | { readonly type: 'INTS'; readonly value: readonly bigint[] }
  | { readonly type: 'STRINGS'; readonly value: readonly Uint8Array[] }
  | { readonly type: 'TENSORS'; readonly value: readonly Tensor[] }
  | { readonly type: 'GRAPHS'; readonly value: readonly Graph[] }
  | { readonly type: 'SPARSE_TENSORS'; readonly value: readonly SparseTensorProto[] }
  | { readonly type: 'TYPE_PROTOS'; readonly value: readonly TypeProto[] }
  /** In a function body: the value of the function's attribute `value`, of type `of`. */
  | { readonly type: 'REFERENCE'; readonly value: string; readonly of: Exclude<AttributeValue['type'], 'REFERENCE'> };

/** An attribute; `proto` is the message it was read from, emitted as it was as long as the attribute is unchanged. */
export type Attribute = AttributeValue & { readonly proto?: AttributeProto };

/** Attributes by name, in the order in which they are emitted. */
export type Attributes = ReadonlyMap<string, Attribute>;

/** What builders accept: bigint and integer numbers become INT unless wrapped by {@link float}. */
export type AttributeInit =
  | AttributeValue
  | number
  | bigint
  | string
  | readonly number[]
  | readonly bigint[]
  | readonly string[]
  | Tensor
  | undefined;

/** A FLOAT attribute, also when the number is an integer. */
export function float(value: number): AttributeValue {
  return { type: 'FLOAT', value };
}

/** A FLOATS attribute. */
export function floats(value: readonly number[]): AttributeValue {
  return { type: 'FLOATS', value };
}

function ints(value: readonly (number | bigint)[]): AttributeValue {
  return { type: 'INTS', value: value.map(BigInt) };
}

const UTF8 = new TextEncoder();

/** The attribute value that `init` stands for: integers are INT or INTS, other numbers FLOAT, strings STRING or STRINGS. */
export function toAttribute(init: Exclude<AttributeInit, undefined>): AttributeValue {
  if (typeof init === 'bigint') return { type: 'INT', value: init };
  if (typeof init === 'number') return Number.isInteger(init) ? { type: 'INT', value: BigInt(init) } : float(init);
  if (typeof init === 'string') return { type: 'STRING', value: UTF8.encode(init) };
  if (Array.isArray(init)) return listAttribute(init as readonly (number | bigint | string)[]);
  if ('type' in init) return init as AttributeValue;
  return { type: 'TENSOR', value: init as Tensor };
}

function listAttribute(list: readonly (number | bigint | string)[]): AttributeValue {
  if (list.every((item) => typeof item === 'string')) {
    if (list.length > 0) return { type: 'STRINGS', value: list.map((item) => UTF8.encode(item)) };
  } else if (list.some((item) => typeof item === 'number' && !Number.isInteger(item))) return floats(list as number[]);
  return ints(list as readonly (number | bigint)[]);
}
