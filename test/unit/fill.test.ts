import { describe, expect, test } from '@jest/globals';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { fillTensor, isFill } from '../../src/tensor/fill.js';
import { toFloat64 } from '../../src/tensor/array.js';
import type { DType } from '../../src/tensor/dtype.js';

const AT = { path: 'main/W' };

function fill(location: string, dtype: DType, shape: readonly number[], keys: Record<string, string> = {}): number[] {
  const entries = Object.entries({ location, ...keys }).map(([key, value]) => ({ key, value }));
  return Array.from(toFloat64(fillTensor(entries, dtype, shape, AT)));
}

/** MurmurHash3's 32-bit finalizer in bigint arithmetic, written from its definition. */
function finalizer(bits: bigint): bigint {
  let h = BigInt.asUintN(32, bits);
  h = BigInt.asUintN(32, (h ^ (h >> 16n)) * 0x85ebca6bn);
  h = BigInt.asUintN(32, (h ^ (h >> 13n)) * 0xc2b2ae35n);
  return h ^ (h >> 16n);
}

function u(seed: bigint, index: number): number {
  return Number(finalizer(finalizer(seed) + BigInt(index))) / 2 ** 32;
}

function z(seed: bigint, index: number): number {
  return Array.from({ length: 12 }, (_, k) => u(seed, 12 * index + k)).reduce((a, b) => a + b, 0) - 6;
}

describe('fillTensor', () => {
  test('constants and ranges are what their keys say', () => {
    expect(fill('fill:zeros', 'float32', [2])).toEqual([0, 0]);
    expect(fill('fill:ones', 'int8', [3])).toEqual([1, 1, 1]);
    expect(fill('fill:constant', 'float64', [2], { value: '-2.5' })).toEqual([-2.5, -2.5]);
    expect(fill('fill:arange', 'int64', [4], { start: '10', step: '-3' })).toEqual([10, 7, 4, 1]);
  });

  test('uniform and normal numbers follow the documented formula', () => {
    const indices = [0, 1, 2, 3, 4, 5];
    expect(fill('fill:uniform', 'float64', [6], { seed: '7', low: '-1', high: '3' })).toEqual(
      indices.map((i) => -1 + 4 * u(7n, i)),
    );
    expect(fill('fill:normal', 'float64', [2, 3], { seed: '1', mean: '2', std: '0.5' })).toEqual(
      indices.map((i) => 2 + 0.5 * z(1n, i)),
    );
  });

  test('normal numbers have mean 0 and variance 1, and seeds give different ones', () => {
    const values = fill('fill:normal', 'float32', [20_000], { seed: '3' });
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.04);
    expect(fill('fill:normal', 'float32', [4], { seed: '4' })).not.toEqual(values.slice(0, 4));
  });

  test('rows take turns: normal, constant, nearly constant', () => {
    const rows = fill('fill:rows', 'float64', [4, 5], { seed: '9', std: '0.01' });
    const [normal, constant, nearly, again] = [0, 1, 2, 3].map((r) => rows.slice(5 * r, 5 * r + 5)) as number[][];
    expect(normal).toEqual([0, 1, 2, 3, 4].map((i) => z(9n, i)));
    expect(new Set(constant)).toEqual(new Set([z(9n, 9)]));
    expect(nearly).toEqual([10, 11, 12, 13, 14].map((i) => z(9n, 14) + 0.01 * z(9n, i)));
    expect(again).toEqual([15, 16, 17, 18, 19].map((i) => z(9n, i)));
  });

  test('integers and bool take the floor: uniform bits by default', () => {
    const bits = fill('fill:uniform', 'bool', [64], { seed: '5' });
    expect(bits).toEqual(Array.from({ length: 64 }, (_, i) => Math.floor(2 * u(5n, i))));
    expect(new Set(bits)).toEqual(new Set([0, 1]));
    expect(fill('fill:constant', 'int32', [1], { value: '-1.5' })).toEqual([-2]);
  });

  test('small floats are rounded once', () => {
    expect(fill('fill:constant', 'float16', [1], { value: '0.1' })).toEqual([0.0999755859375]);
  });

  test.each<[string, DType, Record<string, string>, string]>([
    ['fill:gauss', 'float32', {}, 'fill/unknown'],
    ['weights.bin', 'float32', {}, 'fill/unknown'],
    ['fill:ones', 'string', {}, 'fill/unknown'],
    ['fill:normal', 'float32', { seed: 'x' }, 'fill/bad-number'],
    ['fill:normal', 'float32', { seed: '1.5' }, 'fill/bad-number'],
    ['fill:normal', 'float32', { std: '' }, 'fill/bad-number'],
    ['fill:uniform', 'float32', { low: 'Infinity' }, 'fill/bad-number'],
  ])('%s of %s with %j is refused as %s', (location, dtype, keys, code) => {
    expect.assertions(1);
    try {
      fill(location, dtype, [2], keys);
    } catch (error) {
      expect(error instanceof ResonnxError && error.code).toBe(code);
    }
  });

  test('isFill tells fills from files', () => {
    expect([isFill('fill:ones'), isFill('model.data'), isFill('')]).toEqual([true, false, false]);
  });
});
