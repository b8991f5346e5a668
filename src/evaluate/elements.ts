import { elementCount, fromFloat64, isTyped, type NumericArray, toFloat64, type TypedArray } from '../tensor/array.js';
import { DTYPES, type DType, isFloat } from '../tensor/dtype.js';
import { decodeTable, encodeFloat, isSmallFloat } from '../tensor/half.js';
import { unsupported } from './stop.js';

/** Storage of {@link Elements}. */
export type Data = Exclude<TypedArray, Float32Array> | readonly string[];

/**
 * A tensor under evaluation, row-major. Floating point numbers of every dtype are float64 and not rounded to it; integers and booleans
 * are stored as in {@link NumericArray}, so that what is written wraps around as the dtype does (4 and 2 bits excepted).
 */
export interface Elements {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: Data;
}

/** How the elements of a dtype are computed with: as float64, as numbers that are whole, as bigint, or not at all. */
export type Arithmetic = 'float' | 'int' | 'big' | 'string';

/** The arithmetic of a dtype. Booleans are ints of 0 and 1. */
export function arithmeticOf(dtype: DType): Arithmetic {
  const { kind, bits } = DTYPES[dtype];
  if (kind === 'complex') throw unsupported(`elements of type ${dtype}`);
  if (kind === 'string' || kind === 'float') return kind;
  return bits === 64 ? 'big' : 'int';
}

/** Storage that can be written, whatever it holds. */
export interface Writable {
  [index: number]: unknown;
  readonly length: number;
}

const INTEGERS = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Int8Array,
  uint4: Uint8Array,
  int2: Int8Array,
  uint2: Uint8Array,
} as const;

/** Zeros (empty strings) for `count` elements. */
export function allocate(dtype: DType, count: number): Data {
  const arithmetic = arithmeticOf(dtype);
  if (arithmetic === 'string') return Array.from({ length: count }, () => '');
  if (arithmetic === 'float') return new Float64Array(count);
  return new INTEGERS[dtype as keyof typeof INTEGERS](count);
}

/** A tensor of floating point numbers. */
export function floats(dtype: DType, shape: readonly number[], data: Float64Array): Elements {
  return { dtype, shape, data };
}

/** An int64 tensor. */
export function int64s(shape: readonly number[], values: readonly number[]): Elements {
  return { dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) };
}

/** Number of elements. */
export function sizeOf({ shape }: Elements): number {
  return elementCount(shape);
}

/** An array as it goes through the interface of a runtime, for evaluation. */
export function fromNumeric(array: NumericArray): Elements {
  const { dtype, shape, data } = array;
  if (arithmeticOf(dtype) === 'float') return floats(dtype, shape, toFloat64(array));
  return { dtype, shape, data: data as Data };
}

/** The elements as a runtime would give them, floating point numbers rounded once to their dtype. */
export function toNumeric({ dtype, shape, data }: Elements): NumericArray {
  return isFloat(dtype) ? fromFloat64(dtype, shape, data as Float64Array) : { dtype, shape, data };
}

/** The numbers as float64: of floats their own memory, of integers beyond 2^53 the nearest. */
export function numbers({ dtype, data }: Elements): Float64Array {
  if (data instanceof Float64Array) return data;
  if (!isTyped(data)) throw unsupported(`${dtype} where numbers are read`);
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

/** The elements of a small tensor of indices, sizes or axes; those beyond 2^53 saturate there. */
export function integers(elements: Elements): number[] {
  const limit = Number.MAX_SAFE_INTEGER;
  return Array.from(numbers(elements), (value) => Math.min(Math.max(value, -limit), limit));
}

/** Numbers under a dtype: floats as they are, integers truncated and clamped. */
export function fromNumbers(dtype: DType, shape: readonly number[], values: Float64Array): Elements {
  if (isFloat(dtype)) return floats(dtype, shape, values);
  return fromNumeric(fromFloat64(dtype, shape, values));
}

/** One number rounded to a floating point dtype, to nearest even; `saturate` as in Cast. */
export function roundOne(dtype: DType, value: number, saturate = true): number {
  if (dtype === 'float32') return Math.fround(value);
  return isSmallFloat(dtype) ? decodeTable(dtype)[encodeFloat(dtype, value, saturate)]! : value;
}

/** Floating point elements rounded to their own dtype; everything else as it is. */
export function rounded(elements: Elements): Elements {
  const { dtype, shape, data } = elements;
  if (dtype === 'float64' || !(data instanceof Float64Array)) return elements;
  return floats(
    dtype,
    shape,
    data.map((value) => roundOne(dtype, value)),
  );
}
