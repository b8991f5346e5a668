import { invariant } from '../support/invariant.js';
import { byteLength, DTYPES, type DType } from './dtype.js';
import { decodeTable, encodeFloat, isSmallFloat } from './half.js';

/** The typed arrays that {@link NumericArray} stores elements in. */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/**
 * Elements in memory, in row-major order, one array element each:
 *
 * | dtype | `data` |
 * |---|---|
 * | float32, float64 and the integers of 8 to 64 bits | the typed array of that name (int64: BigInt64Array) |
 * | float16, bfloat16 | Uint16Array of bits |
 * | float8*, float4e2m1 | Uint8Array of bits, one element a byte (unpacked) |
 * | int4, int2 · uint4, uint2 | Int8Array · Uint8Array of values (unpacked) |
 * | bool | Uint8Array of 0 and 1 |
 * | complex64, complex128 | Float32Array, Float64Array of real and imaginary parts in turn: two array elements an element |
 * | string | `string[]` |
 */
export interface NumericArray {
  readonly dtype: DType;
  /** Empty for a scalar. */
  readonly shape: readonly number[];
  readonly data: TypedArray | readonly string[];
}

type Storage = new (buffer: ArrayBuffer | number) => TypedArray;

const STORAGE: { readonly [D in Exclude<DType, 'string'>]: Storage } = {
  float32: Float32Array,
  uint8: Uint8Array,
  int8: Int8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  float16: Uint16Array,
  float64: Float64Array,
  uint32: Uint32Array,
  uint64: BigUint64Array,
  complex64: Float32Array,
  complex128: Float64Array,
  bfloat16: Uint16Array,
  float8e4m3fn: Uint8Array,
  float8e4m3fnuz: Uint8Array,
  float8e5m2: Uint8Array,
  float8e5m2fnuz: Uint8Array,
  uint4: Uint8Array,
  int4: Int8Array,
  float4e2m1: Uint8Array,
  float8e8m0: Uint8Array,
  uint2: Uint8Array,
  int2: Int8Array,
};

const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Number of elements of a shape: 1 for a scalar. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, dim) => count * dim, 1);
}

/** Elements of `data` per element of the tensor: 2 for complex types, else 1. */
function width(dtype: DType): number {
  return DTYPES[dtype].kind === 'complex' ? 2 : 1;
}

/** A tensor of zeros (empty strings). */
export function zeros(dtype: DType, shape: readonly number[]): NumericArray {
  return { dtype, shape, data: allocate(dtype, elementCount(shape)) };
}

function allocate(dtype: DType, count: number): TypedArray | string[] {
  if (dtype === 'string') return Array.from({ length: count }, () => '');
  return new STORAGE[dtype](count * width(dtype));
}

/**
 * Elements from the little-endian, packed bytes of `TensorProto.raw_data`. The result shares memory with `bytes` where type and
 * alignment allow, so neither may be changed. `bytes` has exactly the length of dtype and shape; strings have no raw form.
 */
export function fromRawBytes(dtype: DType, shape: readonly number[], bytes: Uint8Array): NumericArray {
  invariant(dtype !== 'string', 'strings have no raw bytes');
  const count = elementCount(shape);
  invariant(
    bytes.byteLength === byteLength(dtype, count),
    `${dtype}[${shape.join(',')}] takes ${byteLength(dtype, count)} bytes, not ${bytes.byteLength}`,
  );
  const { bits } = DTYPES[dtype];
  if (bits < 8) return { dtype, shape, data: unpack(dtype, count, bytes) };
  const part = bits / 8 / width(dtype);
  const swap = part > 1 && !littleEndian;
  const own = bytes.byteOffset % part === 0 && !swap ? bytes : new Uint8Array(bytes);
  if (swap) swapBytes(own, part);
  const View = STORAGE[dtype] as new (buffer: ArrayBufferLike, offset: number, length: number) => TypedArray;
  return { dtype, shape, data: new View(own.buffer, own.byteOffset, count * width(dtype)) };
}

/** The little-endian, packed bytes of `TensorProto.raw_data`; may share memory with the array. Strings have no raw form. */
export function toRawBytes(array: NumericArray): Uint8Array {
  const { dtype, data } = array;
  invariant(isTyped(data), 'strings have no raw bytes');
  const { bits } = DTYPES[dtype];
  if (bits < 8) return pack(dtype, data);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const part = bits / 8 / width(dtype);
  if (littleEndian || part === 1) return bytes;
  const swapped = new Uint8Array(bytes);
  swapBytes(swapped, part);
  return swapped;
}

/** Reverses each group of `size` bytes in place; the length is a multiple of `size`. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  for (let start = 0; start < bytes.length; start += size) bytes.subarray(start, start + size).reverse();
}

/** Elements of 2 or 4 bits, the first in the lowest bits of the first byte. */
function unpack(dtype: DType, count: number, bytes: Uint8Array): TypedArray {
  const { bits, kind } = DTYPES[dtype];
  const perByte = 8 / bits;
  const signShift = kind === 'int' ? 32 - bits : 0;
  const data = allocate(dtype, count) as Int8Array | Uint8Array;
  for (let i = 0; i < count; i++) {
    const value = (bytes[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & (2 ** bits - 1);
    data[i] = (value << signShift) >> signShift;
  }
  return data;
}

function pack(dtype: DType, data: TypedArray): Uint8Array {
  const { bits } = DTYPES[dtype];
  const perByte = 8 / bits;
  const bytes = new Uint8Array(byteLength(dtype, data.length));
  for (let i = 0; i < data.length; i++) {
    bytes[Math.floor(i / perByte)]! |= (Number(data[i]) & (2 ** bits - 1)) << ((i % perByte) * bits);
  }
  return bytes;
}

/** Whether the elements are numbers, not strings. */
export function isTyped(data: NumericArray['data']): data is TypedArray {
  return !Array.isArray(data);
}

/**
 * The numbers as float64, exact but for integers beyond 2^53, which round to nearest. Complex tensors give real and imaginary
 * parts in turn. A float64 tensor gives its own memory. Strings have no such form.
 */
export function toFloat64(array: NumericArray): Float64Array {
  const { dtype, data } = array;
  invariant(isTyped(data), 'strings are not numbers');
  if (data instanceof Float64Array) return data;
  const numbers = new Float64Array(data.length);
  if (isSmallFloat(dtype)) {
    const table = decodeTable(dtype);
    for (let i = 0; i < data.length; i++) numbers[i] = table[data[i] as number]!;
  } else {
    for (let i = 0; i < data.length; i++) numbers[i] = Number(data[i]);
  }
  return numbers;
}

/**
 * A tensor from float64 numbers, each rounded once: floats to nearest even (float8 saturating), integers towards zero and clamped
 * to the range of the type with NaN as 0, bool 1 unless 0. Complex tensors take real and imaginary parts in turn.
 */
export function fromFloat64(dtype: DType, shape: readonly number[], values: ArrayLike<number>): NumericArray {
  invariant(dtype !== 'string', 'strings are not numbers');
  const count = elementCount(shape) * width(dtype);
  invariant(values.length === count, `${dtype}[${shape.join(',')}] takes ${count} numbers, not ${values.length}`);
  if (dtype === 'float32') return { dtype, shape, data: new Float32Array(values) };
  const data = new STORAGE[dtype](count);
  const convert = converter(dtype);
  for (let i = 0; i < count; i++) data[i] = convert(values[i]!);
  return { dtype, shape, data };
}

function converter(dtype: DType): (value: number) => number | bigint {
  if (isSmallFloat(dtype)) return (value) => encodeFloat(dtype, value);
  if (dtype === 'bool') return (value) => (value === 0 ? 0 : 1);
  const range = integerRange(dtype);
  if (!range) return (value) => value;
  if (DTYPES[dtype].bits === 64) {
    return (value) => {
      if (Number.isNaN(value)) return 0n;
      if (value >= 2 ** 64) return range.high;
      if (value < -(2 ** 63)) return range.low;
      const whole = BigInt(Math.trunc(value));
      return whole > range.high ? range.high : whole < range.low ? range.low : whole;
    };
  }
  const [low, high] = [Number(range.low), Number(range.high)];
  return (value) => (Number.isNaN(value) ? 0 : Math.min(Math.max(Math.trunc(value), low), high));
}

/** Smallest and largest value of an integer type; `undefined` for others, bool included. */
export function integerRange(dtype: DType): { readonly low: bigint; readonly high: bigint } | undefined {
  const { kind, bits } = DTYPES[dtype];
  if (kind === 'uint') return { low: 0n, high: 2n ** BigInt(bits) - 1n };
  if (kind === 'int') return { low: -(2n ** BigInt(bits - 1)), high: 2n ** BigInt(bits - 1) - 1n };
  return undefined;
}
