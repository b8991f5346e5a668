/** Element types with the numbers of ONNX `TensorProto.DataType`, their size and their kind. */
interface DTypeInfo {
  readonly onnx: number;
  /** Bits per element; 0 for strings. */
  readonly bits: number;
  readonly kind: 'float' | 'int' | 'uint' | 'bool' | 'string' | 'complex';
}

/** Every element type of ONNX IR version 13, in the order of `TensorProto.DataType`. */
export const DTYPES = {
  float32: { onnx: 1, bits: 32, kind: 'float' },
  uint8: { onnx: 2, bits: 8, kind: 'uint' },
  int8: { onnx: 3, bits: 8, kind: 'int' },
  uint16: { onnx: 4, bits: 16, kind: 'uint' },
  int16: { onnx: 5, bits: 16, kind: 'int' },
  int32: { onnx: 6, bits: 32, kind: 'int' },
  int64: { onnx: 7, bits: 64, kind: 'int' },
  string: { onnx: 8, bits: 0, kind: 'string' },
  bool: { onnx: 9, bits: 8, kind: 'bool' },
  float16: { onnx: 10, bits: 16, kind: 'float' },
  float64: { onnx: 11, bits: 64, kind: 'float' },
  uint32: { onnx: 12, bits: 32, kind: 'uint' },
  uint64: { onnx: 13, bits: 64, kind: 'uint' },
  complex64: { onnx: 14, bits: 64, kind: 'complex' },
  complex128: { onnx: 15, bits: 128, kind: 'complex' },
  bfloat16: { onnx: 16, bits: 16, kind: 'float' },
  float8e4m3fn: { onnx: 17, bits: 8, kind: 'float' },
  float8e4m3fnuz: { onnx: 18, bits: 8, kind: 'float' },
  float8e5m2: { onnx: 19, bits: 8, kind: 'float' },
  float8e5m2fnuz: { onnx: 20, bits: 8, kind: 'float' },
  uint4: { onnx: 21, bits: 4, kind: 'uint' },
  int4: { onnx: 22, bits: 4, kind: 'int' },
  float4e2m1: { onnx: 23, bits: 4, kind: 'float' },
  float8e8m0: { onnx: 24, bits: 8, kind: 'float' },
  uint2: { onnx: 25, bits: 2, kind: 'uint' },
  int2: { onnx: 26, bits: 2, kind: 'int' },
} as const satisfies Record<string, DTypeInfo>;

/** Name of an element type, in the spelling of NumPy. */
export type DType = keyof typeof DTYPES;

const BY_NUMBER: ReadonlyMap<number, DType> = new Map(
  (Object.keys(DTYPES) as DType[]).map((dtype) => [DTYPES[dtype].onnx, dtype]),
);

/** The element type with this `TensorProto.DataType` number; `undefined` for 0 (UNDEFINED) and unknown numbers. */
export function findDType(onnx: number): DType | undefined {
  return BY_NUMBER.get(onnx);
}

/** Bytes that `count` elements take in `raw_data`: small integers are packed, odd counts padded to a whole byte. */
export function byteLength(dtype: DType, count: number): number {
  return Math.ceil((DTYPES[dtype].bits * count) / 8);
}

/** Whether the type is one of the floating point types (not complex). */
export function isFloat(dtype: DType): boolean {
  return DTYPES[dtype].kind === 'float';
}

/** Whether the type is a signed or unsigned integer (not bool). */
export function isInteger(dtype: DType): boolean {
  return DTYPES[dtype].kind === 'int' || DTYPES[dtype].kind === 'uint';
}
