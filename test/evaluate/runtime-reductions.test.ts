import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { array, expectAgreement, resultOf } from '../support/evaluate.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const REDUCTIONS = `ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum
  ReduceSumSquare`.split(/\s+/);

describe('reductions agree with onnxruntime', () => {
  test.each(REDUCTIONS)('%s', async (op) => {
    const sound = op === 'ReduceLogSum' ? 'a = Abs (X)' : 'a = Identity (X)';
    const of = (shape: string, attributes: string, axes: string): string =>
      `(float[2, 3, 4] X) => (float[${shape}] Y) <int64[2] axes = {0, -1}> { ${sound} Y = ${op} ${attributes} (a ${axes}) }`;
    await expectAgreement(runtime, of('1, 3, 1', '', ', axes'));
    await expectAgreement(runtime, of('3', '<keepdims = 0>', ', axes'));
    await expectAgreement(runtime, of('1, 1, 1', '', ''));
    await expectAgreement(runtime, of('2, 3, 4', '<noop_with_empty_axes = 1>', ''));
    const old = `(float[2, 3, 4] X) => (float[2, 4] Y) { ${sound} Y = ${op} <axes = [1], keepdims = 0> (a) }`;
    await expectAgreement(runtime, old, { opset: 11 });
  });

  test.each(['ReduceSum', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceMean'])('%s of integers', async (op) => {
    await expectAgreement(runtime, `(int32[2, 5] X) => (int32[2, 1] Y) <int64[1] a = {1}> { Y = ${op} (X, a) }`);
  });
});

describe('products agree with onnxruntime', () => {
  test.each([
    ['[2, 3] by [3, 4]', '[2, 3]', '[3, 4]', '[2, 4]'],
    ['batches', '[2, 1, 3, 4]', '[5, 4, 2]', '[2, 5, 3, 2]'],
    ['a row', '[3]', '[2, 3, 4]', '[2, 4]'],
    ['a column', '[2, 4, 3]', '[3]', '[2, 4]'],
    ['two vectors', '[3]', '[3]', '[]'],
  ])('MatMul of %s', async (_, x, z, y) => {
    await expectAgreement(runtime, `(float${x} X, float${z} Z) => (float${y} Y) { Y = MatMul (X, Z) }`);
  });

  test.each(['<alpha = 0.5, beta = 2.0>', '<transA = 1>', '<transB = 1>', '<transA = 1, transB = 1, alpha = 3.0>'])(
    'Gemm %s',
    async (attributes) => {
      const [a, b] = [/transA/.test(attributes) ? '4, 2' : '2, 4', /transB/.test(attributes) ? '3, 4' : '4, 3'];
      const body = `(float[${a}] A, float[${b}] B, float[3] C) => (float[2, 3] Y) { Y = Gemm ${attributes} (A, B, C) }`;
      await expectAgreement(runtime, body);
    },
  );
});

test('an empty row sums to 0 and has the least largest element', () => {
  const body = (op: string): string =>
    `(float[2, 0] X) => (float[2] Y) <int64[1] a = {1}> { Y = ${op} <keepdims = 0> (X, a) }`;
  const feeds = { X: array('float32', [2, 0], []) };
  expect(resultOf(body('ReduceSum'), feeds)).toEqual([[2], [0, 0]]);
  expect(resultOf(body('ReduceProd'), feeds)).toEqual([[2], [1, 1]]);
  expect(resultOf(body('ReduceMax'), feeds)).toEqual([[2], [-Infinity, -Infinity]]);
});
