import type { TensorProto } from '../proto/messages.js';
import { DTYPES, isFloat, type DType } from '../tensor/dtype.js';

/** The field of `TensorProto` that holds elements of a type when they are not in `raw_data`. */
export type TypedField = 'floatData' | 'doubleData' | 'int32Data' | 'int64Data' | 'uint64Data' | 'stringData';

/** Which typed field an element type is stored in (the comments of `TensorProto` in onnx.proto). */
export function typedField(dtype: DType): TypedField {
  switch (dtype) {
    case 'float32':
    case 'complex64':
      return 'floatData';
    case 'float64':
    case 'complex128':
      return 'doubleData';
    case 'int64':
      return 'int64Data';
    case 'uint32':
    case 'uint64':
      return 'uint64Data';
    case 'string':
      return 'stringData';
    default:
      return 'int32Data';
  }
}

/** Whether one byte holds several elements; the text then has one number a byte, or one an element. */
export function isPacked(dtype: DType): boolean {
  return DTYPES[dtype].bits < 8 && dtype !== 'string';
}

/** Whether integers in the text are the bits of the element, not its value: the floats that JavaScript has no array for. */
export function isBits(dtype: DType): boolean {
  return isFloat(dtype) && typedField(dtype) === 'int32Data';
}

/** The integers that the text may hold for one element stored in `int32_data`: values, or bits of small floats. */
export function elementRange(dtype: DType): readonly [low: number, high: number] {
  const { bits, kind } = DTYPES[dtype];
  return kind === 'int' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
}

/** Number of elements that dims say; beyond 2^53, and for negative dims, it is no number that any data has. */
export function countOf(dims: readonly bigint[]): number {
  let count = 1;
  for (const dim of dims) count *= dim < 0n ? NaN : Number(dim);
  return count;
}

/** How many values the data fields of a tensor have together, `raw_data` left out. */
export function typedValues(tensor: TensorProto): number {
  const { floatData, doubleData, int32Data, int64Data, uint64Data, stringData } = tensor;
  return (
    floatData.length + doubleData.length + int32Data.length + int64Data.length + uint64Data.length + stringData.length
  );
}

/** How many numbers the text of `count` elements has when nothing is packed: two for a complex element. */
export function textCount(dtype: DType, count: number): number {
  return DTYPES[dtype].kind === 'complex' ? 2 * count : count;
}
