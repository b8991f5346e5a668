import { afterAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { optimizePipeline } from '../../passes/presets.js';
import { cloneModel } from '../../src/ir/copy.js';
import type { Model } from '../../src/ir/model.js';
import { compareArrays } from '../../src/numerics/compare.js';
import { createEvaluator } from '../../src/numerics/evaluator.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { createRandom } from '../../src/numerics/random.js';
import { encodeWhole } from '../../src/onnx/bytes.js';
import { runPipeline } from '../../src/pass/run.js';
import { fromFloat64, type NumericArray, toFloat64 } from '../../src/tensor/array.js';
import { modelOf, textOf } from '../support/model.js';
import { randomGraph } from '../support/random-graph.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

/** Outputs of a model whose float inputs all have this shape. */
async function outputsOf(model: Model, shape: readonly number[]): Promise<Readonly<Record<string, NumericArray>>> {
  const session = await runtime.open(encodeWhole(model).toBytes(), { optimization: 'disabled' });
  try {
    const feeds = session.inputs.map(({ name, dtype }): [string, NumericArray] => {
      if (dtype === 'bool') return [name, fromFloat64('bool', [], [1])];
      const random = createRandom(5, name);
      const count = shape.reduce((a, b) => a * b, 1);
      return [
        name,
        fromFloat64(
          'float32',
          shape,
          Array.from({ length: count }, () => random.normal()),
        ),
      ];
    });
    return await session.run(Object.fromEntries(feeds));
  } finally {
    await session.release();
  }
}

test('optimized random graphs are well-formed, compute the same and optimize to themselves', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const { text, shape } = randomGraph(createRandom(seed, 'graph'), 12);
      const model = modelOf(text);
      const before = textOf(model);
      const original = cloneModel(model);
      expect(textOf(original)).toBe(before);
      const options = { evaluator: createEvaluator(() => runtime), verifyEach: true };
      await runPipeline(model, optimizePipeline, options);
      const [expected, actual] = [await outputsOf(original, shape), await outputsOf(model, shape)];
      for (const [name, array] of Object.entries(expected)) {
        const scale = toFloat64(array).reduce((most, item) => Math.max(most, Math.abs(item)), 1);
        // Twelve layers, sums of at most 200 terms: far above their rounding, far below a wrong constant.
        const tolerance = { absolute: 2e-4 * scale, relative: 0 };
        expect({ name, ...compareArrays(array, actual[name]!, tolerance) }).toMatchObject({ name, close: true });
      }
      expect(textOf(original)).toBe(before);
      const again = await runPipeline(model, optimizePipeline, options);
      expect(again.rewrites).toBe(0);
    }),
    { numRuns: 25 },
  );
});
