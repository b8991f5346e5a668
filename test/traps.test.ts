import { afterAll, describe, expect, test } from '@jest/globals';
import { optimizePipeline } from '../passes/presets.js';
import { interfaceOf } from '../src/analysis/wellformed.js';
import { createEvaluator } from '../src/numerics/evaluator.js';
import { createOrtRuntime } from '../src/numerics/ort-node.js';
import { encodeWhole } from '../src/onnx/bytes.js';
import { runPipeline } from '../src/pass/run.js';
import { numbersOf } from './support/fixture-run.js';
import { listFixtures } from './support/fixtures.js';
import { modelOf, textOf } from './support/model.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

/** Models that are easy to optimize wrongly; those that start with `keep` must not change. No verification helps here. */
describe('traps', () => {
  test.each(listFixtures('traps').map((trap) => [trap.name, trap] as const))('%s', async (_, trap) => {
    const model = modelOf(trap.text);
    const original = encodeWhole(model).toBytes();
    const [before, ports] = [textOf(model), interfaceOf(model)];
    await runPipeline(model, optimizePipeline, { evaluator: createEvaluator(() => runtime), verifyEach: true });
    expect(interfaceOf(model)).toBe(ports);
    if (trap.kind === 'keep') expect(textOf(model)).toBe(before);
    const numbers = await numbersOf(trap, runtime, original, encodeWhole(model).toBytes(), 'equivalent');
    const wrong = (numbers ?? []).filter(({ comparison }) => !comparison.close);
    expect(wrong).toEqual([]);
  });
});
