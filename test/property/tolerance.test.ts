import { afterAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareArrays, EXACT } from '../../src/numerics/compare.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { fillProbe } from '../../src/numerics/probes.js';
import { createRandom } from '../../src/numerics/random.js';
import { derivedTolerance, probabilisticBound, unitRoundoff, worstCaseBound } from '../../src/numerics/tolerance.js';
import { fromFloat64, toFloat64 } from '../../src/tensor/array.js';
import { DTYPES, type DType } from '../../src/tensor/dtype.js';
import { decodeTable, isSmallFloat } from '../../src/tensor/half.js';
import { tinyModel } from '../support/tiny-model.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

describe('unit roundoff', () => {
  test('is half the distance from 1 to the next number, for every float type', () => {
    for (const dtype of Object.keys(DTYPES) as DType[]) {
      if (DTYPES[dtype].kind !== 'float' || !isSmallFloat(dtype)) continue;
      const above = Array.from(decodeTable(dtype)).filter((x) => x > 1);
      const next = above.reduce((a, b) => Math.min(a, b), Infinity);
      expect(unitRoundoff(dtype)).toBe((next - 1) / 2);
    }
    expect(unitRoundoff('float32')).toBe((Math.fround(1 + 2 ** -23) - 1) / 2);
    expect(unitRoundoff('float64')).toBe(Number.EPSILON / 2);
    for (const dtype of ['int64', 'bool', 'string', 'uint4'] as const) expect(unitRoundoff(dtype)).toBe(0);
  });
});

describe('bounds', () => {
  test('one rounding is bounded by about u; more roundings by more', () => {
    const u = 2 ** -24;
    expect(worstCaseBound(1, u)).toBeCloseTo(u, 12);
    expect(worstCaseBound(2 ** 24, u)).toBe(Infinity);
    expect(probabilisticBound(10_000, u, 6)).toBeGreaterThan(600 * u);
    expect(probabilisticBound(10_000, u, 6)).toBeLessThan(601 * u);
    expect(probabilisticBound(10_000, u, 6)).toBeLessThan(worstCaseBound(10_000, u));
  });

  test('float32 sums in any order stay within the worst case', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 1, maxLength: 200 }),
        (terms) => {
          const sum = (order: readonly number[]): number => order.reduce((a, b) => Math.fround(a + b), 0);
          const scale = terms.reduce((a, b) => a + Math.abs(b), 0);
          const bound = worstCaseBound(terms.length, unitRoundoff('float32')) * scale;
          const sorted = terms.toSorted((a, b) => a - b);
          expect(Math.abs(sum(terms) - sum(sorted))).toBeLessThanOrEqual(2 * bound);
        },
      ),
    );
  });
});

describe('derived tolerance', () => {
  test.each([16, 256, 4096])('holds for a real float32 MatMul over %d terms, and is not slack', async (K) => {
    const random = createRandom(1, `matmul ${K}`);
    const probe = { kind: 'normal', mean: 0, std: 1 } as const;
    const [A, B] = [fillProbe(probe, 'float32', [8, K], random), fillProbe(probe, 'float32', [K, 8], random)];
    const session = await runtime.open(
      tinyModel({
        nodes: [{ op: 'MatMul', in: ['A', 'B'], out: ['Y'] }],
        inputs: [
          ['A', 'float32', [8, K]],
          ['B', 'float32', [K, 8]],
        ],
        outputs: [['Y', 'float32', [8, 8]]],
      }),
      { optimization: 'disabled' },
    );
    const { Y } = await session.run({ A, B });
    await session.release();
    const [a, b] = [toFloat64(A), toFloat64(B)];
    const terms = Array.from({ length: 64 }, (_, i) =>
      Array.from({ length: K }, (_, k) => a[Math.floor(i / 8) * K + k]! * b[k * 8 + (i % 8)]!),
    );
    const exact = terms.map((row) => row.reduce((x, y) => x + y, 0));
    const scale = Math.max(...terms.map((row) => row.reduce((x, y) => x + Math.abs(y), 0)));
    const tolerance = derivedTolerance({ dtype: 'float32', reduction: K, depth: 1, scale });
    const result = compareArrays(fromFloat64('float32', [8, 8], exact), Y!, tolerance);
    expect(result.close).toBe(true);
    // A product with a relative error of 1e-3 in one term of the largest size must not pass.
    expect(tolerance.absolute).toBeLessThan(1e-3 * scale);
    const wrong = exact.map((y, i) => (i === 5 ? y + 1e-3 * scale + tolerance.absolute : y));
    expect(compareArrays(fromFloat64('float32', [8, 8], wrong), Y!, tolerance).close).toBe(false);
  });

  test('grows with depth, reduction and dtype; types that are not rounded compare exactly', () => {
    const base = { dtype: 'float32', reduction: 64, depth: 4, scale: 1 } as const;
    const relative = derivedTolerance(base).relative;
    expect(derivedTolerance({ ...base, depth: 8 }).relative).toBeGreaterThan(relative);
    expect(derivedTolerance({ ...base, reduction: 128 }).relative).toBeGreaterThan(relative);
    expect(derivedTolerance({ ...base, dtype: 'float16' }).relative).toBeGreaterThan(1000 * relative);
    expect(derivedTolerance({ ...base, scale: 10 }).absolute).toBeCloseTo(10 * relative, 12);
    expect(derivedTolerance({ ...base, dtype: 'int64' })).toBe(EXACT);
  });
});
