import { describe, expect, test } from '@jest/globals';
import { explain } from '../../src/api/explain.js';

import { graphOf, textOf } from '../support/model.js';

const norm = (scale: string): string => `(float[4, 8] X) => (float[4, 8] Y)
  <float[${scale}] scale = ["location": "fill:normal"], float[8] bias = ["location": "fill:normal"], float eps = {1e-5}>
  {
    mean = ReduceMean <axes = [-1]> (X)
    centered = Sub (X, mean)
    squared = Mul (centered, centered)
    variance = ReduceMean <axes = [-1]> (squared)
    shifted = Add (variance, eps)
    deviation = Sqrt (shifted)
    normalized = Div (centered, deviation)
    scaled = Mul (normalized, scale)
    Y = Add (scaled, bias)
  }`;

describe('explain', () => {
  test('tells of the rewrites of a pass, and leaves the model alone', async () => {
    const model = graphOf(norm('8'));
    const before = textOf(model);
    const report = await explain(model, { pass: 'fuse-layer-norm' });
    expect(report.rewrites).toEqual([{ pass: 'fuse-layer-norm', rule: 'layer-norm', at: 'main/Y' }]);
    expect(report.misses).toEqual([]);
    expect(textOf(model)).toBe(before);
  });

  test('tells of a node what became of it, whichever pass took it', async () => {
    const { rewrites } = await explain(graphOf(norm('8')), { pass: 'fuse-gelu', node: 'deviation' });
    expect(rewrites).toEqual([{ pass: 'fuse-layer-norm', rule: 'layer-norm', at: 'main/Y' }]);
  });

  test('names the condition that failed, with the values at hand, nearest first', async () => {
    const { misses } = await explain(graphOf(norm('4, 1')), { pass: 'fuse-layer-norm', opset: 'keep' });
    expect(misses[0]).toMatchObject({ rule: 'layer-norm', at: 'main/Y', op: 'Add' });
    const mul = graphOf(norm('8').replace('Mul (centered, centered)', 'Mul (centered, X)'));
    const [nearest, ...others] = (await explain(mul, { pass: 'fuse-layer-norm' })).misses;
    expect(nearest).toEqual({
      rule: 'layer-norm',
      at: 'main/Y',
      op: 'Add',
      reason: '%X is not %centered',
      matched: 9,
    });
    expect(others.map(({ matched }) => matched)).toEqual(
      others.map(({ matched }) => matched).toSorted((a, b) => b - a),
    );
  });

  test('a version that is too old is the reason only where all else fits', async () => {
    const { misses } = await explain(graphOf(norm('8'), 13), { pass: 'fuse-layer-norm', opset: 'keep' });
    expect(misses[0]).toMatchObject({ reason: 'opset 13 is imported, 17 is needed', matched: 9 });
  });

  test('an unknown pass or node is an error', async () => {
    const model = graphOf(norm('8'));
    await expect(explain(model, { pass: 'fuse' })).rejects.toMatchObject({ code: 'optimize/unknown-pass' });
    await expect(explain(model, { pass: 'fuse-gelu', node: 'nope' })).rejects.toMatchObject({
      code: 'optimize/unknown-node',
    });
  });
});
