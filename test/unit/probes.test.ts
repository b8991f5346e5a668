import { describe, expect, test } from '@jest/globals';
import { fillLarge, fillProbe, type Probe } from '../../src/numerics/probes.js';
import { createRandom } from '../../src/numerics/random.js';

const ROWS: Probe = { kind: 'rows', axes: [-1], rows: ['constant', 'zeros', { mean: 5, std: 1e-3 }] };
const fill = (shape: readonly number[], axes = [-1], seed = 1): Float32Array =>
  fillLarge({ ...ROWS, axes }, 'float32', shape, createRandom(seed, 'test')).data as Float32Array;
const row = (data: Float32Array, index: number, length: number): number[] => [
  ...data.subarray(index * length, (index + 1) * length),
];

describe('rows', () => {
  test('of any rank, also of a scalar and of nothing', () => {
    expect([...fill([])].every(Number.isFinite)).toBe(true);
    expect(fill([0])).toHaveLength(0);
    expect(fill([3, 0])).toHaveLength(0);
    expect(row(fill([4]), 0, 4)).toEqual(Array.from({ length: 4 }, () => fill([4])[0]));
  });

  test('take their turns along the axes that are asked for', () => {
    const data = fill([2, 3, 4], [1]);
    // One row is the three elements [i, :, k]; the second of the places outside is k = 1.
    expect([data[1], data[5], data[9]]).toEqual([0, 0, 0]);
    expect(data[0]).toBe(data[4]);
    expect(data[2]).toBeCloseTo(5, 1);
  });

  test('of a large tensor show all that the probe has', () => {
    const length = 5000;
    const data = fill([4, 5, length]);
    expect(new Set(row(data, 0, length)).size).toBe(1);
    expect(row(data, 1, length).every((value) => value === 0)).toBe(true);
    expect(row(data, 2, length).every((value) => Math.abs(value - 5) < 0.1)).toBe(true);
    expect(row(data, 2, length)).not.toEqual(row(data, 5, length));
    expect(data).toEqual(fill([4, 5, length]));
    expect(data).not.toEqual(fill([4, 5, length], [-1], 2));
  });
});

test('large tensors of normal numbers are normal, and no two rows near each other are equal', () => {
  const normal: Probe = { kind: 'normal', mean: 1, std: 2 };
  const data = fillLarge(normal, 'float32', [64, 1024], createRandom(3, 'test')).data as Float32Array;
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  expect(mean).toBeCloseTo(1, 1);
  expect(variance).toBeGreaterThan(3.7);
  expect(variance).toBeLessThan(4.3);
  for (let i = 1; i < 8; i++) expect(row(data, i, 1024)).not.toEqual(row(data, 0, 1024));
  const small = fillProbe(normal, 'float32', [8], createRandom(3, 'test')).data;
  expect(fillLarge(normal, 'float32', [8], createRandom(3, 'test')).data).toEqual(small);
});
