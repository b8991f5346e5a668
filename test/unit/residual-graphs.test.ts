import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { graphOf, modelOf } from '../support/model.js';
import type { Model } from '../../src/ir/model.js';

/** `kind/placement` of every site, in order. */
function sitesOf(model: Model): readonly string[] {
  return inspect(model).residual.sites.map(({ kind, placement }) => `${kind}/${placement}`);
}

const W = '["location": "fill:normal", "seed": "1"]';
const LAYER = `n = LayerNormalization <axis = -1> (x, g, b)  h = MatMul (n, w)  r = Relu (h)  f = MatMul (r, v)`;
const WEIGHTS = `float[8] g = ${W}, float[8] b = ${W}, float[8,8] w = ${W}, float[8,8] v = ${W}`;

describe('sites in functions and bodies', () => {
  test('a block that is a function, called twice', () => {
    const model = modelOf(`<ir_version: 9, opset_import: ["": 17, "own": 1]>
      net (float[N,4,8] a) => (float[N,4,8] c) <${WEIGHTS}> { m = own.Block (a, g, b, w, v)  c = own.Block (m, g, b, w, v) }
      <domain: "own", opset_import: ["": 17]> Block (x, g, b, w, v) => (y) { ${LAYER}  y = Add (x, f) }`);
    const { residual } = inspect(model);
    expect(residual.sites.map(({ kind, placement }) => `${kind}/${placement}`)).toEqual([
      'identity/pre',
      'identity/pre',
    ]);
    expect(residual.streams.length).toBe(1);
    expect(residual.normKinds).toEqual({ layer: 2 });
  });

  test('a block under If, left out by the other branch', () => {
    const model = graphOf(`(float[N,4,8] x, bool c) => (float[N,4,8] z) <${WEIGHTS}> {
      y = If (c) <then_branch = t () => (float[N,4,8] yt) { ${LAYER}  yt = Add (f, x) }, else_branch = e () => (float[N,4,8] ye) { ye = Identity (x) }>
      n2 = LayerNormalization <axis = -1> (y, g, b)  f2 = MatMul (n2, w)  z = Add (y, f2) }`);
    expect(sitesOf(model)).toEqual(['identity/pre', 'identity/pre']);
    expect(inspect(model).residual.streams.length).toBe(1);
  });

  test('a block that a Loop repeats', () => {
    const model = graphOf(`(float[N,4,8] a, int64 times, bool go) => (float[N,4,8] z) <${WEIGHTS}> {
      z = Loop (times, go, a) <body = body (int64 i, bool c, float[N,4,8] x) => (bool d, float[N,4,8] y) { d = Identity (c)  ${LAYER}  y = Add (x, f) }> }`);
    expect(sitesOf(model)).toEqual(['identity/pre']);
  });
});

describe('precision and quantization', () => {
  test('float16 with Casts around norms', () => {
    const model = graphOf(`(float16[N,4,8] x) => (float16[N,4,8] y)
      <float[8] g = ${W}, float[8] b = ${W}, float16[8,8] w = ${W}> {
      x32 = Cast <to = 1> (x)  n = LayerNormalization <axis = -1> (x32, g, b)  n16 = Cast <to = 10> (n)
      f = MatMul (n16, w)  s = Add (f, x)  s32 = Cast <to = 1> (s)
      m = LayerNormalization <axis = -1> (s32, g, b)  m16 = Cast <to = 10> (m)  h = MatMul (m16, w)  y = Add (s, h) }`);
    expect(sitesOf(model)).toEqual(['identity/pre', 'identity/pre']);
  });

  test('quantize-dequantize pairs on the skip and in the branch', () => {
    const pair = (from: string, to: string): string =>
      `${to}q = QuantizeLinear (${from}, s, z)  ${to} = DequantizeLinear (${to}q, s, z)`;
    const model = graphOf(`(float[N,4,8] x) => (float[N,4,8] y)
      <float s = {0.1}, uint8 z = {128}, float[8,8] w = ${W}, float[8,8] v = ${W}> {
      ${pair('x', 'xd')}  h = MatMul (xd, w)  r = Relu (h)  ${pair('r', 'rd')}  f = MatMul (rd, v)  ${pair('f', 'fd')}
      ${pair('x', 'xs')}  t = Add (fd, xs)  y = Relu (t) }`);
    expect(sitesOf(model)).toEqual(['identity/none']);
  });

  test('an IR 3 model that lists its weights among the inputs', () => {
    const model = modelOf(`<ir_version: 3, opset_import: ["": 9]>
      net (float[1,8] x, float[8,8] w, float[8] c) => (float[1,8] y) <float[8,8] w = ${W}, float[8] c = ${W}> {
      h = MatMul (x, w)  k = Add (h, c)  r = Relu (k)  f = MatMul (r, w)  l = Add (f, c)  y = Add (x, l) }`);
    expect(sitesOf(model)).toEqual(['identity/none']);
  });
});

test('10,000 blocks in a row, and norms as deep', () => {
  const lines = Array.from({ length: 10_000 }, (_, i) => `f${i} = MatMul (x${i}, w)  x${i + 1} = Add (x${i}, f${i})`);
  const model = graphOf(`(float[N,8] x0) => (float[N,8] x10000) <float[8,8] w = ${W}> { ${lines.join('\n')} }`);
  const { residual } = inspect(model);
  expect(residual.blocks).toBe(10_000);
  expect(residual.streams.length).toBe(1);
  expect(residual.paths.expectedLength).toBeCloseTo(5000, 3);
  expect(BigInt(residual.paths.count)).toBe(2n ** 10_000n);
});
