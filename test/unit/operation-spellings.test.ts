import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { carryOut, expectClose, expectSame, floats, probe, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
const normal = (type: string, name: string, seed: number): string =>
  `${type} ${name} = ["location": "fill:normal", "seed": "${seed}"]`;

describe('parameters that exporters compute when the model runs', () => {
  const bias =
    'z = Constant <value_float = 0.0> ()  l = CastLike (z, x)  n = Constant <value_ints = [2]> ()  b = Expand (l, n)';

  test('a zero bias made by CastLike and Expand is a bias of zeros: BN goes into the convolution', async () => {
    const text = `${HEAD} m (float[N, 3, 5, 5] x) => (float[N, 2, 3, 3] y)
      <${normal('float[2, 3, 3, 3]', 'w', 1)}, ${normal('float[2]', 's', 2)}, ${normal('float[2]', 't', 3)}, ${normal('float[2]', 'm', 4)}, float[2] v = {0.5, 2}>
      { ${bias}  c = Conv (x, w, b)  y = BatchNormalization (c, s, t, m, v) }`;
    const done = await carryOut(runtime, text, {
      operation: 'fold',
      targets: { sites: [{ bn_node: 'y' }] },
      options: { what: 'conv-bn' },
    });
    expect([done.count('BatchNormalization'), done.count('CastLike')]).toEqual([0, 0]);
    await expectSame(done, { x: probe([2, 3, 5, 5]) });
  });

  test('scale and bias spread over the channels that a shape names', async () => {
    const text = `${HEAD} m (float[N, 3] x) => (float[N, 2] y)
      <${normal('float[3, 2]', 'w', 1)}, ${normal('float[2]', 'm', 4)}, float[2] v = {0.5, 2}>
      { c = MatMul (x, w)  d = Shape <start = 1, end = 2> (c)  o = Constant <value_floats = [1.0]> ()  p = CastLike (o, c)  s = Expand (p, d)
        z = Constant <value_floats = [0.0]> ()  q = CastLike (z, c)  t = Expand (q, d)  y = BatchNormalization (c, s, t, m, v) }`;
    const done = await carryOut(runtime, text, {
      operation: 'fold',
      targets: { sites: [{ bn_node: 'y' }] },
      options: { what: 'bn-linear' },
    });
    expect(done.count('BatchNormalization')).toBe(0);
    await expectSame(done, { x: probe([4, 3]) });
  });

  test('who reads a norm for its dtype alone keeps no scale from being folded', async () => {
    const text = `${HEAD} m (float[N, 4] x) => (float[N, 2] y)
      <${normal('float[4]', 'g', 1)}, ${normal('float[4, 2]', 'w', 2)}, float one = {1}>
      { n = LayerNormalization (x, g)  k = CastLike (n, x)  p = MatMul (k, w)  o = CastLike (one, n)  y = Add (p, o) }`;
    const done = await carryOut(runtime, text, {
      operation: 'fold',
      targets: { sites: [{ norm_output: 'n' }] },
      options: { what: 'norm-affine' },
    });
    expect(done.count('Mul')).toBe(0);
    await expectSame(done, { x: probe([3, 4]) });
  });

  test('a norm that brings its statistics to a shape computed from another value', async () => {
    const text = `${HEAD} m (float[N, 4] x, float[N, 2] z) => (float[N, 2] y)
      <${normal('float[1, 4]', 'g', 1)}, ${normal('float[1, 4]', 'h', 3)}, ${normal('float[4, 2]', 'w', 2)}, int64[1] axis = {1}, int64[1] one = {1}, float quarter = {0.25}, float zero = {0}, float small = {1e-6}>
      { n0 = Shape <start = 0, end = 1> (z)  to = Concat <axis = 0> (n0, one)
        t = ReduceSum <keepdims = 0> (x, axis)  m = Mul (t, quarter)  mm = Mul (m, m)  mr = Reshape (m, to)  c = Sub (x, mr)
        q = Mul (x, x)  u = ReduceSum <keepdims = 0> (q, axis)  e = Mul (u, quarter)  v0 = Sub (e, mm)  v = Max (zero, v0)  vr = Reshape (v, to)
        d = Add (vr, small)  r = Sqrt (d)  i = Reciprocal (r)  k = Mul (i, g)  s = Mul (c, k)  n = Add (s, h)  p = MatMul (n, w)  y = Add (p, z) }`;
    const done = await carryOut(runtime, text, {
      operation: 'fold',
      targets: { sites: [{ norm_output: 'n' }] },
      options: { what: 'norm-affine' },
    });
    await expectSame(done, { x: probe([3, 4]), z: probe([3, 2]) });
    const dyt = {
      operation: 'replace-norm',
      targets: { sites: [{ block: 0, norm_output: 'n' }] },
      options: { to: 'dyt' },
    };
    const tanh = await carryOut(runtime, text, dyt, { parameters: { 'block0.alpha': floats([1], [0.5]) } });
    expect([tanh.count('Tanh'), tanh.count('ReduceSum')]).toEqual([1, 0]);
  });

  test('a copy whose branch ends in a convolution with a computed bias starts with zeros in both', async () => {
    const text = `${HEAD} m (float[N, 2, 4, 4] x) => (float[N, 2, 4, 4] y)
      <${normal('float[2, 2, 3, 3]', 'w', 1)}> { ${bias}  r = Relu (x)  f = Conv <pads = [1, 1, 1, 1]> (r, w, b)  y = Add (x, f) }`;
    const done = await carryOut(runtime, text, {
      operation: 'grow',
      targets: { sites: [{ block: 0, residual_add: 'y' }] },
      options: {},
    });
    expect(done.count('Conv')).toBe(2);
    await expectSame(done, { x: probe([2, 2, 4, 4]) }, 0);
  });
});

test('an average over windows that hang over the edge counts what is there, whatever count_include_pad says: nothing is padded', async () => {
  const text = `${HEAD} m (float[N, 1, 3, 3] x) => (float[N, 1, 2, 2] y)
    <float[1, 1, 3, 3] w = ["location": "fill:zeros"]> { f = Conv <strides = [2, 2], pads = [1, 1, 1, 1]> (x, w)  y = Identity (f) }`;
  const recipe = {
    operation: 'insert-residual',
    targets: { sites: [{ block: 0, region_input: 'x', region_output: 'f' }] },
    options: { projection: 'avgpool-conv1x1', stride: 2, ceil_mode: true, count_include_pad: true },
  };
  const done = await carryOut(runtime, text, recipe, { parameters: { 'block0.1.weight': floats([1, 1, 1, 1], [1]) } });
  // 0 1 2 / 3 4 5 / 6 7 8: means of {0, 1, 3, 4}, {2, 5}, {6, 7}, {8}.
  expectClose((await done.run({ x: floats([1, 1, 3, 3], [0, 1, 2, 3, 4, 5, 6, 7, 8]) }))['y']!, [2, 3.5, 6.5, 8]);
});

describe('blocks with a norm on the stream', () => {
  const weights = ['a', 'b'].map((name, i) => normal('float[4, 4]', name, i + 1)).join(', ');
  const norms = ['g', 'h', 'e'].map((name, i) => normal('float[4]', name, i + 5)).join(', ');
  const post = `${HEAD} m (float[N, 4] x) => (float[N, 4] y) <${weights}, ${norms}>
    { x0 = LayerNormalization (x, e)  f = MatMul (x0, a)  s = Add (x0, f)  n = LayerNormalization (s, g)  k = MatMul (n, b)  t = Add (n, k)  y = LayerNormalization (t, h) }`;
  const pre = `${HEAD} m (float[N, 4] x) => (float[N, 4] y) <${weights}, ${norms}>
    { n = LayerNormalization (x, g)  f = MatMul (n, a)  s = Add (x, f)  k = LayerNormalization (s, h)  q = MatMul (k, b)  t = Add (s, q)  y = LayerNormalization (t, e) }`;
  const prune = (...additions: readonly string[]): object => ({
    operation: 'prune',
    targets: { sites: additions.map((residual_add, block) => ({ block, residual_add })) },
  });

  test.each([
    ['the first', 's', 'Add (x0, f)'],
    ['the last', 't', 'Add (n, k)'],
  ])('%s goes with its norm', async (_, addition) => {
    const done = await carryOut(runtime, post, prune(addition));
    expect([done.count('LayerNormalization'), done.count('MatMul')]).toEqual([2, 1]);
  });

  test('keep.final: a pre-norm block goes alone, the norm behind the last block stays', async () => {
    const done = await carryOut(runtime, pre, prune('t'));
    expect([done.count('LayerNormalization'), done.count('MatMul')]).toEqual([2, 1]);
    expect(done.text).toMatch(/y = LayerNormalization.*\(s, e\)/);
  });

  test('keep.branch: with keep "skip" the branch goes and the norm on the stream stays', async () => {
    const done = await carryOut(runtime, post, { ...prune('s'), options: { keep: 'skip' } });
    expect([done.count('LayerNormalization'), done.count('MatMul')]).toEqual([3, 1]);
  });

  test('keep.block: a block that ends in a norm is no norm itself', async () => {
    const text = `${HEAD} m (float[N, 4] x) => (float[N, 4] y) <${weights}, ${norms}, float two = {2}, float small = {1e-5}>
      { f = MatMul (x, a)  p = Pow (f, two)  q = ReduceMean <axes = [-1]> (p)  r = Add (q, small)  d = Sqrt (r)  n = Div (f, d)  i = Mul (n, g)  s = Add (x, i)
        j = MatMul (s, b)  p2 = Pow (j, two)  q2 = ReduceMean <axes = [-1]> (p2)  r2 = Add (q2, small)  d2 = Sqrt (r2)  n2 = Div (j, d2)  i2 = Mul (n2, h)  t = Add (s, i2)  y = Relu (t) }`;
    const done = await carryOut(runtime, text, prune('s'));
    expect([done.count('MatMul'), done.count('Sqrt')]).toEqual([1, 1]);
  });

  test('the final norm that is dropped is the one that reads the last sum, where none is named', async () => {
    const recipe = (placement: string): object => ({
      operation: 'set-norm-placement',
      targets: { sites: ['s', 't'].map((residual_add, block) => ({ block, residual_add })) },
      options: { placement, final_norm: 'drop' },
    });
    const done = await carryOut(runtime, pre, recipe('post'));
    expect([done.count('LayerNormalization'), done.text.includes(', e)')]).toEqual([2, false]);
    // The norm behind the last block of a post-norm network is that block's own, and moves.
    expect((await carryOut(runtime, post, recipe('pre'))).count('LayerNormalization')).toBe(3);
  });

  test('a norm that starts the next branch is not the norm of the addition that it reads', async () => {
    const text = `${HEAD} m (float[N, 4] x) => (float[N, 4] y) <${weights}, ${norms}>
      { f = MatMul (x, a)  s = Add (x, f)  k = LayerNormalization (s, h)  q = MatMul (k, b)  t = Add (s, q)  y = Relu (t) }`;
    const move = (site: object, placement: string): object => ({
      operation: 'set-norm-placement',
      targets: { sites: [site] },
      options: { placement },
    });
    for (const placement of ['pre', 'post-branch', 'deepnorm', 'sandwich'])
      expect(await refusalOf(runtime, text, move({ residual_add: 's' }, placement))).toMatch(
        /belongs to another addition/,
      );
    expect(await refusalOf(runtime, text, move({ residual_add: 's', norm_output: 'k' }, 'post'))).toMatch(
      /belongs to another addition/,
    );
    const done = await carryOut(runtime, text, move({ residual_add: 't' }, 'post'));
    expect(done.text).toMatch(/LayerNormalization.*\(t, h\)/);
  });
});
