import { getFloat16, setFloat16 } from '@petamoriken/float16';
import { DTYPES, type DType } from './dtype.js';

/** The floating point types that JavaScript has no array for: arrays hold their bits. */
export type SmallFloat =
  | 'float16'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'float8e8m0'
  | 'float4e2m1';

/**
 * Sign, exponent, mantissa. `specials` says which codes are not finite numbers:
 * `ieee` the highest exponent (Inf and NaN) · `fn` all ones (NaN) · `fnuz` the sign bit alone (NaN; there is no -0) · `none` none.
 */
interface Layout {
  readonly exponentBits: number;
  readonly mantissaBits: number;
  readonly bias: number;
  readonly specials: 'ieee' | 'fn' | 'fnuz' | 'none';
}

const LAYOUTS: { readonly [D in Exclude<SmallFloat, 'float16' | 'float8e8m0'>]: Layout } = {
  bfloat16: { exponentBits: 8, mantissaBits: 7, bias: 127, specials: 'ieee' },
  float8e4m3fn: { exponentBits: 4, mantissaBits: 3, bias: 7, specials: 'fn' },
  float8e4m3fnuz: { exponentBits: 4, mantissaBits: 3, bias: 8, specials: 'fnuz' },
  float8e5m2: { exponentBits: 5, mantissaBits: 2, bias: 15, specials: 'ieee' },
  float8e5m2fnuz: { exponentBits: 5, mantissaBits: 2, bias: 16, specials: 'fnuz' },
  float4e2m1: { exponentBits: 2, mantissaBits: 1, bias: 1, specials: 'none' },
};

const E8M0_NAN = 0xff;
const E8M0_BIAS = 127;

const scratch = new DataView(new ArrayBuffer(8));
const tables = new Map<SmallFloat, Float32Array>();

/** Whether arrays of this type hold bits that {@link decodeTable} turns into numbers. */
export function isSmallFloat(dtype: DType): dtype is SmallFloat {
  return dtype === 'float16' || dtype === 'float8e8m0' || dtype in LAYOUTS;
}

/** The value of every code of the type, indexed by its bits; every value is exact in float32. Built once per type. */
export function decodeTable(dtype: SmallFloat): Float32Array {
  let table = tables.get(dtype);
  if (!table) {
    table = Float32Array.from({ length: 2 ** DTYPES[dtype].bits }, (_, bits) => decode(dtype, bits));
    tables.set(dtype, table);
  }
  return table;
}

function decode(dtype: SmallFloat, bits: number): number {
  if (dtype === 'float8e8m0') return bits === E8M0_NAN ? NaN : 2 ** (bits - E8M0_BIAS);
  if (dtype === 'float16') {
    scratch.setUint16(0, bits);
    return getFloat16(scratch, 0);
  }
  const { exponentBits, mantissaBits, bias, specials } = LAYOUTS[dtype];
  const signBit = 1 << (exponentBits + mantissaBits);
  const sign = bits & signBit ? -1 : 1;
  const magnitude = bits & (signBit - 1);
  const exponent = magnitude >> mantissaBits;
  const mantissa = magnitude & ((1 << mantissaBits) - 1);
  if (specials === 'fnuz' && bits === signBit) return NaN;
  if (specials === 'fn' && magnitude === signBit - 1) return NaN;
  if (specials === 'ieee' && exponent === (1 << exponentBits) - 1) return mantissa ? NaN : sign * Infinity;
  const significand = exponent ? (1 << mantissaBits) + mantissa : mantissa;
  return sign * significand * 2 ** (Math.max(exponent, 1) - bias - mantissaBits);
}

/**
 * The bits of `value` rounded once, to nearest with ties to even, from float64. What lies beyond the largest finite number:
 * float16 and bfloat16 give Inf; float8 types saturate, or give Inf or NaN with `saturate` false; float4e2m1 has neither and
 * gives 6 for Inf and NaN as well. float8e8m0 holds powers of two only and takes the next one up, saturating; negative is NaN.
 * Source: ONNX Cast-25 with its default `round_mode`, and the tables of the ONNX pages on float 8 and float 4.
 */
export function encodeFloat(dtype: SmallFloat, value: number, saturate = true): number {
  if (dtype === 'float8e8m0') return encodeE8M0(value);
  if (dtype === 'float16') {
    setFloat16(scratch, 0, value);
    return scratch.getUint16(0);
  }
  const layout = LAYOUTS[dtype];
  const { exponentBits, mantissaBits, bias, specials } = layout;
  const signBit = 1 << (exponentBits + mantissaBits);
  if (Number.isNaN(value)) return nanBits(layout);
  if (specials === 'fnuz' && Math.abs(value) === Infinity) return signBit;
  const negative = value < 0 || Object.is(value, -0);
  const magnitude = Math.abs(value);
  const exponent = Math.max(exponentOf(magnitude), 1 - bias);
  // A mantissa that rounds up to the next power of two carries into the exponent field.
  const bits = ((exponent + bias - 1) << mantissaBits) + roundHalfEven(magnitude / 2 ** (exponent - mantissaBits));
  const largest = largestBits(layout);
  if (magnitude !== Infinity && bits <= largest) {
    return negative && !(specials === 'fnuz' && bits === 0) ? signBit | bits : bits;
  }
  if (specials === 'none' || (saturate && dtype !== 'bfloat16')) return negative ? signBit | largest : largest;
  // Above the largest finite number: Inf where there is one, else NaN, which for `fn` types is the next code as well.
  return specials === 'fnuz' ? signBit : negative ? signBit | (largest + 1) : largest + 1;
}

function nanBits({ exponentBits, mantissaBits, specials }: Layout): number {
  const signBit = 1 << (exponentBits + mantissaBits);
  if (specials === 'fnuz') return signBit;
  if (specials === 'ieee') return signBit - (1 << (mantissaBits - 1));
  return signBit - 1;
}

function largestBits({ exponentBits, mantissaBits, specials }: Layout): number {
  const allOnes = (1 << (exponentBits + mantissaBits)) - 1;
  if (specials === 'ieee') return allOnes - (1 << mantissaBits);
  return specials === 'fn' ? allOnes - 1 : allOnes;
}

/** floor(log2) of a positive float64 (at most -1023 for subnormal ones); 1024 for Inf. */
function exponentOf(magnitude: number): number {
  scratch.setFloat64(0, magnitude);
  return (scratch.getUint16(0) >> 4) - 1023;
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}

function encodeE8M0(value: number): number {
  if (Number.isNaN(value) || value < 0) return E8M0_NAN;
  const exponent = exponentOf(value);
  const up = value > 2 ** exponent ? exponent + 1 : exponent;
  return Math.min(Math.max(up + E8M0_BIAS, 0), E8M0_NAN - 1);
}
