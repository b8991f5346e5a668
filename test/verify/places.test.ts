import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { verify } from '../../src/api/verify.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { graphOf, modelOf } from '../support/model.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const statusOf = async (before: string, after: string): Promise<string> =>
  (await verify(graphOf(before), graphOf(after), { runtime })).verification.status;

const replaced = (text: string, from: string, to: string): string => {
  expect(text).toContain(from);
  return text.replace(from, to);
};

/** A layer behind a condition that hardly any input makes true, and one more behind it that captures what the first gives. */
const GATED = `(float[batch, 4] X, float p, float q, float r) => (float[batch, 4] Y)
<float[4] g = {1, 2, 3, 4}, float[4] b = {0.5, 0, -0.5, 1}>
{ c = Equal (p, q) d = Equal (q, r)
  a = If (c) <then_branch = t () => (float[batch, 4] ta) { ta = LayerNormalization <epsilon = 1e-5> (X, g, b) }, else_branch = e () => (float[batch, 4] ea) { ea = Identity (X) }>
  Y = If (d) <then_branch = u () => (float[batch, 4] ua) { ua = Neg (a) }, else_branch = f () => (float[batch, 4] fa) { fa = Relu (a) }> }`;

/** Positions looked up by a row of whole numbers as long as the input, which is shorter than the table on all that is run. */
const POSITIONS = (last: number): string => `(float[batch, seq, 2] X) => (float[batch, seq, 2] Y)
<int64 zero = {0}, int64 one = {1}, float[400, 2] table = {${Array.from({ length: 800 }, (_, i) => (i === 777 ? last : (i % 7) / 4)).join()}}>
{ shape = Shape (X) n = Gather (shape, one) at = Range (zero, n, one) row = Gather (table, at) Y = Add (X, row) }`;

/** A norm in pieces, whose epsilon is far below the variance of ordinary values, followed by rounding to 8 bits. */
const NORM = `(float[batch, 8] X) => (float[batch, 8] Y)
<float two = {2}, float epsilon = {1e-12}, float s = {0.05}, uint8 z = {128}>
{ m = ReduceMean <axes = [-1]> (X) d = Sub (X, m) p = Pow (d, two) v = ReduceMean <axes = [-1]> (p)
  ve = Add (v, epsilon) r = Sqrt (ve) n = Div (d, r) q = QuantizeLinear (n, s, z) Y = DequantizeLinear (q, s, z) }`;

/** Strides that leave one element of an image of the sizes that are tried first. */
const SHRUNK = `(float[batch, 1, height, width] X) => (float[batch, 1, 1, 1] Y)
<float[1, 1, 2, 2] W = ["location": "fill:normal", "seed": "1"]>
{ a = Conv <kernel_shape = [2, 2], strides = [2, 2]> (X, W) b = Conv <kernel_shape = [2, 2], strides = [2, 2]> (a, W)
  c = Conv <kernel_shape = [2, 2], strides = [2, 2]> (b, W) d = Conv <kernel_shape = [2, 2], strides = [2, 2]> (c, W)
  e = Conv <kernel_shape = [2, 2], strides = [2, 2]> (d, W) Y = ReduceMean <axes = [2, 3]> (e) }`;

/** A mask of one column, of which ordinary values leave something open in every row. */
const COLUMN = `(bool[batch, seq, 1] M, float[batch, seq, 4] X) => (float[batch, seq, 4] Y)
<bool all = {1}, float low = {-10}>
{ open = And (M, all) Y = Where (open, X, low) }`;

/** A function that calls another one, with a bound that ordinary values do not reach. */
const CALLED = `<ir_version: 9, opset_import: ["": 17, "own": 1]>
g (float[batch, 4] X) => (float[batch, 4] Y) { a = own.outer (X) Y = Neg (a) }
<domain: "own", opset_import: ["": 17, "own": 1]> outer (x) => (y) { z = own.inner (x) y = Relu (z) }
<domain: "own", opset_import: ["": 17]> inner (x) => (y) { high = Constant <value = float {20}> () y = Min (x, high) }`;

describe('verify sees a fault that no whole run shows', () => {
  test('in a branch that is not taken, behind which another branch captures its result', async () => {
    expect(await statusOf(GATED, replaced(GATED, '1e-5', '1e-3'))).toBe('mismatch');
  });

  test('in a row of a table that the lengths that are run do not reach', async () => {
    expect(await statusOf(POSITIONS(0.5), POSITIONS(0.75))).toBe('mismatch');
  });

  test('in an epsilon that shows only beside the smallest variances', async () => {
    expect(await statusOf(NORM, replaced(NORM, '1e-12', '1e-11'))).toBe('mismatch');
  });

  test('in a function that a function calls', async () => {
    const damaged = modelOf(replaced(CALLED, '{20}', '{24}'));
    expect((await verify(modelOf(CALLED), damaged, { runtime })).verification.status).toBe('mismatch');
    const same = modelOf(replaced(CALLED, 'Min (x, high)', 'Min (high, x)'));
    expect((await verify(modelOf(CALLED), same, { runtime })).verification.status).toBe('verified');
  });

  test('in a mask of one column', async () => {
    expect(await statusOf(COLUMN, replaced(COLUMN, 'And', 'Or'))).toBe('mismatch');
  });

  test('along axes that have one element on the sizes that are run', async () => {
    expect(await statusOf(SHRUNK, replaced(SHRUNK, 'ReduceMean', 'ReduceSum'))).toBe('mismatch');
  });
});

describe('verify takes what is the same there', () => {
  test.each([
    ['branches', GATED, replaced(GATED, 'ua = Neg (a)', 'z = Identity (a) ua = Neg (z)')],
    ['a table', POSITIONS(0.5), replaced(POSITIONS(0.5), 'Y = Add (X, row)', 'Y = Add (row, X)')],
    ['a norm', NORM, replaced(NORM, 'p = Pow (d, two)', 'p = Mul (d, d)')],
    ['a mask', COLUMN, replaced(COLUMN, 'And (M, all)', 'Identity (M)')],
    ['small images', SHRUNK, replaced(SHRUNK, 'ReduceMean <axes = [2, 3]>', 'GlobalAveragePool')],
  ])('%s', async (_name, before, after) => {
    expect(await statusOf(before, after)).toBe('verified');
  });
});
