import { afterAll, describe, expect, test } from '@jest/globals';
import { rewrite } from '../../src/api/rewrite.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { modelOf } from '../support/model.js';
import { carryOut, expectSame, probe, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17, "com.microsoft": 1]>';
const fill = (name: string, shape: string, seed: number): string =>
  `float[${shape}] ${name} = ["location": "fill:normal", "seed": "${seed}"]`;
const MS = 'com.microsoft.';
const SEPARATE = { operation: 'separate-sums' };

/** Two blocks of a network whose additions stand inside of the norms behind them. */
const skipNorm = (opType: string, beta: string): string => `${HEAD} m (float[N, 3, 4] x) => (float[N, 3, 4] y)
  <${['a', 'b'].map((name, i) => fill(name, '4, 4', i + 1)).join(', ')}, ${['g', 'h', 'e', 'c', 'd'].map((name, i) => fill(name, '4', i + 5)).join(', ')}>
  { f0 = MatMul (x, a)  f = Relu (f0)
    n, , , s = ${MS}${opType} <epsilon = 0.001> (f, x, g, ${beta}c)
    k0 = MatMul (n, b)  k = Tanh (k0)
    y = ${MS}${opType} <epsilon = 0.001> (s, k, h, ${beta}d) }`;

describe('taken apart', () => {
  test.each([
    ['SkipLayerNormalization', 'e, ', 'LayerNormalization'],
    ['SkipSimplifiedLayerNormalization', '', 'Sqrt'],
  ])('%s: sum, bias and norm', async (opType, beta, norm) => {
    const done = await carryOut(runtime, skipNorm(opType, beta), SEPARATE);
    expect([done.count(opType), done.count(norm)]).toEqual([0, 2]);
    await expectSame(done, { x: probe([2, 3, 4]) });
  });

  test.each([
    [
      'a sum of three: the operand that the others are made of is the trunk',
      `(float[N, 4] x) => (float[N, 4] y) { a = Relu (x)  m = Tanh (x)  y = Sum (a, x, m) }`,
      /y = Add\s*\(x, /,
    ],
    [
      'Gemm with a computed C',
      `(float[N, 4] x) => (float[N, 4] y) <${fill('w', '4, 4', 1)}> { h = Relu (x)  y = Gemm <alpha = 0.5, beta = 2.0> (h, w, x) }`,
      /y = Add\s*\(.*, .*\)/,
    ],
    [
      'FusedConv with a residual',
      `(float[N, 2, 4, 4] x) => (float[N, 2, 4, 4] y) <${fill('w', '2, 2, 3, 3', 1)}, ${fill('b', '2', 2)}> { h = Tanh (x)  y = ${MS}FusedConv <pads = [1, 1, 1, 1], activation = "Relu"> (h, w, b, x) }`,
      /y = Relu\s*\(/,
    ],
  ])('%s', async (_, body, expected) => {
    const done = await carryOut(runtime, `${HEAD} m ${body}`, SEPARATE);
    expect(done.text).toMatch(expected);
    expect(done.count('Add')).toBeGreaterThan(0);
    const shape = body.includes('4, 4] x') ? [2, 2, 4, 4] : [3, 4];
    await expectSame(done, { x: probe(shape) });
  });

  test.each([
    [
      'keep.statistics: somebody reads the mean',
      skipNorm('SkipLayerNormalization', 'e, ').replace('n, , ,', 'n, u, ,').replace('=> (', '=> (float[N, 3, 1] u, '),
    ],
    [
      'keep.bias: C is a parameter',
      `${HEAD} m (float[N, 4] x) => (float[N, 4] y) <${fill('w', '4, 4', 1)}, ${fill('b', '4', 2)}> { y = Gemm (x, w, b) }`,
    ],
    [
      'keep.row: C is one computed row',
      `${HEAD} m (float[N, 4] x, float[4] z) => (float[N, 4] y) <${fill('w', '4, 4', 1)}> { c = Relu (z)  y = Gemm (x, w, c) }`,
    ],
    [
      'keep.two: a Sum of two is an addition already',
      `${HEAD} m (float[N, 4] x) => (float[N, 4] y) { f = Relu (x)  y = Sum (x, f) }`,
    ],
    [
      'keep.alone: FusedConv without a residual',
      `${HEAD} m (float[N, 2, 4, 4] x) => (float[N, 2, 2, 2] y) <${fill('w', '2, 2, 3, 3', 1)}> { y = ${MS}FusedConv <activation = "Relu"> (x, w) }`,
    ],
  ])('%s', async (name, text) => {
    // Of the two norms of the first model one reads no statistics.
    if (name.startsWith('keep.statistics'))
      expect((await carryOut(runtime, text, SEPARATE)).count('SkipLayerNormalization')).toBe(1);
    else expect(await refusalOf(runtime, text, SEPARATE)).toMatch(/holds an addition inside/);
  });
});

describe('other operations', () => {
  const text = skipNorm('SkipLayerNormalization', 'e, ');
  const on = (operation: string, site: object, options: object = {}): object => ({
    operation,
    targets: { sites: [{ block: 0, ...site }] },
    options,
  });

  test('work on an addition that is named by the operator that holds it, with a step of its own before', async () => {
    const recipe = on('rescale', { residual_add: 's', skip_value: 'x', branch_value: 'f' }, { branch_scale: 0.5 });
    const { report } = await rewrite(modelOf(text), recipe, { allow: ['changes-function'], runtime });
    expect(report.operations.map(({ operation, semantics }) => [operation, semantics])).toEqual([
      ['separate-sums', 'equivalent'],
      ['rescale', 'changes-function'],
    ]);
    const done = await carryOut(runtime, text, recipe);
    expect(done.count('Mul')).toBe(1);
  });

  test('move its norm', async () => {
    const recipe = on('set-norm-placement', { norm_node: 'y' }, { placement: 'post-branch' });
    const done = await carryOut(runtime, text, recipe);
    expect(done.text).toMatch(/y = Add\s*\(s, /);
  });

  test('keep their refusal where no addition is inside of anything', async () => {
    const plain = `${HEAD} m (float[N, 4] x) => (float[N, 4] y) { f = Relu (x)  y = Mul (x, f) }`;
    expect(await refusalOf(runtime, plain, on('prune', { residual_add: 'y' }))).toMatch(/Mul is not an addition/);
  });

  test('refuse two sites that name the same addition', async () => {
    const plain = `${HEAD} m (float[N, 4] x) => (float[N, 4] y) { f = Relu (x)  y = Add (x, f) }`;
    const twice = {
      operation: 'rescale',
      targets: { sites: [{ residual_add: 'y' }, { output: 'y' }] },
      options: { branch_scale: 2 },
    };
    expect(await refusalOf(runtime, plain, twice)).toMatch(/target-ambiguous: two sites name the same addition/);
  });
});

describe('older opsets and further operators', () => {
  test.each([11, 14, 16])('a layer norm is spelled out below opset 17: %d', async (opset) => {
    const text = skipNorm('SkipLayerNormalization', 'e, ').replace('"": 17', `"": ${opset}`);
    const done = await carryOut(runtime, text, SEPARATE);
    expect([done.count('SkipLayerNormalization'), done.count('Sqrt'), done.count('LayerNormalization')]).toEqual([
      0, 2, 0,
    ]);
    await expectSame(done, { x: probe([2, 3, 4]) });
  });

  test('what is spelled out is a norm that moves', async () => {
    const text = skipNorm('SkipLayerNormalization', 'e, ').replace('"": 17', '"": 14');
    const recipe = {
      operation: 'set-norm-placement',
      targets: { sites: [{ block: 0, norm_node: 'y' }] },
      options: { placement: 'post-branch' },
    };
    expect((await carryOut(runtime, text, recipe)).text).toMatch(/y = Add\s*\(s, /);
  });

  test('BiasAdd: the bias goes with the branch', () => {
    const model = modelOf(`${HEAD} m (float[N, 3, 4] x) => (float[N, 3, 4] y) <${fill('c', '4', 1)}>
      { f = Relu (x)  y = ${MS}BiasAdd (f, c, x) }`);
    const found = new Map<string, string>();
    return rewrite(model, SEPARATE, { verify: false }).then(({ model: after }) => {
      for (const node of after.graph.nodes.values())
        found.set(
          node.outputs[0]!.hint,
          `${node.opType}(${node.inputs.map((value) => value!.producer?.opType ?? value!.hint).join(', ')})`,
        );
      expect(found.get('y')).toBe('Add(x, Add)');
    });
  });
});

describe('functions of the model', () => {
  const body = `<domain: "local", opset_import: ["": 17]> Block (x, w) => (y) { f = MatMul (x, w)  y = Add (x, f) }
    <domain: "local", opset_import: ["": 17, "local": 1]> Twice (x, w) => (y) { h = local.Block (x, w)  y = local.Block (h, w) }`;
  const calls = `<ir_version: 9, opset_import: ["": 17, "local": 1]> m (float[N, 4] x) => (float[N, 4] y) <${fill('w', '4, 4', 1)}>
    { k = local.Block (x, w)  y = local.Twice (k, w) } ${body}`;

  test('calls become what they compute, calls inside included', async () => {
    const done = await carryOut(runtime, calls, SEPARATE);
    expect([done.count('MatMul'), done.count('Add'), done.count('Block'), done.count('Twice')]).toEqual([3, 3, 0, 0]);
    await expectSame(done, { x: probe([2, 4]) });
  });

  test('an addition is named by the call that it is inside of', async () => {
    const recipe = { operation: 'rescale', targets: { sites: [{ residual_add: 'k' }] }, options: { branch_scale: 0 } };
    const done = await carryOut(runtime, calls, recipe);
    expect(done.count('Mul')).toBe(1);
  });

  test('a function with another version of an operator stays', async () => {
    const old = calls.replaceAll('opset_import: ["": 17]> Block', 'opset_import: ["": 11]> Block');
    const text = old.replace('f = MatMul (x, w)', 'a = Softmax (x)  f = MatMul (a, w)');
    const done = await carryOut(runtime, text, SEPARATE);
    expect([done.count('Twice'), done.count('Block')]).toEqual([0, 3]);
  });
});
