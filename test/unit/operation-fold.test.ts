import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { carryOut, expectClose, expectSame, floats, probe, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
const normal = (type: string, name: string, seed: number): string =>
  `${type} ${name} = ["location": "fill:normal", "seed": "${seed}"]`;
const NORM = `${normal('float[4]', 'g', 1)}, ${normal('float[4]', 'b', 2)}`;
const affine = (output = 'n', options: object = {}): object => ({
  operation: 'fold',
  targets: { sites: [{ norm_output: output }] },
  options: { what: 'norm-affine', ...options },
});
const batch = (what: string, site: object = { bn_node: 'bn' }, options: object = {}): object => ({
  operation: 'fold',
  targets: { sites: [site] },
  options: { what, ...options },
});
const BN = (size: number, seed = 10): string =>
  `${normal(`float[${size}]`, 's', seed)}, ${normal(`float[${size}]`, 't', seed + 1)}, ${normal(`float[${size}]`, 'mu', seed + 2)}, float[${size}] v = ["location": "fill:uniform", "seed": "3", "low": "0.5", "high": "2"]`;
const X = { x: probe([2, 3, 4]) };
const IMAGE = { x: probe([2, 3, 5, 6]) };

describe('norm-affine', () => {
  test('(Wγ)N(x) + (b + Wβ), by hand', async () => {
    // One row [0, 2]: mean 1, variance 1, so N(x) = [−1, 1] but for epsilon. γ = [2, 3], β = [1, −1]: N(x)γ + β = [−1, 2].
    const text = `${HEAD} m (float[N, 2] x) => (float[N, 1] y)
      <float[2] g = {2, 3}, float[2] b = {1, -1}, float[2, 1] w = {10, 100}, float[1] c = {7}>
      { n = LayerNormalization <axis = -1, epsilon = 1e-12> (x, g, b)  p = MatMul (n, w)  y = Add (p, c) }`;
    const done = await carryOut(runtime, text, affine());
    expectClose((await done.run({ x: floats([1, 2], [0, 2]) }))['y']!, [-10 + 200 + 7]);
    // W' = [20, 300] and b' = 7 + 10 − 100.
    expect(done.text).toMatch(/\{20, 300\}/);
    expect(done.text).toMatch(/\{-83\}/);
    expect(done.count('Add')).toBe(1);
  });

  test.each([
    ['MatMul without bias gets one', `p = MatMul (n, w)  y = Identity (p)`, normal('float[4, 5]', 'w', 3), 1],
    [
      'MatMul with a bias in front',
      `p = MatMul (n, w)  y = Add (c, p)`,
      `${normal('float[4, 5]', 'w', 3)}, ${normal('float[5]', 'c', 4)}`,
      1,
    ],
    [
      'a product that something else reads too',
      `p = MatMul (n, w)  q = Add (p, c)  y = Mul (p, q)`,
      `${normal('float[4, 5]', 'w', 3)}, ${normal('float[5]', 'c', 4)}`,
      2,
    ],
    [
      'a weight that is transposed when the model runs',
      `wt = Transpose <perm = [1, 0]> (w)  p = MatMul (n, wt)  y = Identity (p)`,
      normal('float[5, 4]', 'w', 3),
      1,
    ],
    [
      'a reader behind a mean over positions',
      `r = ReduceMean <axes = [1], keepdims = 1> (n)  y = MatMul (r, w)`,
      normal('float[4, 5]', 'w', 3),
      1,
    ],
    [
      'a reader behind a transpose',
      `r = Transpose <perm = [0, 2, 1]> (n)  y = MatMul (w, r)`,
      normal('float[5, 4]', 'w', 3),
      1,
    ],
  ])('%s', async (_, body, weights, additions) => {
    const text = `${HEAD} m (float[B, T, 4] x) => (float[B, P, Q] y) <${NORM}, ${weights}>
      { n = LayerNormalization <axis = -1> (x, g, b)  ${body} }`;
    const done = await carryOut(runtime, text, affine());
    expect(done.count('Add')).toBe(additions);
    await expectSame(done, X);
  });

  test('Gemm keeps alpha and takes beta into its bias', async () => {
    const text = `${HEAD} m (float[B, 4] x) => (float[B, 5] y) <${NORM}, ${normal('float[5, 4]', 'w', 3)}, ${normal('float[5]', 'c', 4)}>
      { n = LayerNormalization <axis = -1> (x, g, b)  y = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (n, w, c) }`;
    const done = await carryOut(runtime, text, affine());
    await expectSame(done, { x: probe([3, 4]) });
  });

  test('a decomposed RMS norm loses its multiplication', async () => {
    const text = `${HEAD} m (float[B, T, 4] x) => (float[B, T, 5] y)
      <${normal('float[4]', 'g', 1)}, ${normal('float[4, 5]', 'w', 3)}, ${normal('float[4, 5]', 'u', 5)}, float two = {2}, float eps = {1e-6}>
      { sq = Pow (x, two)  m = ReduceMean <axes = [-1]> (sq)  e = Add (m, eps)  r = Sqrt (e)  d = Div (x, r)  n = Mul (g, d)
        a = MatMul (n, w)  c = MatMul (n, u)  y = Mul (a, c) }`;
    const done = await carryOut(runtime, text, affine());
    expect(done.count('Mul')).toBe(1);
    await expectSame(done, X);
  });

  test('shared weights stay as they are for the other layer', async () => {
    const text = `${HEAD} m (float[B, T, 4] x) => (float[B, T, 4] y) <${NORM}, ${normal('float[4, 4]', 'w', 3)}>
      { n = LayerNormalization <axis = -1> (x, g, b)  p = MatMul (n, w)  k = LayerNormalization <axis = -1> (p, g, b)  y = MatMul (k, w) }`;
    const done = await carryOut(runtime, text, affine());
    await expectSame(done, X);
  });

  test('a reader without weights keeps scale and bias', async () => {
    const text = `${HEAD} m (float[B, T, 4] x) => (float[B, T, 4] y) <${NORM}, ${normal('float[4, 4]', 'w', 3)}>
      { n = LayerNormalization <axis = -1> (x, g, b)  p = MatMul (n, w)  y = Add (n, p) }`;
    const done = await carryOut(runtime, text, affine());
    await expectSame(done, X);
  });

  test('keep: nothing linear reads the norm', async () => {
    const text = `${HEAD} m (float[B, T, 4] x) => (float[B, T, 4] y) <${NORM}> { n = LayerNormalization <axis = -1> (x, g, b)  y = Relu (n) }`;
    expect(await refusalOf(runtime, text, affine())).toMatch(/rewrite\/refused: no linear operator reads "n"/);
  });

  test('keep: the weight is computed when the model runs', async () => {
    const text = `${HEAD} m (float[B, T, 4] x, float[4, 4] w) => (float[B, T, 4] y) <${NORM}> { n = LayerNormalization <axis = -1> (x, g, b)  y = MatMul (n, w) }`;
    expect(await refusalOf(runtime, text, affine())).toMatch(/no linear operator reads "n"/);
  });

  test('keep: the scale is an input of the graph', async () => {
    const text = `${HEAD} m (float[B, T, 4] x, float[4] g) => (float[B, T, 4] y) <${normal('float[4, 4]', 'w', 3)}>
      { n = LayerNormalization <axis = -1> (x, g)  y = MatMul (n, w) }`;
    expect(await refusalOf(runtime, text, affine())).toMatch(/its scale is not one constant number per feature/);
  });
});

describe('BatchNormalization', () => {
  const conv = (attrs: string, weights: string, extra = ''): string =>
    `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, P, Q, R] y) <${BN(6)}, ${weights}> { c = Conv <${attrs}> (x, w${extra})  [bn] y = BatchNormalization <epsilon = 1e-3> (c, s, t, mu, v) }`;

  test.each([
    ['Conv', conv('kernel_shape = [3, 3], pads = [1, 1, 1, 1]', normal('float[6, 3, 3, 3]', 'w', 5))],
    [
      'Conv with bias and groups',
      conv(
        'kernel_shape = [1, 1], group = 3',
        `${normal('float[6, 1, 1, 1]', 'w', 5)}, ${normal('float[6]', 'c0', 6)}`,
        ', c0',
      ),
    ],
    [
      'ConvTranspose with groups',
      `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, P, Q, R] y) <${BN(6)}, ${normal('float[3, 2, 2, 2]', 'w', 5)}>
        { c = ConvTranspose <kernel_shape = [2, 2], strides = [2, 2], group = 3> (x, w)  [bn] y = BatchNormalization (c, s, t, mu, v) }`,
    ],
  ])('conv-bn: %s', async (_, text) => {
    const done = await carryOut(runtime, text, batch('conv-bn'));
    expect(done.count('BatchNormalization')).toBe(0);
    await expectSame(done, IMAGE);
  });

  test('conv-bn through an addition of two convolutions that nobody else reads', async () => {
    const text = `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, 6, P, Q] y) <${BN(6)}, ${normal('float[6, 3, 1, 1]', 'w', 5)}, ${normal('float[6, 3, 1, 1]', 'u', 6)}>
      { a = Conv (x, w)  c = Conv (x, u)  z = Add (a, c)  [bn] y = BatchNormalization (z, s, t, mu, v) }`;
    const done = await carryOut(runtime, text, batch('conv-bn'));
    expect(done.count('BatchNormalization')).toBe(0);
    await expectSame(done, IMAGE);
    expect(await refusalOf(runtime, text, batch('conv-bn', { bn_node: 'bn' }, { through_add: false }))).toMatch(
      /refused/,
    );
  });

  test('keep: behind an activation', async () => {
    const text = `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, 6, P, Q] y) <${BN(6)}, ${normal('float[6, 3, 1, 1]', 'w', 5)}>
      { a = Conv (x, w)  r = Relu (a)  [bn] y = BatchNormalization (r, s, t, mu, v) }`;
    expect(await refusalOf(runtime, text, batch('conv-bn'))).toMatch(/Relu writes the value/);
  });

  test('keep: a sum whose skip is no convolution', async () => {
    const text = `${HEAD} m (float[B, 6, 5, 6] x) => (float[B, 6, P, Q] y) <${BN(6)}, ${normal('float[6, 6, 1, 1]', 'w', 5)}>
      { a = Conv (x, w)  z = Add (a, x)  [bn] y = BatchNormalization (z, s, t, mu, v) }`;
    expect(await refusalOf(runtime, text, batch('conv-bn'))).toMatch(/refused/);
  });

  test('keep: training mode', async () => {
    const text = `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, 6, P, Q] y) <${BN(6)}, ${normal('float[6, 3, 1, 1]', 'w', 5)}>
      { a = Conv (x, w)  [bn] y, m1, v1 = BatchNormalization <training_mode = 1> (a, s, t, mu, v) }`;
    expect(await refusalOf(runtime, text, batch('conv-bn'))).toMatch(/training mode/);
  });

  const behind = (attrs: string, weights: string): string =>
    `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, P, Q, R] y) <${BN(3)}, ${weights}> { [bn] n = BatchNormalization (x, s, t, mu, v)  y = Conv <${attrs}> (n, w) }`;

  test.each([
    ['without padding', behind('kernel_shape = [3, 3]', normal('float[4, 3, 3, 3]', 'w', 5)), {}],
    ['groups', behind('kernel_shape = [3, 3], group = 3', normal('float[6, 1, 3, 3]', 'w', 5)), {}],
    [
      'padded with what the norm maps to zero',
      behind('kernel_shape = [3, 3], pads = [1, 1, 1, 1]', normal('float[4, 3, 3, 3]', 'w', 5)),
      { padding: 'exact' },
    ],
    [
      'padded on one side, with a stride',
      behind('kernel_shape = [3, 2], pads = [2, 0, 1, 1], strides = [2, 1]', normal('float[4, 3, 3, 2]', 'w', 5)),
      { padding: 'exact' },
    ],
  ])('bn-conv: %s', async (_, text, options) => {
    const done = await carryOut(runtime, text, batch('bn-conv', { bn_node: 'bn' }, options));
    expect(done.count('BatchNormalization')).toBe(0);
    await expectSame(done, IMAGE);
  });

  test('keep: bn-conv in front of zero padding', async () => {
    const text = behind('kernel_shape = [3, 3], pads = [1, 1, 1, 1]', normal('float[4, 3, 3, 3]', 'w', 5));
    expect(await refusalOf(runtime, text, batch('bn-conv'))).toMatch(/pads with zeros behind the norm/);
  });

  test('keep: bn-conv where an activation reads the norm as well', async () => {
    const text = `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, 4, P, Q] y, float[B, 3, 5, 6] z) <${BN(3)}, ${normal('float[4, 3, 1, 1]', 'w', 5)}>
      { [bn] n = BatchNormalization (x, s, t, mu, v)  y = Conv (n, w)  z = Relu (n) }`;
    expect(await refusalOf(runtime, text, batch('bn-conv'))).toMatch(/Relu reads "n"/);
  });

  test('all-foldable leaves what cannot go', async () => {
    const text = `${HEAD} m (float[B, 3, 5, 6] x) => (float[B, 6, P, Q] y) <${BN(6)}, ${normal('float[6, 3, 1, 1]', 'w', 5)}>
      { a = Conv (x, w)  n = BatchNormalization (a, s, t, mu, v)  r = Relu (n)  y = BatchNormalization (r, s, t, mu, v) }`;
    const done = await carryOut(runtime, text, { operation: 'fold', targets: {}, options: { what: 'all-foldable' } });
    expect(done.count('BatchNormalization')).toBe(1);
    await expectSame(done, IMAGE);
  });

  test('an unknown kind is refused', async () => {
    const text = behind('kernel_shape = [3, 3]', normal('float[4, 3, 3, 3]', 'w', 5));
    expect(await refusalOf(runtime, text, batch('bn-dense'))).toMatch(/option-invalid/);
  });
});

describe('bodies and small floats', () => {
  test('a norm in a body, whose weights stand outside, folds there alone', async () => {
    const text = `${HEAD} m (float[B, 4] x, bool c) => (float[B, 5] y) <${NORM}, ${normal('float[4, 5]', 'w', 3)}>
      { n = LayerNormalization <axis = -1> (x, g, b)  p = MatMul (n, w)
        [branches] q = If (c) <then_branch = yes () => (float[B, 5] r) { k = LayerNormalization <axis = -1> (x, g, b)  r = MatMul (k, w) },
          else_branch = no () => (float[B, 5] s) { s = Relu (p) }>
        y = Add (p, q) }`;
    const site = { norm_output: 'k', subgraph: '/branches/then_branch' };
    const done = await carryOut(runtime, text, {
      operation: 'fold',
      targets: { sites: [site] },
      options: { what: 'norm-affine' },
    });
    for (const c of [0, 1]) {
      await expectSame(done, { x: probe([3, 4]), c: { dtype: 'bool', shape: [], data: Uint8Array.of(c) } });
    }
  });

  test('a norm that a body reads keeps scale and bias for it', async () => {
    const text = `${HEAD} m (float[B, 4] x, bool c) => (float[B, 5] y) <${NORM}, ${normal('float[4, 5]', 'w', 3)}>
      { n = LayerNormalization <axis = -1> (x, g, b)  p = MatMul (n, w)
        q = If (c) <then_branch = yes () => (float[B, 5] r) { r = MatMul (n, w) }, else_branch = no () => (float[B, 5] s) { s = Relu (p) }>
        y = Add (p, q) }`;
    const done = await carryOut(runtime, text, affine());
    await expectSame(done, { x: probe([3, 4]), c: { dtype: 'bool', shape: [], data: Uint8Array.of(1) } });
  });

  test('float16 weights are cast once', async () => {
    const text = `${HEAD} m (float[B, 4] x) => (float[B, 5] y) <${NORM.replaceAll('float[4]', 'float16[4]')}, ${normal('float16[4, 5]', 'w', 3)}>
      { h = Cast <to = 10> (x)  n = LayerNormalization <axis = -1> (h, g, b)  p = MatMul (n, w)  y = Cast <to = 1> (p) }`;
    const done = await carryOut(runtime, text, affine());
    await expectSame(done, { x: probe([3, 4]) }, 4e-3);
  });
});
