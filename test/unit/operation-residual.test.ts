import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { type Arrays, carryOut, expectClose, expectSame, floats, probe, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
const normal = (type: string, name: string, seed: number): string =>
  `${type} ${name} = ["location": "fill:normal", "seed": "${seed}"]`;
const region = (more: object = {}): object => ({
  sites: [{ block: 0, region_input: 'x', region_output: 'f', ...more }],
});
const insert = (options: object, targets: object = region()): object => ({
  operation: 'insert-residual',
  targets,
  options,
});

describe('insert-residual: projections, by hand', () => {
  /** The branch is zero, so that what comes out is the skip alone: 2 channels of 4×4 to `out` channels of half the size. */
  const halved = (
    out: number,
    size = 2,
  ): string => `${HEAD} m (float[N, 2, 4, 4] x) => (float[N, ${out}, ${size}, ${size}] y)
    <float[${out}, 2, 2, 2] w = ["location": "fill:zeros"]> { f = Conv <kernel_shape = [2, 2], strides = [2, 2]> (x, w)  y = Identity (f) }`;
  // Channel 0 counts 0 … 15, channel 1 counts 100 … 115.
  const X = floats(
    [1, 2, 4, 4],
    Array.from({ length: 32 }, (_, i) => (i < 16 ? i : 84 + i)),
  );
  /** Top left corners of the 2×2 windows, and means over them, of channel 0. */
  const CORNERS = [0, 2, 8, 10];
  const MEANS = [2.5, 4.5, 10.5, 12.5];

  test.each<[string, object, Arrays, number, readonly number[]]>([
    [
      'conv1x1 with a stride reads the corners: c₀ + 2c₁ + 3',
      { projection: 'conv1x1', stride: 2 },
      { 'block0.weight': floats([1, 2, 1, 1], [1, 2]), 'block0.bias': floats([1], [3]) },
      1,
      CORNERS.map((c) => c + 2 * (c + 100) + 3),
    ],
    [
      'avgpool-conv1x1 reads the means: 2c₀',
      { projection: 'avgpool-conv1x1', stride: 2 },
      { 'block0.1.weight': floats([1, 2, 1, 1], [2, 0]) },
      1,
      MEANS.map((m) => 2 * m),
    ],
    [
      'conv1x1-bn: (c₀ − 2)/√(3 + 1)·5 + 7',
      { projection: 'conv1x1-bn', stride: 2, eps: 1 },
      {
        'block0.0.weight': floats([1, 2, 1, 1], [1, 0]),
        'block0.1.weight': floats([1], [5]),
        'block0.1.bias': floats([1], [7]),
        'block0.1.running_mean': floats([1], [2]),
        'block0.1.running_var': floats([1], [3]),
      },
      1,
      CORNERS.map((c) => ((c - 2) / 2) * 5 + 7),
    ],
    [
      'avgpool-conv1x1-bn has its norm as the third module',
      { projection: 'avgpool-conv1x1-bn', stride: 2, eps: 1 },
      {
        'block0.1.weight': floats([1, 2, 1, 1], [1, 0]),
        'block0.2.weight': floats([1], [2]),
        'block0.2.bias': floats([1], [0]),
        'block0.2.running_mean': floats([1], [0]),
        'block0.2.running_var': floats([1], [3]),
      },
      1,
      MEANS,
    ],
    [
      'option A: corners, zero channels at the end',
      { projection: 'option-a', stride: 2 },
      {},
      4,
      [...CORNERS, ...CORNERS.map((c) => c + 100), ...Array<number>(8).fill(0)],
    ],
    [
      'option A: zero channels on both sides',
      { projection: 'option-a', stride: 2, channel_pad: 'split' },
      {},
      4,
      [...Array<number>(4).fill(0), ...CORNERS, ...CORNERS.map((c) => c + 100), ...Array<number>(4).fill(0)],
    ],
  ])('%s', async (_, options, parameters, channels, expected) => {
    const done = await carryOut(runtime, halved(channels), insert(options), { parameters });
    expectClose((await done.run({ x: X }))['y']!, expected);
  });

  test.each<[string, string, object, Arrays, RegExp]>([
    ['option A cannot take channels away', halved(1), { projection: 'option-a', stride: 2 }, {}, /refused/],
    [
      'a stride that leaves another size',
      halved(1),
      { projection: 'conv1x1', stride: 4 },
      { 'block0.weight': floats([1, 2, 1, 1], [1]) },
      /shapes-differ/,
    ],
    ['the weight is missing', halved(1), { projection: 'conv1x1', stride: 2 }, {}, /parameter-missing/],
    ['a stride that is no whole number', halved(1), { projection: 'conv1x1', stride: 0.5 }, {}, /option-invalid/],
    [
      'a padding of channels that does not exist',
      halved(4),
      { projection: 'option-a', channel_pad: 'left' },
      {},
      /option-invalid/,
    ],
    ['a way to meet that does not exist', halved(1), { combine: 'multiply' }, {}, /option-invalid/],
  ])('keep: %s', async (_, text, options, parameters, why) => {
    expect(await refusalOf(runtime, text, insert(options), { parameters })).toMatch(why);
  });
});

describe('insert-residual: weights that are not given', () => {
  const wide = `${HEAD} m (float[N, 2] x) => (float[N, 3] y) <float[2, 3] w = {1, 0, 0, 0, 1, 0}> { f = MatMul (x, w)  y = Identity (f) }`;
  const X = floats([1, 2], [3, 5]);

  test('zero leaves the function alone at first, and needs no permission', async () => {
    const done = await carryOut(runtime, wide, insert({ projection: 'linear', init: 'zero' }), { allow: [] });
    expect([done.count('MatMul'), done.count('Add')]).toEqual([2, 1]);
    await expectSame(done, { x: X }, 0);
  });

  test('with a bias that is given it does not', async () => {
    const parameters = { 'block0.bias': floats([3], [1]) };
    expect(
      await refusalOf(runtime, wide, insert({ projection: 'linear', init: 'zero' }), { parameters, allow: [] }),
    ).toMatch(/changes-function/);
  });

  test.each(['identity', 'dirac'])('%s: the channels that both sides have, [3 + 3, 5 + 5, 0]', async (init) => {
    const done = await carryOut(runtime, wide, insert({ projection: 'linear', init }));
    expectClose((await done.run({ x: X }))['y']!, [6, 10, 0]);
  });

  test('He: variance 2/in, the same for the same seed, another for another', async () => {
    const broad = `${HEAD} m (float[N, 64] x) => (float[N, 128] y) <float[64, 128] w = ["location": "fill:zeros"]> { f = MatMul (x, w)  y = Identity (f) }`;
    const text = async (seed: number): Promise<string> =>
      (await carryOut(runtime, broad, insert({ projection: 'linear', init: 'he', seed }))).text;
    const [first, again, other] = [await text(1), await text(1), await text(2)];
    expect(again).toBe(first);
    expect(other).not.toBe(first);
    const done = await carryOut(runtime, broad, insert({ projection: 'linear', init: 'he', seed: 1 }));
    // The output for a unit vector is a row of the weights.
    const { y } = await done.run({ x: floats([1, 64], [1, ...Array<number>(63).fill(0)]) });
    const row = [...(y!.data as Float32Array)];
    const variance = row.reduce((sum, value) => sum + value * value, 0) / row.length;
    expect(variance).toBeGreaterThan(0.6 * (2 / 64));
    expect(variance).toBeLessThan(1.5 * (2 / 64));
  });

  test('a norm that is not given stands behind the zeros', async () => {
    const image = `${HEAD} m (float[N, 2, 4, 4] x) => (float[N, 3, 2, 2] y) <${normal('float[3, 2, 2, 2]', 'w', 1)}> { f = Conv <kernel_shape = [2, 2], strides = [2, 2]> (x, w)  y = Identity (f) }`;
    const done = await carryOut(runtime, image, insert({ projection: 'avgpool-conv1x1-bn', stride: 2, init: 'zero' }), {
      allow: [],
    });
    expect(done.count('BatchNormalization')).toBe(1);
    await expectSame(done, { x: probe([2, 2, 4, 4]) });
  });

  test('an init that does not exist, and a weight of another shape', async () => {
    expect(await refusalOf(runtime, wide, insert({ projection: 'linear', init: 'ones' }))).toMatch(/option-invalid/);
    const parameters = { 'block0.weight': floats([2, 3], [1]) };
    expect(await refusalOf(runtime, wide, insert({ projection: 'linear' }), { parameters })).toMatch(/parameter-shape/);
  });
});

describe('insert-residual: ways to meet, by hand', () => {
  // F(x) = 10x.
  const ten = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {10, 0, 0, 10}> { f = MatMul (x, w)  y = Identity (f) }`;
  const X = floats([1, 2], [1, 2]);

  test.each<[string, object, Arrays, readonly number[]]>([
    [
      'concat, skip first: [x₀ + 2x₁ + 3·10x₀, …]',
      { combine: 'concat', order: 'skip,branch', reduction: 'linear' },
      { 'block0.weight': floats([2, 4], [1, 2, 3, 0, 0, 0, 0, 1]) },
      [1 + 4 + 30, 20],
    ],
    [
      'concat, branch first',
      { combine: 'concat', order: 'branch,skip', reduction: 'linear' },
      { 'block0.weight': floats([2, 4], [1, 0, 0, 0, 0, 0, 0, 1]), 'block0.bias': floats([2], [5, 6]) },
      [10 + 5, 2 + 6],
    ],
    ['tanh behind the sum', { activation_after: 'tanh' }, {}, [Math.tanh(11), Math.tanh(22)]],
    [
      'sigmoid behind a weighted sum',
      { combine: 'weighted', skip_scale: 2, branch_scale: -0.1, activation_after: 'sigmoid' },
      {},
      [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(-2))],
    ],
  ])('%s', async (_, options, parameters, expected) => {
    const done = await carryOut(runtime, ten, insert(options), { parameters });
    expectClose((await done.run({ x: X }))['y']!, expected);
  });

  const three = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {2, 0, 0, 2}, float[2, 2] v = {3, 0, 0, 3}> { f = MatMul (x, w)  g = MatMul (f, v)  y = Identity (g) }`;
  const two = {
    sites: [
      { block: 0, region_input: 'x', region_output: 'f' },
      { block: 1, region_input: 'f', region_output: 'g' },
    ],
  };

  test('regions in a row: x₁ = x + 2x = 3x, then x₁ + 3x₁ = 12x', async () => {
    const done = await carryOut(runtime, three, insert({}, two));
    expectClose((await done.run({ x: X }))['y']!, [12, 24]);
  });

  test('initial residual: every skip starts at x: x₁ = x + 2x = 3x, then x + 3x₁ = 10x', async () => {
    const done = await carryOut(runtime, three, insert({ combine: 'weighted', skip_from: 'h0' }, two));
    expectClose((await done.run({ x: X }))['y']!, [10, 20]);
  });

  test('jumping knowledge: W [2x; 6x] with W = [1 0 1 0; 0 1 0 1] + b', async () => {
    const parameters = { 'jk.weight': floats([2, 4], [1, 0, 1, 0, 0, 1, 0, 1]), 'jk.bias': floats([2], [100]) };
    const done = await carryOut(runtime, three, insert({ combine: 'jk-concat' }, two), { parameters });
    expectClose((await done.run({ x: X }))['y']!, [108, 116]);
  });

  test('around a recurrent operator, and an output that is the region itself', async () => {
    const lstm = `${HEAD} m (float[T, B, 3] x) => (float[T, B, 3] f) <${normal('float[1, 12, 3]', 'w', 1)}, ${normal('float[1, 12, 3]', 'r', 2)}, int64[1] axes = {1}>
      { h = LSTM <hidden_size = 3> (x, w, r)  f = Squeeze (h, axes) }`;
    const done = await carryOut(runtime, lstm, insert({}));
    const x = probe([4, 2, 3]);
    const [before, after] = [await done.runBefore({ x }), await done.run({ x })];
    const f = before['f']!.data as Float32Array;
    expectClose(
      after['f']!,
      f.map((value, i) => value + (x.data as Float32Array)[i]!),
    );
  });
});

describe('gate, by hand', () => {
  const image = `${HEAD} m (float[N, 2, 1, 1] x) => (float[N, 2, 1, 1] y) <float[2, 2, 1, 1] w = {3, 0, 0, 3}> { f = Conv (x, w)  [add] y = Add (x, f) }`;
  const X = floats([1, 2, 1, 1], [1, 2]);
  const at = { sites: [{ block: 0, branch: 'mlp', residual_add: 'add' }] };

  test.each<[string, object, Arrays, readonly number[]]>([
    [
      'per channel along axis 1: x + γ·3x',
      { gate: 'per-channel', axis: 1 },
      { 'block0.gate': floats([2], [10, 100]) },
      [31, 602],
    ],
    [
      'tanh of a parameter',
      { gate: 'tanh-scalar' },
      { 'block0.gate': floats([1], [0.5]) },
      [1 + 3 * Math.tanh(0.5), 2 + 6 * Math.tanh(0.5)],
    ],
    ['a name with the branch', { gate: 'scalar' }, { 'block0.mlp.alpha': floats([1], [2]) }, [7, 14]],
    ['a parameter wins over value', { gate: 'scalar', value: 5 }, { 'block0.gate': floats([1], [0]) }, [1, 2]],
  ])('%s', async (_, options, parameters, expected) => {
    const done = await carryOut(runtime, image, { operation: 'gate', targets: at, options }, { parameters });
    expectClose((await done.run({ x: X }))['y']!, expected);
  });

  test('highway: T·F + (1 − T)·x with T = σ(Wx + b)', async () => {
    const linear = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {3, 0, 0, 3}> { f = MatMul (x, w)  y = Identity (f) }`;
    const parameters = { 'block0.weight': floats([2, 2], [1, 0, 0, 0]), 'block0.bias': floats([2], [0, 1]) };
    const recipe = { operation: 'gate', targets: region(), options: { gate: 'highway', transform: 'linear' } };
    const done = await carryOut(runtime, linear, recipe, { parameters });
    const t = 1 / (1 + Math.exp(-1));
    expectClose((await done.run({ x: floats([1, 2], [1, 2]) }))['y']!, [t * 3 + (1 - t), t * 6 + (1 - t) * 2]);
  });

  test('ones leave the function alone and need no permission; halves do not', async () => {
    const options = { gate: 'per-channel', axis: 1 };
    const ones = { 'block0.gate': floats([2], [1]) };
    const done = await carryOut(
      runtime,
      image,
      { operation: 'gate', targets: at, options },
      { parameters: ones, allow: [] },
    );
    await expectSame(done, { x: X });
    const halves = { 'block0.gate': floats([2], [0.5]) };
    expect(
      await refusalOf(runtime, image, { operation: 'gate', targets: at, options }, { parameters: halves, allow: [] }),
    ).toMatch(/changes-function/);
  });

  test.each<[string, object, Arrays, RegExp]>([
    [
      'a gate of another width would spread the branch',
      { gate: 'per-channel', axis: -1 },
      { 'block0.gate': floats([5], [1]) },
      /shapes-differ/,
    ],
    ['no parameter and no value', { gate: 'scalar' }, {}, /parameter-missing/],
    ['a gate that does not exist', { gate: 'revolving' }, {}, /option-invalid/],
  ])('keep: %s', async (_, options, parameters, why) => {
    expect(await refusalOf(runtime, image, { operation: 'gate', targets: at, options }, { parameters })).toMatch(why);
  });
});

describe('grow', () => {
  const layer = (
    head: string,
  ): string => `${HEAD} m (float[N, 4] x) => (float[N, 4] y) <${normal('float[4]', 'g', 1)}, ${normal('float[4, 4]', 'w', 2)}, ${normal('float[4]', 'b', 3)}, ${normal('float[4, 4]', 'u', 4)}>
    { ${head}  y = Identity (s2) }`;
  const pre = layer(
    'n = LayerNormalization (x, g)  p = MatMul (n, w)  f = Add (p, b)  [a1] s1 = Add (x, f)  n2 = LayerNormalization (s1, g)  h = Relu (n2)  q = MatMul (h, u)  [a2] s2 = Add (s1, q)',
  );
  const both = {
    sites: [
      { block: 0, residual_add: 'a1' },
      { block: 0, residual_add: 'a2' },
    ],
  };

  test('the copy is an identity with weights of its own', async () => {
    const done = await carryOut(runtime, pre, { operation: 'grow', targets: both });
    expect([done.count('MatMul'), done.count('Add')]).toEqual([4, 6]);
    await expectSame(done, { x: probe([3, 4]) }, 0);
  });

  test.each([
    [
      'a norm on the trunk: LN(LN(x)) is not LN(x)',
      layer(
        'p = MatMul (x, w)  [a1] s1 = Add (x, p)  n = LayerNormalization (s1, g)  q = MatMul (n, u)  [a2] s2 = Add (n, q)',
      ),
      /something stands on the stream/,
    ],
    [
      'a branch that ends in an activation',
      layer('p = MatMul (x, w)  r = Tanh (p)  [a1] s1 = Add (x, r)  q = MatMul (s1, u)  [a2] s2 = Add (s1, q)'),
      /does not end in an operator with constant weights/,
    ],
  ])('keep: %s', async (_, text, why) => {
    expect(await refusalOf(runtime, text, { operation: 'grow', targets: both })).toMatch(why);
  });
});

describe('concat-to-add, by hand', () => {
  // up = 2x, skip = 3x, the convolution sums 10·up + 100·skip = 320x.
  const merge = (
    order: string,
  ): string => `${HEAD} m (float[N, 1, 1, 1] x) => (float[N, 1, 1, 1] y) <float[1, 1, 1, 1] a = {2}, float[1, 1, 1, 1] b = {3}, float[1, 2, 1, 1] w = {${order === 'us' ? '10, 100' : '100, 10'}}>
    { u = Conv (x, a)  s = Conv (x, b)  [cat] c = Concat <axis = 1> (${order === 'us' ? 'u, s' : 's, u'})  y = Conv (c, w) }`;
  const recipe = (mode: string, order: string, site: object = {}): object => ({
    operation: 'concat-to-add',
    targets: { sites: [{ level: 0, concat_node: 'cat', up_value: 'u', ...site }] },
    options: { mode, concat_order: order },
  });
  const P = { 'level0.P.weight': floats([1, 1, 1, 1], [5]) };
  const E = { 'level0.E.weight': floats([2, 1, 1, 1], [1, 7]) };
  const X = { x: floats([1, 1, 1, 1], [1]) };

  test.each(['us', 'su'])('split keeps the function, order %s', async (order) => {
    const done = await carryOut(runtime, merge(order), recipe('split', order), { allow: [] });
    expect([done.count('Concat'), done.count('Conv')]).toEqual([0, 4]);
    expectClose((await done.run(X))['y']!, [320]);
  });

  test('add-slice: 10·(u + 5s) = 10·17', async () => {
    const done = await carryOut(runtime, merge('us'), recipe('add-slice', 'us'), { parameters: P });
    expectClose((await done.run(X))['y']!, [170]);
  });

  test('add-lift: 10·17 + 100·7·17', async () => {
    const done = await carryOut(runtime, merge('us'), recipe('add-lift', 'us'), { parameters: { ...P, ...E } });
    expectClose((await done.run(X))['y']!, [170 + 11900]);
  });

  const twice = merge('us').replace(
    'y = Conv (c, w)',
    'z = Conv (c, w)  k = Relu (c)  m = ReduceSum (k)  y = Add (z, m)',
  );
  test.each<[string, string, object, RegExp]>([
    ['the Concat has another reader', twice, recipe('split', 'us'), /not read by one convolution/],
    ['the node is no Concat', merge('us'), recipe('split', 'us', { concat_node: 'y' }), /not a Concat of two values/],
    ['up_value is no operand', merge('us'), recipe('split', 'us', { up_value: 'x' }), /not an operand/],
    ['a mode that does not exist', merge('us'), recipe('multiply', 'us'), /option-invalid/],
    ['no projection is given', merge('us'), recipe('add-slice', 'us'), /parameter-missing/],
  ])('keep: %s', async (_, text, asked, why) => {
    expect(await refusalOf(runtime, text, asked)).toMatch(why);
  });
});

describe('rescale, serialize and parallelize refuse', () => {
  const two = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {3, 0, 0, 3}, float[2, 2] v = {5, 0, 0, 5}>
    { f = MatMul (x, w)  [a1] s = Add (x, f)  g = MatMul (s, v)  [a2] t = Add (s, g)  y = Identity (t) }`;

  test('rescale by block: 1·x + 0.5·3x = 2.5x, then 2·2.5x + 5·2.5x', async () => {
    const recipe = {
      operation: 'rescale',
      targets: {
        sites: [
          { block: 0, residual_add: 'a1' },
          { block: 1, residual_add: 'a2' },
        ],
      },
      options: { branch_scale: { 0: 0.5, 1: 1 }, skip_scale: { 0: 1, 1: 2 } },
    };
    const done = await carryOut(runtime, two, recipe);
    expectClose((await done.run({ x: floats([1, 2], [1, 2]) }))['y']!, [17.5, 35]);
  });

  test.each<[string, object, RegExp]>([
    [
      'rescale: a block without a number',
      {
        operation: 'rescale',
        targets: { sites: [{ block: 3, residual_add: 'a1' }] },
        options: { branch_scale: { 0: 0.5 } },
      },
      /option-invalid/,
    ],
    [
      'serialize: not the sum of three',
      {
        operation: 'serialize',
        targets: { sites: [{ stream_value: 'x', attn_value: 'f', mlp_value: 'g', block_output: 's' }] },
      },
      /rewrite\/refused/,
    ],
    [
      'serialize: one branch depends on the other',
      {
        operation: 'serialize',
        targets: { sites: [{ stream_value: 'x', attn_value: 'f', mlp_value: 'g', block_output: 't' }] },
      },
      /rewrite\/refused/,
    ],
    [
      'serialize: a value is not named',
      { operation: 'serialize', targets: { sites: [{ stream_value: 'x', attn_value: 'f', block_output: 't' }] } },
      /recipe\/malformed/,
    ],
    [
      'parallelize: one addition is no layer',
      { operation: 'parallelize', targets: { sites: [{ block: 0, residual_add: 'a2' }] } },
      /rewrite\/refused/,
    ],
    [
      'remove-residual: a product is no addition',
      { operation: 'remove-residual', targets: { sites: [{ residual_add: 'f' }] } },
      /rewrite\/refused/,
    ],
    [
      'prune: keep is "skip" or nothing',
      { operation: 'prune', targets: { sites: [{ residual_add: 'a1' }] }, options: { keep: 'branch' } },
      /option-invalid/,
    ],
  ])('%s', async (_, recipe, why) => {
    expect(await refusalOf(runtime, two, recipe)).toMatch(why);
  });
});
