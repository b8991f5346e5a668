import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { graphOf } from '../support/model.js';
import type { Model } from '../../src/ir/model.js';

/** `kind/placement` of every site, in order. */
function sitesOf(model: Model): readonly string[] {
  return inspect(model).residual.sites.map(({ kind, placement }) => `${kind}/${placement}`);
}

const W = '["location": "fill:normal", "seed": "1"]';
const NORM = `float[8] g = ${W}, float[8] b = ${W}`;
const MATRICES = `float[8,8] w = ${W}, float[8,8] v = ${W}, float[8,8] u = ${W}`;

describe('sums within a branch', () => {
  test('the scaled input of a state-space layer, in every layer of a stream', () => {
    const layer = (x: string, y: string): string =>
      `n${y} = LayerNormalization (${x}, g, b)  t${y} = Transpose <perm = [0, 2, 1]> (n${y})
       c${y} = Conv <group = 8, pads = [1, 1]> (t${y}, k)  d${y} = Mul (t${y}, skip)  s${y} = Add (c${y}, d${y})
       a${y} = Sigmoid (s${y})  o${y} = Transpose <perm = [0, 2, 1]> (a${y})  h${y} = MatMul (o${y}, w)  ${y} = Add (${x}, h${y})`;
    const model = graphOf(`(float[2,6,8] x) => (float[2,6,8] z)
      <${NORM}, ${MATRICES}, float[8,1,3] k = ${W}, float[8,1] skip = ${W}> { ${layer('x', 'y')}  ${layer('y', 'q')}  ${layer('q', 'z')} }`);
    expect(sitesOf(model)).toEqual(['identity/pre', 'identity/pre', 'identity/pre']);
    expect(inspect(model).residual.streams.length).toBe(1);
  });

  test('what neighbours hold added to the features of a node, within a block', () => {
    const layer = (x: string, y: string): string =>
      `m${y} = MatMul (adjacency, ${x})  s${y} = Add (${x}, m${y})  h${y} = MatMul (s${y}, w)  r${y} = Relu (h${y})
       f${y} = MatMul (r${y}, v)  ${y} = Add (${x}, f${y})`;
    const model = graphOf(
      `(float[9,8] x, float[9,9] adjacency) => (float[9,8] z) <${MATRICES}> { ${layer('x', 'y')}  ${layer('y', 'z')} }`,
    );
    expect(sitesOf(model)).toEqual(['identity/none', 'identity/none']);
    expect(inspect(model).residual.streams.length).toBe(1);
  });

  const update = (messages: string): Model =>
    graphOf(`(float[9,8] x, int64[9,8] to) => (float[9,8] z) <${MATRICES}, float[16,8] p = ${W}> {
      h = MatMul (x, w)  r = Relu (h)  ${messages}  c = Concat <axis = 1> (x, a)  q = MatMul (c, p)  f = Relu (q)  e = MatMul (f, v)  z = Add (x, e) }`);

  test('messages beside the features of a node', () => {
    const scatter = `o = Sub (r, r)  a = ScatterElements <axis = 0, reduction = "add"> (o, to, r)`;
    expect(sitesOf(update(scatter))).toEqual(['identity/none']);
  });

  test('new features beside a value within a block are dense', () => {
    expect(sitesOf(update('a = Relu (r)'))).toEqual(['dense-concat/none', 'identity/none']);
  });

  test('gates over two mixtures of a value with its past are those of a linear unit', () => {
    const past =
      'p = Pad (n, pads)  d = Sub (p, n)  dm = Mul (d, mu)  i = Add (n, dm)  dn = Mul (d, nu)  j = Add (n, dn)';
    const model = graphOf(`(float[2,6,8] x) => (float[2,6,8] z)
      <${NORM}, ${MATRICES}, float[8] mu = ${W}, float[8] nu = ${W}, int64[6] pads = {0, 1, 0, 0, -1, 0}> {
      n = LayerNormalization (x, g, b)  ${past}  k = MatMul (i, w)  r = Relu (k)  f = MatMul (r, v)
      q = MatMul (j, u)  s = Sigmoid (q)  y = Mul (s, f)  z = Add (x, y) }`);
    expect(sitesOf(model)).toEqual(['identity/pre']);
  });
});

describe('constants in a stream', () => {
  const layer = (x: string, y: string): string =>
    `p${y} = Add (${x}, pos)  q${y} = MatMul (p${y}, w)  k${y} = Transpose <perm = [0, 2, 1]> (q${y})
     e${y} = MatMul (q${y}, k${y})  a${y} = Softmax (e${y})  c${y} = MatMul (a${y}, ${x})  f${y} = MatMul (c${y}, v)
     s${y} = Add (${x}, f${y})  ${y} = LayerNormalization (s${y}, g, b)`;

  test('an embedding of positions that every layer adds is no skip', () => {
    const model = graphOf(`(float[2,6,8] x) => (float[2,6,8] z)
      <${NORM}, ${MATRICES}, float[1,6,8] pos = ${W}> { i = MatMul (x, u)  ${layer('i', 'y')}  ${layer('y', 'r')}  ${layer('r', 'z')} }`);
    expect(sitesOf(model)).toEqual(['identity/post', 'identity/post', 'identity/post']);
  });

  test('queries that are a parameter begin a stream', () => {
    const model = graphOf(`(float[2,6,8] x) => (float[2,6,8] z) <${MATRICES}, float[2,6,8] queries = ${W}> {
      q = MatMul (queries, w)  k = Transpose <perm = [0, 2, 1]> (x)  e = MatMul (q, k)  a = Softmax (e)  c = MatMul (a, x)
      f = MatMul (c, v)  y = Add (queries, f)  h = MatMul (y, u)  r = Relu (h)  i = MatMul (r, w)  z = Add (y, i) }`);
    expect(sitesOf(model)).toEqual(['identity/none', 'identity/none']);
  });
});

describe('norms beside others', () => {
  test('a scale and shift before the branch of a post-norm block', () => {
    const layer = (x: string, y: string): string =>
      `m${y} = Mul (${x}, s)  i${y} = Add (m${y}, t)  h${y} = MatMul (i${y}, w)  r${y} = Relu (h${y})  f${y} = MatMul (r${y}, v)
       a${y} = Add (${x}, f${y})  ${y} = LayerNormalization (a${y}, g, b)`;
    const model = graphOf(`(float[2,6,8] x) => (float[2,6,8] z)
      <${NORM}, ${MATRICES}, float[8] s = ${W}, float[8] t = ${W}> { ${layer('x', 'y')}  ${layer('y', 'z')} }`);
    expect(sitesOf(model)).toEqual(['identity/post', 'identity/post']);
  });

  const projected = (skip: string): Model =>
    graphOf(`(float[2,4,8,8] x) => (float[2,8,8,8] z)
      <float[4] g = ${W}, float[4] b = ${W}, float[4] m = ${W}, float[4] d = {1, 1, 1, 1}, float[8,4,1,1] p = ${W}, float[8,4,3,3] w = ${W}, float[8,8,3,3] v = ${W}> {
      n = BatchNormalization (x, g, b, m, d)  a = Relu (n)  h = Conv <pads = [1, 1, 1, 1]> (a, w)  r = Relu (h)
      f = Conv <pads = [1, 1, 1, 1]> (r, v)  ${skip}  z = Add (f, s) }`);

  test('a projection with a norm and an activation of its own before it', () => {
    const own = `o = BatchNormalization (x, b, g, m, d)  c = Relu (o)  s = Conv (c, p)`;
    expect(sitesOf(projected(own))).toEqual(['projection/pre-activation']);
  });

  test('an activation without a norm before weights is a branch', () => {
    expect(sitesOf(projected('c = Relu (x)  s = Conv (c, p)'))).toEqual([]);
  });
});

describe('integers', () => {
  const least = 'float s = {0.1}, uint8 z = {0}';
  const cut = (from: string, to: string): string =>
    `${to}q = QuantizeLinear (${from}, s, z)  ${to} = DequantizeLinear (${to}q, s, z)`;

  test('a bound of quantization between two sums leaves them one', () => {
    const model = graphOf(`(float[2,6,8] x) => (float[2,6,8] y) <${NORM}, ${MATRICES}, ${least}> {
      n = LayerNormalization (x, g, b)  k = Transpose <perm = [0, 2, 1]> (n)  e = MatMul (n, k)  a = Softmax (e)  c = MatMul (a, n)
      o = MatMul (c, w)  h = MatMul (n, v)  r = Sigmoid (h)  f = MatMul (r, u)  t = Add (o, f)  ${cut('t', 'td')}  y = Add (x, td) }`);
    expect(sitesOf(model)).toEqual(['parallel/pre']);
  });

  test('a bound of quantization after a projection leaves it a skip', () => {
    const model = graphOf(`(float[2,8] x) => (float[2,8] y) <${MATRICES}, ${least}> {
      h = MatMul (x, w)  r = Relu (h)  f = MatMul (r, v)  p = MatMul (x, u)  ${cut('p', 'pd')}  y = Add (f, pd) }`);
    expect(sitesOf(model)).toEqual(['projection/none']);
  });

  test('values of eight bits that gates multiply are no masks', () => {
    const q = 's, z';
    const ones = Array.from({ length: 64 }, () => 1).join();
    const model = graphOf(`(float[2,8] x) => (float[2,8] y)
      <uint8[8,8] w = {${ones}}, uint8[8,8] v = {${ones}}, float s = {0.1}, uint8 z = {128}, float one = {1}>
      { xq = QuantizeLinear (x, ${q})  tq = QLinearMatMul (xq, ${q}, w, ${q}, ${q})  gq = com.microsoft.QLinearSigmoid (tq, ${q}, ${q})
        hq = QLinearMatMul (xq, ${q}, v, ${q}, ${q})  aq = com.microsoft.QLinearMul (gq, ${q}, hq, ${q}, ${q})
        gd = DequantizeLinear (gq, ${q})  r = Sub (one, gd)  rq = QuantizeLinear (r, ${q})
        kq = QLinearMatMul (xq, ${q}, v, ${q}, ${q})  bq = com.microsoft.QLinearMul (rq, ${q}, xq, ${q}, ${q})
        yq = com.microsoft.QLinearAdd (aq, ${q}, bq, ${q}, ${q})  y = DequantizeLinear (yq, ${q}) }`);
    expect(sitesOf(model)).toEqual(['gated/none']);
  });
});

describe('spellings of norms', () => {
  test('an instance norm of groups with one parameter per channel is a group norm, whatever the shape before', () => {
    const model = graphOf(`(float[2,3,4,8] x) => (float[6,32] z)
      <float[4] one = {1, 1, 1, 1}, float[4] zero = {0, 0, 0, 0}, float[32] g = ${W}, float[32] b = ${W}, int64[3] to = {6, 4, 8}, int64[2] back = {6, 32}> {
      r = Reshape (x, to)  i = InstanceNormalization (r, one, zero)  o = Reshape (i, back)  m = Mul (o, g)  y = Add (m, b)  z = Relu (y) }`);
    expect(inspect(model).residual.normKinds).toEqual({ group: 1 });
  });

  test('a mean taken in one layout and a variance in another', () => {
    const model =
      graphOf(`(float[2,8,2,2] i) => (float[2,4,8] z) <${NORM}, float two = {2}, float e = {0.00001}, int64[3] to = {2, 8, 4}> {
      x = Reshape (i, to)  m = ReduceMean <axes = [1]> (x)  d = Sub (x, m)  t = Transpose <perm = [0, 2, 1]> (d)  p = Pow (t, two)
      v = ReduceMean <axes = [2]> (p)  a = Add (v, e)  q = Sqrt (a)  n = Div (t, q)  s = Mul (n, g)  y = Add (s, b)  z = Relu (y) }`);
    expect(inspect(model).residual.normKinds).toEqual({ layer: 1 });
  });

  test('a value and its mean transposed apart', () => {
    const model = graphOf(`(float[2,8,4] x) => (float[2,4,8] z) <${NORM}, float two = {2}, float e = {0.00001}> {
      t = Transpose <perm = [0, 2, 1]> (x)  k = Transpose <perm = [0, 2, 1]> (x)  m = ReduceMean <axes = [2]> (k)  d = Sub (t, m)
      p = Pow (d, two)  v = ReduceMean <axes = [2]> (p)  a = Add (v, e)  q = Sqrt (a)  n = Div (d, q)  s = Mul (n, g)  y = Add (s, b)  z = Relu (y) }`);
    expect(inspect(model).residual.normKinds).toEqual({ layer: 1 });
  });
});

describe('sums of other shapes', () => {
  test('a table of pairs made from one value within a block', () => {
    const model =
      graphOf(`(float[2,6,8] x) => (float[2,6,8] z) <${NORM}, ${MATRICES}, float[8,1] p = ${W}, float[8,1] q = ${W}, int64 one = {1}> {
      n = LayerNormalization (x, g, b)  a0 = MatMul (n, u)  a = Relu (a0)  c = MatMul (a, p)  l = Sigmoid (c)  f = CumSum (l, one)  ft = Transpose <perm = [0, 2, 1]> (f)
      i = MatMul (a, q)  it = Transpose <perm = [0, 2, 1]> (i)  d = Sub (f, ft)  t = Add (d, it)  e = Exp (t)
      v0 = MatMul (n, v)  m = MatMul (e, v0)  h = MatMul (m, w)  z = Add (x, h) }`);
    expect(sitesOf(model)).toEqual(['identity/pre']);
  });

  test('gates that a product of integers gives', () => {
    const linear = (x: string, weight: string, y: string): string =>
      `${y}q, ${y}s, ${y}z = DynamicQuantizeLinear (${x})  ${y}i = MatMulInteger (${y}q, ${weight}, ${y}z)
       ${y}f = Cast <to = 1> (${y}i)  ${y} = Mul (${y}f, s)`;
    const ones = Array.from({ length: 64 }, () => 1).join();
    const model = graphOf(`(float[2,6,8] x, float[2,1,8] condition) => (float[2,6,8] z)
      <${NORM}, ${MATRICES}, uint8[8,8] k = {${ones}}, float s = {0.1}> {
      ${linear('condition', 'k', 'gate')}  n = LayerNormalization (x, g, b)  h = MatMul (n, w)  r = Relu (h)  f = MatMul (r, v)
      y = Mul (gate, f)  z = Add (x, y) }`);
    expect(sitesOf(model)).toEqual(['gated/pre']);
  });
});
