import type { TensorProto } from '../proto/messages.js';
import { type Bytes, readBytes } from '../support/bytes.js';
import { fromRawBytes, type NumericArray, toFloat64, toRawBytes } from './array.js';
import { byteLength, type DType } from './dtype.js';

/** Where the elements are: bytes or a file range laid out as `raw_data`, a computation that gives such bytes, or strings. */
export type TensorData = Bytes | (() => Uint8Array) | { readonly strings: readonly Uint8Array[] };

/**
 * An immutable tensor whose elements are read when somebody asks. Little-endian, row-major, small integers packed as in `raw_data`.
 * Folding makes a new tensor; nothing ever changes one, so sharing is always safe.
 */
export class Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
  /** The message it was read from; emitted as it was, under the name at hand. */
  readonly proto: TensorProto | undefined;
  #computed: Uint8Array | undefined;

  constructor(dtype: DType, shape: readonly number[], data: TensorData, proto?: TensorProto) {
    this.dtype = dtype;
    this.shape = shape;
    this.data = data;
    this.proto = proto;
  }

  /** A tensor that holds an array. */
  static from(array: NumericArray): Tensor {
    if (array.dtype === 'string') {
      const strings = (array.data as readonly string[]).map((text) => new TextEncoder().encode(text));
      return new Tensor('string', array.shape, { strings });
    }
    return new Tensor(array.dtype, array.shape, toRawBytes(array));
  }

  /** A float32 tensor; `values` in row-major order. */
  static float32(shape: readonly number[], values: ArrayLike<number>): Tensor {
    return Tensor.from({ dtype: 'float32', shape, data: Float32Array.from(values) });
  }

  /** An int64 tensor; `values` in row-major order. */
  static int64(shape: readonly number[], values: readonly (number | bigint)[]): Tensor {
    return Tensor.from({ dtype: 'int64', shape, data: BigInt64Array.from(values, BigInt) });
  }

  /** Number of elements; 1 for a scalar. */
  get size(): number {
    return this.shape.reduce((size, dim) => size * dim, 1);
  }

  /** Bytes that the elements take when stored raw; of strings, the sum of their lengths. */
  get byteLength(): number {
    if (typeof this.data === 'object' && 'strings' in this.data)
      return this.data.strings.reduce((n, s) => n + s.length, 0);
    return byteLength(this.dtype, this.size);
  }

  /** The elements as `raw_data` would hold them. Reads or computes them; not for strings. */
  bytes(): Uint8Array {
    if (typeof this.data === 'function') return (this.#computed ??= this.data());
    if ('strings' in this.data) throw new TypeError('a string tensor has no raw bytes');
    return readBytes(this.data);
  }

  /** The elements of a string tensor; empty for other dtypes. */
  strings(): readonly Uint8Array[] {
    return typeof this.data === 'object' && 'strings' in this.data ? this.data.strings : [];
  }

  /** The elements as a typed array in the conventions of {@link NumericArray}. */
  array(): NumericArray {
    if (this.dtype !== 'string') return fromRawBytes(this.dtype, this.shape, this.bytes());
    const utf8 = new TextDecoder();
    return { dtype: 'string', shape: this.shape, data: this.strings().map((text) => utf8.decode(text)) };
  }

  /** The elements as float64, also of integers and booleans. int64 beyond 2^53 is rounded: use {@link ints} there. */
  floats(): Float64Array {
    return toFloat64(this.array());
  }

  /** The elements of an integer or bool tensor, exactly. */
  ints(): bigint[] {
    return Array.from(this.array().data as ArrayLike<number | bigint>, BigInt);
  }

  /** The only element as a number; `undefined` when there is not exactly one or it is a string. */
  scalar(): number | undefined {
    return this.size === 1 && this.dtype !== 'string' ? this.floats()[0] : undefined;
  }
}
