import { describe, expect, test } from '@jest/globals';
import { DTYPES } from '../../src/tensor/dtype.js';
import { decodeTable, encodeFloat, isSmallFloat, type SmallFloat } from '../../src/tensor/half.js';

/** Value of a code read off its binary digits, from the definitions of the ONNX pages on float 8 and float 4, IEEE 754 and OCP MX. */
function spell(bits: number, exponentBits: number, mantissaBits: number, bias: number): number {
  const digits = bits.toString(2).padStart(1 + exponentBits + mantissaBits, '0');
  const sign = digits[0] === '1' ? -1 : 1;
  const exponent = parseInt(digits.slice(1, 1 + exponentBits), 2);
  const fraction = Array.from(digits.slice(1 + exponentBits)).reduce((sum, d, i) => sum + Number(d) * 2 ** -(i + 1), 0);
  return exponent === 0 ? sign * fraction * 2 ** (1 - bias) : sign * (1 + fraction) * 2 ** (exponent - bias);
}

const FORMATS: readonly {
  dtype: Exclude<SmallFloat, 'float8e8m0'>;
  layout: [number, number, number];
  nan: (bits: number) => boolean;
  inf: readonly number[];
  max: number;
  min: number;
}[] = [
  {
    dtype: 'float16',
    layout: [5, 10, 15],
    nan: (b) => (b & 0x7fff) > 0x7c00,
    inf: [0x7c00, 0xfc00],
    max: 65504,
    min: 2 ** -24,
  },
  {
    dtype: 'bfloat16',
    layout: [8, 7, 127],
    nan: (b) => (b & 0x7fff) > 0x7f80,
    inf: [0x7f80, 0xff80],
    max: 2 ** 128 - 2 ** 120,
    min: 2 ** -133,
  },
  { dtype: 'float8e4m3fn', layout: [4, 3, 7], nan: (b) => (b & 0x7f) === 0x7f, inf: [], max: 448, min: 2 ** -9 },
  { dtype: 'float8e4m3fnuz', layout: [4, 3, 8], nan: (b) => b === 0x80, inf: [], max: 240, min: 2 ** -10 },
  {
    dtype: 'float8e5m2',
    layout: [5, 2, 15],
    nan: (b) => (b & 0x7f) > 0x7c,
    inf: [0x7c, 0xfc],
    max: 57344,
    min: 2 ** -16,
  },
  { dtype: 'float8e5m2fnuz', layout: [5, 2, 16], nan: (b) => b === 0x80, inf: [], max: 57344, min: 2 ** -17 },
  { dtype: 'float4e2m1', layout: [2, 1, 1], nan: () => false, inf: [], max: 6, min: 0.5 },
];

function nextUp(value: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value >= 0 ? 1n : -1n));
  return view.getFloat64(0);
}

function nextDown(value: number): number {
  return -nextUp(-value);
}

describe.each(FORMATS)('$dtype', ({ dtype, layout, nan, inf, max, min }) => {
  const table = decodeTable(dtype);
  const codes = Array.from(table.keys());
  /** Finite codes in order of value, +0 alone at zero. */
  const finite = codes
    .filter((b) => Number.isFinite(table[b]) && !Object.is(table[b], -0))
    .sort((a, b) => table[a]! - table[b]!);

  test('every code has the value of its definition', () => {
    expect(table.length).toBe(2 ** DTYPES[dtype].bits);
    const wrong = codes.filter((bits) => {
      if (nan(bits)) return !Number.isNaN(table[bits]);
      if (inf.includes(bits)) return table[bits] !== (bits === inf[0] ? Infinity : -Infinity);
      return !Object.is(table[bits], spell(bits, ...layout));
    });
    expect(wrong).toEqual([]);
    expect(table[finite.at(-1)!]).toBe(max);
    expect(finite.map((b) => table[b]!).find((v) => v > 0)).toBe(min);
  });

  test('every code that is a number encodes to itself', () => {
    expect(codes.filter((b) => !nan(b) && encodeFloat(dtype, table[b]!, false) !== b && !inf.includes(b))).toEqual([]);
    for (const bits of inf) expect(encodeFloat(dtype, table[bits]!, false)).toBe(bits);
    if (dtype !== 'float4e2m1') expect(nan(encodeFloat(dtype, NaN))).toBe(true);
  });

  test('between neighbours: nearest, ties to the even code, decided on the float64 itself', () => {
    const wrong: string[] = [];
    for (let i = 0; i + 1 < finite.length; i++) {
      const [low, high] = [finite[i]!, finite[i + 1]!];
      const middle = (table[low]! + table[high]!) / 2;
      const even = (low & 1) === 0 ? low : high;
      const cases: [number, number][] = [
        [middle, even],
        [nextUp(middle), high],
        [nextDown(middle), low],
      ];
      for (const [value, expected] of cases) {
        const got = encodeFloat(dtype, value);
        if (table[got] !== table[expected]) wrong.push(`${value} -> ${got}, not ${expected}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test('zeros keep their sign where the type has two', () => {
    const negativeZero = codes.filter((b) => Object.is(table[b], -0));
    expect(negativeZero.length).toBe(dtype.endsWith('fnuz') ? 0 : 1);
    expect(encodeFloat(dtype, -0)).toBe(negativeZero[0] ?? 0);
    expect(encodeFloat(dtype, -1e-300)).toBe(negativeZero[0] ?? 0);
    expect(encodeFloat(dtype, 5e-324)).toBe(0);
  });
});

test.each([
  ['float8e4m3fn', 464, 448, 448],
  ['float8e4m3fn', 464.1, 448, NaN],
  ['float8e4m3fn', -1e9, -448, NaN],
  ['float8e4m3fn', Infinity, 448, NaN],
  ['float8e4m3fnuz', 1e9, 240, NaN],
  ['float8e4m3fnuz', -Infinity, NaN, NaN],
  ['float8e5m2', 61439, 57344, 57344],
  ['float8e5m2', 61440, 57344, Infinity],
  ['float8e5m2', -Infinity, -57344, -Infinity],
  ['float8e5m2fnuz', -1e9, -57344, NaN],
  ['float4e2m1', 100, 6, 6],
  ['float4e2m1', -Infinity, -6, -6],
  ['float4e2m1', NaN, 6, 6],
  ['float16', 65519.99, 65504, 65504],
  ['float16', 65520, Infinity, Infinity],
  ['bfloat16', 3.4e38, Infinity, Infinity],
  ['bfloat16', -Infinity, -Infinity, -Infinity],
] as const)('%s: %d beyond the range is %d saturated, %d otherwise', (dtype, value, saturated, otherwise) => {
  expect(decodeTable(dtype)[encodeFloat(dtype, value)]).toBe(saturated);
  expect(decodeTable(dtype)[encodeFloat(dtype, value, false)]).toBe(otherwise);
});

test('float8e8m0 holds powers of two and rounds up', () => {
  const table = decodeTable('float8e8m0');
  expect(Number.isNaN(table[255])).toBe(true);
  for (let bits = 0; bits < 255; bits++) {
    expect(table[bits]).toBe(2 ** (bits - 127));
    expect(encodeFloat('float8e8m0', table[bits]!)).toBe(bits);
    if (bits > 0) expect(encodeFloat('float8e8m0', nextUp(table[bits - 1]!))).toBe(bits);
  }
  expect(encodeFloat('float8e8m0', 0)).toBe(0);
  expect(encodeFloat('float8e8m0', Infinity)).toBe(254);
  expect(encodeFloat('float8e8m0', -1)).toBe(255);
  expect(encodeFloat('float8e8m0', NaN)).toBe(255);
});

test('the small floats are the float types without a typed array', () => {
  const names = (Object.keys(DTYPES) as (keyof typeof DTYPES)[]).filter(isSmallFloat);
  expect(names.sort()).toEqual([...FORMATS.map((f) => f.dtype), 'float8e8m0'].sort());
});
