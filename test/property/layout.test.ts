import { afterAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { optimizePipeline } from '../../passes/presets.js';
import { cloneModel } from '../../src/ir/copy.js';
import { compareArrays } from '../../src/numerics/compare.js';
import { createEvaluator } from '../../src/numerics/evaluator.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { createRandom } from '../../src/numerics/random.js';
import { RuntimeRefusal, type Session } from '../../src/numerics/runtime.js';
import { encodeWhole } from '../../src/onnx/bytes.js';
import { runPipeline } from '../../src/pass/run.js';
import { fromFloat64, type NumericArray } from '../../src/tensor/array.js';
import { modelOf } from '../support/model.js';
import { randomLayout } from '../support/random-layout.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

type Arrays = Readonly<Record<string, NumericArray>>;

/** Outputs at these sizes; `undefined` where the model does not run at them. */
async function outputsOf(session: Session, shape: readonly number[], inputs: number): Promise<Arrays | undefined> {
  const feeds: Record<string, NumericArray> = {};
  for (let at = 0; at < inputs; at++) {
    const random = createRandom(at, 'feed');
    const items = Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
    feeds[`X${at}`] = fromFloat64('float32', shape, items);
  }
  try {
    return await session.run(feeds);
  } catch (refusal) {
    if (refusal instanceof RuntimeRefusal && refusal.kind === 'run') return undefined;
    throw refusal;
  }
}

const SIZES = [
  { N: 2, M: 3 },
  { N: 3, M: 2 },
  { N: 4, M: 5 },
];

test('graphs that move elements give the same at every size at which they run', async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => {
      const { text, shape, inputs } = randomLayout(createRandom(seed, 'layout'), 12);
      const model = modelOf(text);
      const original = cloneModel(model);
      await runPipeline(model, optimizePipeline, { evaluator: createEvaluator(() => runtime), verifyEach: true });
      expect(model.graph.nodes.size).toBeLessThanOrEqual(original.graph.nodes.size);
      const open = (each: typeof model): Promise<Session> =>
        runtime.open(encodeWhole(each).toBytes(), { optimization: 'disabled' });
      const [before, after] = [await open(original), await open(model)];
      for (const sizes of SIZES) {
        const sized = shape.map((dim) => (typeof dim === 'number' ? dim : sizes[dim]));
        const expected = await outputsOf(before, sized, inputs);
        if (!expected) continue;
        const actual = await outputsOf(after, sized, inputs);
        compared++;
        for (const [name, array] of Object.entries(expected)) {
          // Only sums and Softmax round: a few units in the last place of what they add up.
          const comparison = compareArrays(array, actual![name]!, { absolute: 1e-5, relative: 1e-5 });
          expect({ name, ...comparison }).toMatchObject({ name, close: true });
        }
      }
      await Promise.all([before.release(), after.release()]);
    }),
    { numRuns: 40 },
  );
  expect(compared).toBeGreaterThan(40);
});
