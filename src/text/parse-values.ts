import { numberOutOfRange } from '../diagnostics/codes/text.js';
import { toRawBytes } from '../tensor/array.js';
import { byteLength, DTYPES, type DType } from '../tensor/dtype.js';
import { encodeFloat, isSmallFloat } from '../tensor/half.js';
import { encodeUtf8 } from '../support/utf8.js';
import { parseList } from './parse-type.js';
import type { NumberLiteral, Scanner } from './scanner.js';
import { elementRange, isBits, isPacked, typedField } from './storage.js';

/** What a typed field of `TensorProto` holds. */
export type Values = Float32Array | Float64Array | Int32Array | BigInt64Array | BigUint64Array | readonly Uint8Array[];

/** The bits of `-nan` as a 32-bit float. */
export const NEGATIVE_NAN = 0xffc00000;
/** The bits of `-nan` as a 64-bit float. */
export const NEGATIVE_NAN_64 = 0xfff8000000000000n;

/**
 * `{…}` of `count` elements as their typed field holds them. Types of less than a byte take one number a byte as they are packed,
 * which is what the standard's text has, or one an element.
 */
export function parseValues(scanner: Scanner, dtype: DType, count: number): Values {
  switch (typedField(dtype)) {
    case 'floatData':
      return parseFloats(scanner, true);
    case 'doubleData':
      return parseFloats(scanner, false);
    case 'int64Data':
      return BigInt64Array.from(parseList(scanner, '{', '}', () => scanner.integer('an integer')));
    case 'uint64Data': {
      const { bits } = DTYPES[dtype];
      return BigUint64Array.from(parseList(scanner, '{', '}', () => scanner.integer('an integer', bits, false)));
    }
    case 'stringData':
      return parseList(scanner, '{', '}', () => encodeUtf8(scanner.string('a string')));
    case 'int32Data':
      return isPacked(dtype) ? parsePacked(scanner, dtype, count) : parseSmall(scanner, dtype);
  }
}

/** The float of a literal: exact for `inf` and `nan`, rounded once for decimals. @throws ResonnxError text/number-out-of-range */
export function floatValue(scanner: Scanner, literal: NumberLiteral, single: boolean, offset: number): number {
  const word = literal.text.replace('-', '').toLowerCase();
  if (word === 'nan') return NaN;
  if (word.startsWith('inf')) return literal.text.startsWith('-') ? -Infinity : Infinity;
  const value = single ? Math.fround(Number(literal.text)) : Number(literal.text);
  if (Number.isFinite(value)) return value;
  return scanner.fail((at) => numberOutOfRange(at, literal.text, single ? 'float' : 'double'), offset);
}

/** Whether the literal is a NaN with its sign bit set. */
export function isNegativeNaN({ text }: NumberLiteral): boolean {
  return text.length === 4 && text.toLowerCase() === '-nan';
}

/** A literal and where it stands. */
interface PlacedLiteral {
  readonly literal: NumberLiteral;
  readonly offset: number;
}

/** The literals as 32-bit floats, NaNs with their sign. */
export function floatList(scanner: Scanner, literals: readonly PlacedLiteral[]): Float32Array {
  const floats = Float32Array.from(literals, ({ literal, offset }) => floatValue(scanner, literal, true, offset));
  literals.forEach(({ literal }, i) => {
    if (isNegativeNaN(literal)) setNegativeNaN(floats, i);
  });
  return floats;
}

function parseFloats(scanner: Scanner, single: boolean): Float32Array | Float64Array {
  const negative: number[] = [];
  let index = 0;
  const values = parseList(scanner, '{', '}', () => {
    const start = scanner.offset;
    const literal = scanner.findNumber() ?? scanner.failExpected('a number');
    if (isNegativeNaN(literal)) negative.push(index);
    index++;
    return floatValue(scanner, literal, single, start);
  });
  const floats = single ? Float32Array.from(values) : Float64Array.from(values);
  for (const i of negative) setNegativeNaN(floats, i);
  return floats;
}

function setNegativeNaN(floats: Float32Array | Float64Array, index: number): void {
  if (floats instanceof Float32Array) new Uint32Array(floats.buffer)[index] = NEGATIVE_NAN;
  else new BigUint64Array(floats.buffer)[index] = NEGATIVE_NAN_64;
}

/** Elements in `int32_data`, one each. */
function parseSmall(scanner: Scanner, dtype: DType): Int32Array {
  const range = elementRange(dtype);
  let decimals: boolean | undefined;
  const values = parseList(scanner, '{', '}', () => {
    const start = scanner.offset;
    const literal = scanner.findNumber() ?? scanner.failExpected('a number');
    decimals = checkForm(scanner, dtype, literal, decimals, start);
    return smallValue(scanner, dtype, literal, range, start);
  });
  return Int32Array.from(values);
}

/** Small floats are all bits or all decimals in one tensor, since 1 and 1.0 would be different numbers. */
function checkForm(
  scanner: Scanner,
  dtype: DType,
  literal: NumberLiteral,
  decimals: boolean | undefined,
  offset: number,
): boolean {
  if (literal.isFloat && !isBits(dtype)) scanner.failFound('an integer', literal.text, offset);
  if (decimals !== undefined && decimals !== literal.isFloat) {
    scanner.failFound(decimals ? 'a decimal like those before' : 'bits like those before', literal.text, offset);
  }
  return literal.isFloat;
}

function smallValue(
  scanner: Scanner,
  dtype: DType,
  literal: NumberLiteral,
  [low, high]: readonly [number, number],
  offset: number,
): number {
  if (literal.isFloat && isSmallFloat(dtype)) return encodeFloat(dtype, floatValue(scanner, literal, false, offset));
  const value = Number(literal.text);
  if (value >= low && value <= high) return value;
  return scanner.fail(
    (at) => numberOutOfRange(at, literal.text, isBits(dtype) ? `the bits of ${dtype}` : dtype),
    offset,
  );
}

function parsePacked(scanner: Scanner, dtype: DType, count: number): Int32Array {
  const [low, high] = elementRange(dtype);
  const start = scanner.offset;
  let decimals: boolean | undefined;
  const values = parseList(scanner, '{', '}', () => {
    const at = scanner.offset;
    const literal = scanner.findNumber() ?? scanner.failExpected('a number');
    decimals = checkForm(scanner, dtype, literal, decimals, at);
    return smallValue(scanner, dtype, literal, [low, 255], at);
  });
  const perByte = 8 / DTYPES[dtype].bits;
  if (values.length !== count || (count === 1 && !decimals && values[0]! > high)) return Int32Array.from(values);
  const bytes = new Int32Array(byteLength(dtype, count));
  values.forEach((value, i) => {
    if (value > high) scanner.fail((at) => numberOutOfRange(at, String(value), dtype), start);
    const shift = (i % perByte) * DTYPES[dtype].bits;
    bytes[Math.floor(i / perByte)]! |= (value & (2 ** DTYPES[dtype].bits - 1)) << shift;
  });
  return bytes;
}

/** The values of a typed field as `raw_data`. */
export function rawBytes(dtype: DType, values: Values): Uint8Array {
  const shape = [values.length];
  if (values instanceof Float32Array) return toRawBytes({ dtype: 'float32', shape, data: values });
  if (values instanceof Float64Array) return toRawBytes({ dtype: 'float64', shape, data: values });
  if (values instanceof BigInt64Array) return toRawBytes({ dtype: 'int64', shape, data: values });
  const { bits } = DTYPES[dtype];
  if (values instanceof BigUint64Array) {
    if (bits === 64) return toRawBytes({ dtype: 'uint64', shape, data: values });
    return toRawBytes({ dtype: 'uint32', shape, data: Uint32Array.from(values, Number) });
  }
  const numbers = values as Int32Array;
  if (bits === 32) return toRawBytes({ dtype: 'int32', shape, data: numbers });
  if (bits === 16) return toRawBytes({ dtype: 'uint16', shape, data: Uint16Array.from(numbers) });
  return Uint8Array.from(numbers);
}
