import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { certify } from '../../src/api/certificate.js';
import { optimize } from '../../src/api/optimize.js';
import { withoutRuntime } from '../../src/api/report.js';
import type { RuntimeFaultReport } from '../../src/api/runtime-fault.js';
import { verify } from '../../src/api/verify.js';
import type { Diagnostic } from '../../src/diagnostics/diagnostic.js';
import type { Node } from '../../src/ir/node.js';
import type { Value } from '../../src/ir/value.js';
import { Model } from '../../src/ir/model.js';
import { evaluateModel, roundedOutputs } from '../../src/evaluate/evaluate.js';
import { createFloat64Runtime } from '../../src/numerics/float64.js';
import { judge } from '../../src/numerics/judge.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Region } from '../../src/numerics/region.js';
import type { Runtime, Session } from '../../src/numerics/runtime.js';
import { secondOpinion } from '../../src/numerics/second-opinion.js';
import { Pipeline } from '../../src/pass/pipeline.js';
import type { Edit } from '../../src/rewrite/edit.js';
import type { AnyPass } from '../../src/pass/run.js';
import { fromFloat64 } from '../../src/tensor/array.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { graphOf, modelOf } from '../support/model.js';

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

describe('where the runtime finds the sides different', () => {
  /** A runtime whose Sub is off by `amount`, on all inputs or where some input is large. */
  function faulty(amount: (x: number) => number): Runtime {
    const right = createFloat64Runtime();
    return {
      ...right,
      name: 'planted',
      async open(source, options) {
        const session = await right.open(source, options);
        const model = source instanceof Model ? source : undefined;
        if (![...(model?.graph.nodes.values() ?? [])].some(({ opType }) => opType === 'Sub')) return session;
        const run: Session['run'] = async (feeds) => {
          const outputs = await session.run(feeds);
          const entries = Object.entries(outputs).map(([name, { dtype, shape, data }]) => {
            const values = Array.from(data as Float32Array, (x) => x + amount(x));
            return [name, fromFloat64(dtype, shape, values)] as const;
          });
          return Object.fromEntries(entries);
        };
        return { ...session, run, release: () => session.release() };
      },
    };
  }

  /** x - z as x + (-z): right. */
  const subtract: AnyPass = {
    name: 'subtract',
    summary: 'planted',
    semantics: 'equivalent',
    run(model, cx) {
      for (const node of [...model.graph.topo()]) {
        if (node.opType !== 'Add') continue;
        cx.rewrite('subtract', node, (edit) => {
          const negated = edit.node('Neg', [node.inputs[1]]);
          edit.replace(node.outputs[0]!, edit.node('Sub', [node.inputs[0], negated]));
        });
      }
    },
  };
  /** A pass that makes another graph of every node of one operator. */
  const made = (opType: string, make: (edit: Edit, node: Node) => Value): AnyPass => ({
    name: 'made',
    summary: 'planted',
    semantics: 'equivalent',
    run(model, cx) {
      for (const node of [...model.graph.topo()]) {
        if (node.opType !== opType) continue;
        cx.rewrite('made', node, (edit) => edit.replace(node.outputs[0]!, make(edit, node)));
      }
    },
  });

  /** tanh(x) as 2σ(2x) - 1: equal, but of no precision near 0. */
  const bySigmoid = made('Tanh', (edit, { inputs: [x] }) => {
    const two = edit.constant('', Tensor.float32([], [2]));
    const one = edit.constant('', Tensor.float32([], [1]));
    return edit.node('Sub', [edit.node('Mul', [edit.node('Sigmoid', [edit.node('Mul', [x, two])]), two]), one]);
  });

  /** x W as x/3 W · 3: equal, with two roundings more. */
  const bySplit = made('MatMul', (edit, { inputs: [x, w] }) => {
    const three = edit.constant('', Tensor.float32([], [3]));
    return edit.node('Mul', [edit.node('MatMul', [edit.node('Div', [x, three]), w]), three]);
  });

  const sum = '(float[4] X, float[4] Z) => (float[4] Y) { Y = Add (X, Z) }';

  test('and float64 does not, the runtime is to blame: it is told, with a model that shows it, and the rewrite is taken back', async () => {
    const seen: Diagnostic[] = [];
    const options = { pipeline: new Pipeline().run(subtract), onDiagnostic: (each: Diagnostic) => seen.push(each) };
    const runtime = faulty(() => 0.5);
    const { model, report, runtimeFaults } = await optimize(graphOf(sum, 21), { ...options, runtime });
    expect([...model.graph.nodes.values()].map(({ opType }) => opType)).toEqual(['Add']);
    expect(report.reverted).toMatchObject([
      { why: expect.stringContaining('the runtime computes what came in its place wrong') },
    ]);
    expect(seen).toMatchObject([
      { code: 'runtime/wrong-result', severity: 'warning', message: expect.stringContaining('Neg, Sub') },
    ]);
    const [{ reproducer }] = runtimeFaults as [RuntimeFaultReport];
    const shown = modelOf(reproducer);
    const truth = evaluateModel(shown, {}, { limit: 100 });
    if (truth.kind !== 'values') throw new Error(truth.kind);
    const session = await runtime.open(shown, { optimization: 'disabled' });
    const [right, wrong] = [roundedOutputs(truth.outputs)['y0']!, (await session.run({}))['y0']!];
    const distances = Array.from(right.data as Float32Array, (x, i) => (wrong.data as Float32Array)[i]! - x);
    expect(distances.every((distance) => Math.abs(distance - 0.5) < 1e-3)).toBe(true);
  });

  test('and float64 does as well, the rewrite is to blame', async () => {
    const seen: Diagnostic[] = [];
    const wrong = exchange('Add', 'Sub');
    const { report, runtimeFaults } = await optimize(graphOf(sum, 21), {
      pipeline: new Pipeline().run(wrong),
      onDiagnostic: (each) => seen.push(each),
      runtime: faulty(() => 0.5),
    });
    expect(report.reverted).toHaveLength(1);
    expect(report.reverted[0]!.why).not.toContain('runtime');
    expect([seen, runtimeFaults]).toEqual([[], []]);
  });

  test('and float64 does not, but the second side rounds far worse, the rewrite is to blame', async () => {
    const model = graphOf('(float[4, 64] X) => (float[4, 64] Y) { Y = Tanh (X) }', 21);
    const { report, runtimeFaults } = await optimize(model, { pipeline: new Pipeline().run(bySigmoid), runtime });
    expect(report.reverted).toMatchObject([{ why: expect.stringContaining('rounds worse than what was there') }]);
    expect(runtimeFaults).toEqual([]);
  });

  test('the certificate has the rounding of what was there', async () => {
    const model = graphOf('(float[4, 64] X, float[64, 64] W) => (float[4, 64] Y) { Y = MatMul (X, W) }', 21);
    const seen = await optimize(model, { pipeline: new Pipeline().run(bySplit), runtime });
    const how = { versions: { resonnx: '0', runtime: '0' }, options: {} };
    const [kind] = certify(model, seen.model, seen, how).kinds;
    expect(kind).toMatchObject({ method: 'runtime' });
    expect(kind!.maxRel).toBeGreaterThan(0);
    // A sum of 64 products rounded once each way: some units of 2^-24, relative to the largest element.
    expect(kind!.noiseFloor).toBeGreaterThan(2 ** -26);
    expect(kind!.noiseFloor).toBeLessThan(2 ** -20);
  });

  test('by no more than rounding puts the first one, they are equal', () => {
    // 1 - tanh²(x) and 1/cosh²(x) near 0 are apart by what rounding does to the difference.
    const before = graphOf(
      '(float[3] X) => (float[3] Y) <float one = {1}> { t = Tanh (X) s = Mul (t, t) Y = Sub (one, s) }',
    );
    const after = graphOf(
      '(float[3] X) => (float[3] Y) <float one = {1}> { c = Cosh (X) s = Mul (c, c) Y = Div (one, s) }',
    );
    const X = fromFloat64('float32', [3], [8, 8.5, 9]);
    const rounded = evaluateModel(before, { X }, { limit: 100, round: true });
    const exact = evaluateModel(after, { X }, { limit: 100 });
    if (rounded.kind !== 'values' || exact.kind !== 'values') throw new Error('not evaluated');
    const [expected, actual] = [roundedOutputs(rounded.outputs), roundedOutputs(exact.outputs)];
    expect(judge([{ expected: expected['Y']!, actual: actual['Y'], noise: [] }], 1e-6).ok).toBe(false);
    const sides = { before, after } as Region;
    expect(secondOpinion(sides, { feeds: { X }, expected, actual, floor: 1e-6 }).kind).toBe('rounding');
    const off = { Y: fromFloat64('float32', [3], [1, 1, 1]) };
    expect(secondOpinion(sides, { feeds: { X }, expected, actual: off, floor: 1e-6 })).toMatchObject({
      kind: 'fault',
      fault: { side: 'after', output: 'Y' },
    });
  });
});

describe('without a runtime of its own', () => {
  const gelu = `(float[2, 8] X, float[8, 8] W) => (float[2, 8] Y) <float two = {2}, float one = {1}, float half = {0.5}, float root = {1.41421354}> {
    m = MatMul (X, W) d = Div (m, root) e = Erf (d) p = Add (e, one) q = Mul (m, p) Y = Mul (q, half) }`;

  test('a small model is optimized and verified in float64, constants folded by it', async () => {
    const runtime = createFloat64Runtime();
    const { model, report } = await optimize(graphOf(gelu, 20), { runtime });
    expect([...model.graph.nodes.values()].map(({ opType }) => opType)).toEqual(['MatMul', 'Gelu']);
    expect(report.verification).toMatchObject({ status: 'verified', method: 'whole+regions' });
    expect((await verify(graphOf(gelu, 20), model, { runtime })).verification.status).toBe('verified');
  });

  test('a model that differs is refused', async () => {
    const other = graphOf(gelu.replace('half = {0.5}', 'half = {0.4999}'), 20);
    const { verification } = await verify(graphOf(gelu, 20), other, { runtime: createFloat64Runtime() });
    expect(verification.status).toBe('mismatch');
  });

  test('what takes too long, or is not covered, is not verified', async () => {
    const { verification } = await verify(graphOf(gelu, 20), graphOf(gelu, 20), { runtime: createFloat64Runtime(100) });
    expect(verification).toMatchObject({ status: 'unverifiable', why: expect.stringContaining('more than 100') });
    const unknown = '(float[4] X) => (float[4] Y) { Y = com.microsoft.NoSuchThing (X) }';
    const report = await verify(graphOf(unknown), graphOf(unknown), { runtime: createFloat64Runtime() });
    expect(report.verification.status).toBe('unverifiable');
  });

  test('the report says that nothing was run', () => {
    const verification = {
      status: 'verified',
      method: 'whole',
      samples: 1,
      bindings: [],
      outputs: [],
      regions: 0,
      distinctRegions: 0,
    } as const;
    expect(withoutRuntime(verification).why).toMatch(/^neither onnxruntime-node nor .*evaluated in float64$/);
    expect(withoutRuntime({ ...verification, why: 'too large' }).why).toMatch(/in float64: too large$/);
  });
});
