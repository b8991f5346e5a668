import { describe, expect, test } from '@jest/globals';
import { type Comparison, compareArrays, EXACT, type Tolerance } from '../../src/numerics/compare.js';
import { fromFloat64, type NumericArray } from '../../src/tensor/array.js';
import type { DType } from '../../src/tensor/dtype.js';

function compare(
  expected: readonly number[],
  actual: readonly number[],
  tolerance = EXACT,
  dtype: DType = 'float64',
): Comparison {
  return compareArrays(
    fromFloat64(dtype, [expected.length], expected),
    fromFloat64(dtype, [actual.length], actual),
    tolerance,
  );
}

const loose: Tolerance = { absolute: 0.1, relative: 0.01 };

describe('floats', () => {
  test('equal tensors are identical', () => {
    const specials = [1, -0, 0, NaN, Infinity, -Infinity];
    expect(compare(specials, specials)).toEqual({
      comparable: true,
      close: true,
      identical: true,
      maxAbs: 0,
      maxElementRel: 0,
      maxRel: 0,
      usedTolerance: 0,
      differing: 0,
      signedZeros: 0,
    });
  });

  test('errors are measured against the element and against the largest element', () => {
    const result = compare([100, 1, 0], [101, 1.5, 0.25]);
    expect(result).toMatchObject({ maxAbs: 1, maxElementRel: 0.5, maxRel: 0.01, differing: 3, close: false });
    expect(result.first).toEqual({ index: [0], expected: '100', actual: '101' });
  });

  test('the tolerance is absolute plus relative, and its used share is the largest one', () => {
    expect(compare([100, 0], [100.55, 0.05], loose)).toMatchObject({
      close: true,
      identical: false,
      usedTolerance: 0.5,
    });
    expect(compare([100], [101.1], loose)).toMatchObject({ differing: 0, close: true });
    const beyond = compare([1, 100], [1, 102.2], loose);
    expect(beyond).toMatchObject({ close: false, differing: 1, first: { index: [1] } });
    expect(beyond.usedTolerance).toBeCloseTo(2);
  });

  test('-0 for 0 is close, but not identical', () => {
    expect(compare([0, -0, 1], [-0, -0, 1])).toMatchObject({
      close: true,
      identical: false,
      signedZeros: 1,
      maxAbs: 0,
    });
  });

  test.each([
    [NaN, 1],
    [1, NaN],
    [Infinity, -Infinity],
    [Infinity, 1e308],
    [1, Infinity],
    [NaN, Infinity],
    [-Infinity, NaN],
  ])('%d is not %d at any tolerance', (expected, actual) => {
    for (const tolerance of [EXACT, loose, { absolute: Infinity, relative: Infinity }]) {
      expect(compare([expected], [actual], tolerance)).toMatchObject({
        close: false,
        maxAbs: Infinity,
        usedTolerance: Infinity,
      });
    }
  });

  test('NaN payloads do not matter; half floats compare by value', () => {
    const nan = (bits: number): NumericArray => ({ dtype: 'float16', shape: [1], data: Uint16Array.of(bits) });
    expect(compareArrays(nan(0x7e00), nan(0xfe01), EXACT).identical).toBe(true);
    expect(compare([1, 2], [1, 2.001], EXACT, 'float16')).toMatchObject({ identical: false, close: false });
    expect(compare([1, 2], [1, 2.0001], EXACT, 'float16').identical).toBe(true);
  });

  test('the first difference is named by its index', () => {
    const expected = fromFloat64('float32', [2, 2, 3], Array(12).fill(0));
    const actual = fromFloat64('float32', [2, 2, 3], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 8]);
    expect(compareArrays(expected, actual, EXACT).first).toEqual({ index: [1, 1, 1], expected: '0', actual: '7' });
    const complex = fromFloat64('complex64', [2, 1], [1, 2, 3, 4]);
    const other = fromFloat64('complex64', [2, 1], [1, 2, 3, -4]);
    expect(compareArrays(complex, other, EXACT).first).toEqual({ index: [1, 0], expected: '4', actual: '-4' });
    expect(compare([], [])).toMatchObject({ close: true, identical: true });
    expect(compareArrays(fromFloat64('int8', [], [1]), fromFloat64('int8', [], [2]), EXACT).first?.index).toEqual([]);
  });
});

describe('integers, booleans, strings', () => {
  test('one unit of int64 at the end of the range is a difference, whatever the tolerance', () => {
    const of = (value: bigint): NumericArray => ({ dtype: 'int64', shape: [2], data: BigInt64Array.of(0n, value) });
    const huge = { absolute: 1e30, relative: 1 };
    expect(compareArrays(of(2n ** 63n - 1n), of(2n ** 63n - 1n), huge).identical).toBe(true);
    expect(compareArrays(of(2n ** 63n - 1n), of(2n ** 63n - 2n), huge)).toMatchObject({
      close: false,
      maxAbs: 1,
      differing: 1,
      first: { index: [1], expected: '9223372036854775807', actual: '9223372036854775806' },
    });
  });

  test('booleans and strings', () => {
    expect(compare([1, 0], [1, 1], loose, 'bool')).toMatchObject({ close: false, differing: 1, maxAbs: 1 });
    const text = (...data: string[]): NumericArray => ({ dtype: 'string', shape: [data.length], data });
    expect(compareArrays(text('a', ''), text('a', ''), EXACT)).toMatchObject({ identical: true });
    expect(compareArrays(text('a', 'b', 'c'), text('x', 'b', 'y'), loose)).toMatchObject({
      close: false,
      differing: 2,
      maxAbs: 2,
      first: { index: [0], expected: 'a', actual: 'x' },
    });
  });
});

test.each([
  [fromFloat64('float32', [2], [1, 2]), fromFloat64('float64', [2], [1, 2])],
  [fromFloat64('float32', [2], [1, 2]), fromFloat64('float32', [1, 2], [1, 2])],
  [fromFloat64('float32', [0, 2], []), fromFloat64('float32', [2, 0], [])],
])('another dtype or shape cannot be compared', (expected, actual) => {
  expect(compareArrays(expected, actual, loose)).toMatchObject({ comparable: false, close: false, identical: false });
});
