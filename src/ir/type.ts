import type { Dim } from '../dim/dim.js';
import type { DType } from '../tensor/dtype.js';

/** Dims in order; each a number, an expression over symbols, or `null` when unknown. */
export type Shape = readonly Dim[];

/** A tensor type; an absent `dtype` or `shape` is unknown, a shape of `[]` is a scalar. */
export interface TensorType {
  readonly kind: 'tensor';
  readonly dtype?: DType;
  readonly shape?: Shape;
}

/** The type of a value, as in `TypeProto`. */
export type Type =
  | TensorType
  | { readonly kind: 'sparse'; readonly dtype?: DType; readonly shape?: Shape }
  | { readonly kind: 'sequence'; readonly element?: Type }
  | { readonly kind: 'optional'; readonly element?: Type }
  | { readonly kind: 'map'; readonly key: DType; readonly value?: Type }
  | { readonly kind: 'opaque'; readonly domain: string; readonly name: string };

/** A tensor type; leaves out what is undefined. */
export function tensorType(dtype: DType | undefined, shape?: Shape): TensorType {
  return { kind: 'tensor', ...(dtype && { dtype }), ...(shape && { shape }) };
}
