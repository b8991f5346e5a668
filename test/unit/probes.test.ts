import { describe, expect, test } from '@jest/globals';
import { fillProbe, type Probe } from '../../src/numerics/probes.js';
import { createRandom } from '../../src/numerics/random.js';
import { integerRange, toFloat64 } from '../../src/tensor/array.js';
import { DTYPES, type DType } from '../../src/tensor/dtype.js';

function values(probe: Probe, dtype: DType, shape: readonly number[], seed = 1): number[] {
  return [...toFloat64(fillProbe(probe, dtype, shape, createRandom(seed, 'probe')))];
}

const FLOATS = (Object.keys(DTYPES) as DType[]).filter((dtype) => DTYPES[dtype].kind === 'float');
const INTEGERS = (Object.keys(DTYPES) as DType[]).filter((dtype) => integerRange(dtype));
const NORMAL: Probe = { kind: 'normal', mean: 0, std: 1 };
const EVERY: readonly Probe[] = [
  NORMAL,
  { kind: 'uniform', low: 0, high: 1 },
  { kind: 'rows', rows: ['constant', 'zeros', 'signed-zeros', 'ties', { mean: 0, std: 1e-3 }], axes: [-1] },
  { kind: 'integers', low: 0n, high: 1n },
  { kind: 'mask' },
  { kind: 'lengths', max: 3 },
  { kind: 'positive' },
  { kind: 'nonzero' },
  { kind: 'extremes' },
];

test.each(EVERY)('$kind: every dtype and shape is filled, the same for the same seed', (probe) => {
  for (const dtype of Object.keys(DTYPES) as DType[]) {
    if (dtype === 'string') continue;
    for (const shape of [[], [0], [1], [2, 0, 3], [3, 1, 5]]) {
      const filled = fillProbe(probe, dtype, shape, createRandom(5, 'p'));
      expect(filled).toMatchObject({ dtype, shape });
      expect(fillProbe(probe, dtype, shape, createRandom(5, 'p'))).toEqual(filled);
    }
  }
});

test('normal and uniform have the mean and the range asked for', () => {
  const normal = values({ kind: 'normal', mean: 10, std: 2 }, 'float32', [100, 100]);
  const mean = normal.reduce((a, b) => a + b) / normal.length;
  const variance = normal.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normal.length;
  expect(mean).toBeCloseTo(10, 1);
  expect(Math.sqrt(variance)).toBeCloseTo(2, 1);
  const uniform = values({ kind: 'uniform', low: -1, high: 3 }, 'float64', [10_000]);
  expect(Math.min(...uniform)).toBeGreaterThanOrEqual(-1);
  expect(Math.max(...uniform)).toBeLessThan(3);
  expect(Math.max(...uniform) - Math.min(...uniform)).toBeGreaterThan(3.9);
});

describe('rows', () => {
  const rows: Probe = {
    kind: 'rows',
    rows: [{ mean: 0, std: 1 }, 'constant', { mean: 0, std: 1e-3 }, 'zeros', 'signed-zeros', 'ties'],
    axes: [-1],
  };

  test('each row of the last axis is of its kind, in turn', () => {
    const filled = values(rows, 'float32', [2, 3, 64]);
    const row = Array.from({ length: 6 }, (_, i) => filled.slice(i * 64, (i + 1) * 64));
    const deviation = (xs: readonly number[]): number => Math.sqrt(xs.reduce((s, x) => s + x * x, 0) / xs.length);
    expect(deviation(row[0]!)).toBeGreaterThan(0.7);
    expect(new Set(row[1]).size).toBe(1);
    expect(row[1]![0]).not.toBe(0);
    expect(deviation(row[2]!)).toBeGreaterThan(0.7e-3);
    expect(deviation(row[2]!)).toBeLessThan(1.4e-3);
    expect(row[3]!.every((x) => Object.is(x, 0))).toBe(true);
    expect(row[4]!.some((x) => Object.is(x, 0)) && row[4]!.some((x) => Object.is(x, -0))).toBe(true);
    expect(new Set(row[5]).size).toBe(3);
  });

  test('rows may lie along any axes', () => {
    const constant: Probe = { kind: 'rows', rows: ['constant', { mean: 0, std: 1 }], axes: [1, 2] };
    const filled = values(constant, 'float64', [2, 3, 4]);
    expect(new Set(filled.slice(0, 12)).size).toBe(1);
    expect(new Set(filled.slice(12)).size).toBe(12);
    const columns = values({ kind: 'rows', rows: ['constant'], axes: [0] }, 'float64', [3, 2]);
    expect(columns).toEqual([columns[0], columns[1], columns[0], columns[1], columns[0], columns[1]]);
    expect(columns[0]).not.toBe(columns[1]);
  });
});

describe('integers', () => {
  test.each(INTEGERS)('%s extremes: both ends, their neighbours, 0 and 1', (dtype) => {
    const { low, high } = integerRange(dtype)!;
    const { data } = fillProbe({ kind: 'extremes' }, dtype, [16], createRandom(1, 'e'));
    const found = new Set(Array.from(data as Int32Array, BigInt));
    for (const value of [low, high, low + 1n, high - 1n, 0n, 1n]) expect(found).toContain(value);
  });

  test('a range is kept, with both ends first', () => {
    const indices = values({ kind: 'integers', low: -3n, high: 7n }, 'int32', [1000]);
    expect(indices.slice(0, 2)).toEqual([-3, 7]);
    expect([...new Set(indices)].sort((a, b) => a - b)).toEqual([-3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7]);
    const { data } = fillProbe(
      { kind: 'integers', low: -(2n ** 63n), high: 2n ** 63n - 1n },
      'int64',
      [3],
      createRandom(1, ''),
    );
    expect([data[0], data[1]]).toEqual([-(2n ** 63n), 2n ** 63n - 1n]);
  });

  test('lengths lie in [1, max] and reach it; of empty sequences they are 0', () => {
    const lengths = values({ kind: 'lengths', max: 6 }, 'int64', [500]);
    expect(lengths[0]).toBe(6);
    expect(Math.min(...lengths)).toBe(1);
    expect(Math.max(...lengths)).toBe(6);
    expect(values({ kind: 'lengths', max: 0 }, 'int64', [3])).toEqual([0, 0, 0]);
  });
});

test.each(['bool', 'int64', 'int32', 'float32', 'float16'] as const)(
  '%s masks: ones, then zeros, never only zeros',
  (dtype) => {
    const mask = values({ kind: 'mask' }, dtype, [50, 9]);
    const rows = Array.from({ length: 50 }, (_, i) => mask.slice(i * 9, i * 9 + 9).join(''));
    expect(rows[0]).toBe('111111111');
    expect(rows.every((row) => /^1+0*$/.test(row))).toBe(true);
    expect(new Set(rows).size).toBe(9);
  },
);

test.each(FLOATS.filter((d) => d !== 'float8e8m0'))(
  '%s: positive is positive, nonzero is not zero and has both signs',
  (dtype) => {
    // The smallest positive float4 is 0.5: what lies below a quarter rounds to 0 there.
    if (dtype !== 'float4e2m1') {
      expect(values({ kind: 'positive' }, dtype, [1000]).every((x) => x > 0.09)).toBe(true);
      expect(values({ kind: 'nonzero' }, dtype, [1000]).every((x) => Math.abs(x) > 0.09)).toBe(true);
    }
    expect(values({ kind: 'nonzero' }, dtype, [1000]).some((x) => x < 0)).toBe(true);
  },
);

test.each(INTEGERS.filter((dtype) => DTYPES[dtype].bits >= 8))('%s divisors: neither 0 nor -1', (dtype) => {
  const divisors = values({ kind: 'nonzero' }, dtype, [1000]);
  expect(divisors.every((x) => x !== 0 && x !== -1 && Math.abs(x) <= 9)).toBe(true);
  expect(divisors.some((x) => x < 0)).toBe(DTYPES[dtype].kind === 'int');
});

describe('specials', () => {
  const probe: Probe = { kind: 'specials', base: NORMAL, values: ['nan', 'inf', '-inf', '-0'] };

  test.each(['float64', 'float32', 'float16', 'bfloat16', 'float8e5m2'] as const)(
    '%s holds all four, and mostly numbers',
    (dtype) => {
      const filled = values(probe, dtype, [8, 32]);
      const has = (value: number): boolean => filled.some((x) => Object.is(x, value));
      expect([has(NaN), has(Infinity), has(-Infinity), has(-0)]).toEqual([true, true, true, true]);
      const finite = filled.filter((x) => Number.isFinite(x) && x !== 0).length;
      expect(finite).toBeGreaterThanOrEqual(224 - 20);
      const rows = Array.from({ length: 8 }, (_, i) => filled.slice(i * 32, i * 32 + 32));
      expect(rows.every((row) => row.some((x) => !Number.isFinite(x)))).toBe(true);
    },
  );

  test('fewer elements than specials, or none', () => {
    expect(values(probe, 'float32', [])).toHaveLength(1);
    expect(values(probe, 'float32', [0])).toEqual([]);
    expect(values(probe, 'float32', [2])).toHaveLength(2);
  });
});

test('text holds an empty string and characters beyond ASCII', () => {
  const { data } = fillProbe({ kind: 'text' }, 'string', [100], createRandom(1, 't'));
  expect(data).toContain('');
  expect((data as string[]).some((word) => /[^\x20-\x7e]/.test(word))).toBe(true);
});
