import { afterAll, describe, expect, test } from '@jest/globals';
import { rewrite } from '../../src/api/rewrite.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { carryOut, expectClose, expectSame, floats, probe, refusalOf } from '../support/operation.js';
import { modelOf } from '../support/model.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
const weight = (name: string, shape: string, seed: number): string =>
  `float[${shape}] ${name} = ["location": "fill:normal", "seed": "${seed}"]`;

/** Two blocks: a projected skip from 2 to 3 channels beside a branch of two convolutions, then an identity skip. */
const PROJECTED = `${HEAD} m (float[N, 2, 4, 4] x) => (float[N, 3, 4, 4] y)
  <${weight('a', '3, 2, 3, 3', 1)}, ${weight('b', '3, 3, 3, 3', 2)}, ${weight('p', '3, 2, 1, 1', 3)}, ${weight('c', '3, 3, 3, 3', 4)}, ${weight('d', '3, 3, 3, 3', 5)}>
  { h = Relu (x)
    f1 = Conv <pads = [1, 1, 1, 1]> (h, a)  r1 = Relu (f1)  f = Conv <pads = [1, 1, 1, 1]> (r1, b)  k = Conv (h, p)  s = Add (f, k)  t = Relu (s)
    g1 = Conv <pads = [1, 1, 1, 1]> (t, c)  r2 = Relu (g1)  g = Conv <pads = [1, 1, 1, 1]> (r2, d)  u = Add (g, t)  y = Relu (u) }`;

describe('detected blocks', () => {
  const on = (operation: string, blocks: unknown, options: object = {}): object => ({
    operation,
    targets: { blocks },
    options,
  });

  test('of a projected skip the anatomy knows which operand it is', async () => {
    const done = await carryOut(runtime, PROJECTED, on('remove-residual', [0]));
    expect(done.text).toMatch(/t = Relu\s*\(f\)/);
    const pruned = await carryOut(runtime, PROJECTED, on('prune', [0]));
    expect(pruned.text).toMatch(/t = Relu\s*\(k\)/);
    const scaled = await carryOut(runtime, PROJECTED, on('rescale', 'all', { branch_scale: 0, skip_scale: 2 }));
    expect(scaled.count('Mul')).toBe(4);
  });

  test('a copy of a block with a projected skip would be no identity', async () => {
    const site = { sites: [{ residual_add: 's', skip_value: 'k', branch_value: 'f' }] };
    expect(await refusalOf(runtime, PROJECTED, { operation: 'grow', targets: site })).toMatch(/projected skip/);
    expect((await carryOut(runtime, PROJECTED, on('grow', [1]))).count('Conv')).toBe(7);
  });

  test('operations of a list find what earlier ones made: ((x + 2·x·½)·…) by hand', async () => {
    const text = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {2, 0, 0, 2}, float[2, 2] v = {3, 0, 0, 3}>
      
      { a = Relu (x)  r = MatMul (a, w)  b = Relu (r)  f = MatMul (b, v)  y = Relu (f) }`;
    const insert = {
      operation: 'insert-residual',
      targets: { sites: [{ block: 0, region_input: 'a', region_output: 'f' }] },
    };
    const gate = on('gate', 'all', { gate: 'scalar', value: 0.5 });
    const { report } = await rewrite(modelOf(text), [insert, gate, on('rescale', [0], { skip_scale: 4 })], {
      allow: ['changes-function'],
      runtime,
    });
    expect(report.operations.map(({ sites }) => sites.length)).toEqual([1, 1, 1]);
    const done = await carryOut(runtime, text, [insert, gate, on('rescale', [0], { skip_scale: 4 })]);
    // Branch 6x, halved; skip x, times 4: 7x.
    expectClose((await done.run({ x: floats([1, 2], [1, 10]) }))['y']!, [7, 70]);
  });

  test('a model without residual additions says so', async () => {
    const text = `${HEAD} m (float[N, 1] x) => (float[N, 1] y) { y = Relu (x) }`;
    expect(await refusalOf(runtime, text, on('prune', 'all'))).toMatch(/no residual addition was found/);
  });
});

describe('a skip behind an operator that changes nothing', () => {
  const text = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 4] x) => (float[N, 4] y)
    <float[4, 4] w = ["location": "fill:normal", "seed": "1"], float[4, 4] v = ["location": "fill:normal", "seed": "2"]>
    { f = MatMul (x, w)  s = Add (x, f)  c = Cast <to = 1> (s)  t = Tanh (c)  g = MatMul (t, v)  y = Add (c, g) }`;
  const layer = {
    sites: [
      { block: 0, residual_add: 's' },
      { block: 0, residual_add: 'y', skip_value: 'c' },
    ],
  };

  test('is the sum of the branch before: grow copies the layer', async () => {
    const done = await carryOut(runtime, text, { operation: 'grow', targets: layer, options: { after: [0] } });
    expect(done.count('MatMul')).toBe(4);
    await expectSame(done, { x: probe([3, 4]) });
  });

  test('parallelize gives the second branch the layer input, and the skip keeps the sum', async () => {
    const done = await carryOut(runtime, text, { operation: 'parallelize', targets: layer, options: {} });
    expect(done.text).toMatch(/t = Tanh\s*\(x\)/);
    expect(done.text).toMatch(/y = Add\s*\(c, g\)/);
  });

  test('keep.narrowed: a Cast to another dtype and back is none', async () => {
    const narrowed = text.replace('c = Cast <to = 1> (s)', 'h = Cast <to = 10> (s)  c = Cast <to = 1> (h)');
    const grow = { operation: 'grow', targets: layer, options: { after: [0] } };
    expect(await refusalOf(runtime, narrowed, grow)).toMatch(/something stands on the stream/);
  });
});

describe('an addition whose operands were scaled before', () => {
  const text = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 4] x) => (float[N, 4] y)
    <float[4, 4] w = ["location": "fill:normal", "seed": "1"]> { r = Relu (x)  f = MatMul (r, w)  y = Add (r, f) }`;
  const scale = (site: object): object => ({
    operation: 'rescale',
    targets: { sites: [site] },
    options: { branch_scale: 0.5, skip_scale: 0.25 },
  });
  const x = { x: floats([1, 4], [1, 2, 3, 4]) };

  test.each([
    ['by its node', { residual_add: 'y' }],
    ['with the operands that it had', { residual_add: 'y', skip_value: 'r', branch_value: 'f' }],
  ])('is found %s', async (_, site) => {
    const [twice, once] = [[scale({ residual_add: 'y' }), scale(site)], scale(site)];
    const options = { branch_scale: 0.25, skip_scale: 0.0625 };
    const want = await carryOut(runtime, text, { ...once, options });
    expectClose((await (await carryOut(runtime, text, twice)).run(x))['y']!, [
      ...((await want.run(x))['y']!.data as Float32Array),
    ]);
  });

  test('keep.swapped: operands that are named the other way round disagree', async () => {
    const swapped = scale({ residual_add: 'y', skip_value: 'f', branch_value: 'x' });
    expect(await refusalOf(runtime, text, swapped)).toMatch(/not the operands of the addition/);
  });
});
