import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { optimize } from '../../src/api/optimize.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { Pipeline } from '../../src/pass/pipeline.js';
import type { AnyPass } from '../../src/pass/run.js';
import { graphOf } from '../support/model.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

/** A pass that puts an operator in the place of another one, with the same inputs. */
function exchange(from: string, to: string): AnyPass {
  return {
    name: 'exchange',
    summary: 'planted',
    semantics: 'equivalent',
    run(model, cx) {
      for (const node of [...model.graph.topo()]) {
        if (node.opType !== from) continue;
        cx.rewrite('exchange', node, (edit) => edit.replace(node.outputs[0]!, edit.node(to, node.inputs)));
      }
    },
  };
}

const run = (body: string, pass: AnyPass) =>
  optimize(graphOf(body, 21), { pipeline: new Pipeline().run(pass), runtime });

describe('where the runtime has no kernel', () => {
  // onnxruntime's CPU provider sums no int16.
  const sum = '(int16[4] X, int16[4] Z) => (int16[4] Y) { Y = Sum (X, Z) }';

  test('float64 verifies what is right', async () => {
    const { report, evidence } = await run(sum, exchange('Sum', 'Add'));
    expect(report.reverted).toEqual([]);
    expect(report.verification).toMatchObject({ status: 'regions', method: 'regions' });
    expect(evidence.outcome?.groups.map(({ verdict }) => verdict.method)).toEqual(['float64']);
  });

  test('and refutes what is wrong', async () => {
    const { report } = await run(sum, exchange('Sum', 'Mul'));
    expect(report.reverted).toMatchObject([{ pass: 'exchange', why: expect.stringContaining('differs') }]);
  });

  test('what it does not cover either is taken back', async () => {
    const { report } = await run(
      '(float[4] X) => (float[4] Y) { Y = com.microsoft.NoSuchThing (X) }',
      exchange('NoSuchThing', 'Abs'),
    );
    expect(report.verification.status).toBe('unverifiable');
  });
});
