import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { array, expectAgreement, resultOf } from '../support/evaluate.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

describe('Einsum agrees with onnxruntime', () => {
  test.each([
    ['ij,jk->ik', '[2, 3]', '[3, 4]', '[2, 4]'],
    ['bhqd,bhkd->bhqk', '[2, 3, 4, 5]', '[2, 3, 6, 5]', '[2, 3, 4, 6]'],
    ['...ij,jk->...ik', '[2, 3, 4]', '[4, 5]', '[2, 3, 5]'],
    ['ij,ij', '[2, 3]', '[2, 3]', '[]'],
    ['i,j->ji', '[2]', '[3]', '[3, 2]'],
  ])('%s', async (equation, x, z, y) => {
    await expectAgreement(
      runtime,
      `(float${x} X, float${z} Z) => (float${y} Y) { Y = Einsum <equation = "${equation}"> (X, Z) }`,
    );
  });

  test('a diagonal, and a transposition', async () => {
    await expectAgreement(runtime, '(float[3, 3] X) => (float[3] Y) { Y = Einsum <equation = "ii->i"> (X) }');
    await expectAgreement(runtime, '(float[3, 4] X) => (float[4, 3] Y) { Y = Einsum <equation = "ij->ji"> (X) }');
  });
});

describe('attention agrees with onnxruntime', () => {
  const QKV = 'float[2, 3, 4, 8] Q, float[2, 3, 6, 8] K, float[2, 3, 6, 5] V';

  test.each([
    ['heads', `(${QKV}) => (float[2, 3, 4, 5] Y)`, 'Y = Attention (Q, K, V)'],
    [
      'a mask of numbers',
      `(${QKV}, float[4, 6] M) => (float[2, 3, 4, 5] Y)`,
      'Y = Attention <scale = 0.5> (Q, K, V, M)',
    ],
    ['causal', `(${QKV}) => (float[2, 3, 4, 5] Y)`, 'Y = Attention <is_causal = 1> (Q, K, V)'],
    [
      'groups of heads, flat',
      '(float[2, 4, 24] Q, float[2, 6, 8] K, float[2, 6, 8] V) => (float[2, 4, 24] Y)',
      'Y = Attention <q_num_heads = 3, kv_num_heads = 1> (Q, K, V)',
    ],
    ['softcap', `(${QKV}) => (float[2, 3, 4, 5] Y)`, 'Y = Attention <softcap = 2.0> (Q, K, V)'],
  ])('Attention-23: %s', async (_, head, line) => {
    await expectAgreement(runtime, `${head} { ${line} }`, { opset: 23 });
  });

  test('Attention-23 with a past', async () => {
    const body = `(float[2, 3, 1, 8] Q, float[2, 3, 1, 8] K, float[2, 3, 1, 8] V, float[2, 3, 5, 8] pk, float[2, 3, 5, 8] pv) =>
      (float[2, 3, 1, 8] Y, float[2, 3, 6, 8] k, float[2, 3, 6, 8] v) { Y, k, v = Attention <is_causal = 1> (Q, K, V, , pk, pv) }`;
    await expectAgreement(runtime, body, { opset: 23 });
  });

  test.each(['', ', interleaved = 1', ', rotary_embedding_dim = 4'])('RotaryEmbedding-23%s', async (more) => {
    const half = more.includes('dim') ? 2 : 4;
    const body = `(float[2, 3, 5, 8] X, float[9, ${half}] c, float[9, ${half}] s) => (float[2, 3, 5, 8] Y)
      <int64[2, 5] p = {0, 1, 2, 3, 4, 4, 5, 6, 7, 8}> { Y = RotaryEmbedding <num_heads = 3${more}> (X, c, s, p) }`;
    await expectAgreement(runtime, body, { opset: 23 });
  });

  test("onnxruntime's RotaryEmbedding", async () => {
    const body = `(float[2, 5, 24] X, float[9, 4] c, float[9, 4] s) => (float[2, 5, 24] Y) <int64[1] p = {3}> {
      Y = com.microsoft.RotaryEmbedding <num_heads = 3> (X, p, c, s) }`;
    await expectAgreement(runtime, body);
  });

  test("onnxruntime's MultiHeadAttention", async () => {
    const of = (
      attributes: string,
      rest: string,
      more = '',
    ): string => `(float[2, 4, 24] Q, float[2, 6, 24] K, float[2, 6, 24] V${more}) =>
      (float[2, 4, 24] Y) <int32[2, 6] mask = {1,1,1,1,0,0, 1,1,1,1,1,1}> { Y = com.microsoft.MultiHeadAttention <num_heads = 3 ${attributes}> (Q, K, V${rest}) }`;
    await expectAgreement(runtime, of('', ''));
    await expectAgreement(runtime, of('', ', B', ', float[72] B'));
    await expectAgreement(runtime, of('', ', , mask'));
    await expectAgreement(runtime, of('', ', , , A', ', float[2, 3, 4, 6] A'));
    await expectAgreement(runtime, of(', scale = 0.25', ''));
  });

  test("onnxruntime's Attention", async () => {
    const of = (
      attributes: string,
      rest: string,
    ): string => `(float[2, 4, 6] X, float[6, 36] W, float[36] B) => (float[2, 4, 12] Y)
      <int32[2, 4] mask = {1,1,1,0, 1,1,1,1}> { Y = com.microsoft.Attention <num_heads = 3 ${attributes}> (X, W, B${rest}) }`;
    await expectAgreement(runtime, of('', ''));
    await expectAgreement(runtime, of('', ', mask'));
    await expectAgreement(runtime, of(', unidirectional = 1', ''));
  });
});

describe("onnxruntime's own products and activations", () => {
  test.each([
    [
      'FusedMatMul',
      '(float[2, 4, 3] A, float[2, 5, 4] B) => (float[2, 3, 5] Y)',
      '<transA = 1, transB = 1, alpha = 0.5> (A, B)',
    ],
    [
      'FusedGemm',
      '(float[2, 4] A, float[4, 3] B, float[3] C) => (float[2, 3] Y)',
      '<activation = "Relu", beta = 0.5> (A, B, C)',
    ],
    [
      'FusedConv',
      '(float[1, 2, 5, 5] X, float[3, 2, 3, 3] W, float[3] B) => (float[1, 3, 3, 3] Y)',
      '<activation = "LeakyRelu", activation_params = [0.25]> (X, W, B)',
    ],
    ['FastGelu', '(float[2, 8] X, float[8] B) => (float[2, 8] Y)', '(X, B)'],
    ['BiasGelu', '(float[2, 8] X, float[8] B) => (float[2, 8] Y)', '(X, B)'],
    ['QuickGelu', '(float[2, 8] X) => (float[2, 8] Y)', '<alpha = 1.5> (X)'],
    ['Gelu', '(float[2, 8] X) => (float[2, 8] Y)', '(X)'],
  ])('%s', async (op, head, rest) => {
    await expectAgreement(runtime, `${head} { Y = com.microsoft.${op} ${rest} }`);
  });
});

test('a query that sees no key gives 0', () => {
  const body = `(float[1, 1, 1, 2] Q, float[1, 1, 2, 2] K, float[1, 1, 2, 1] V, bool[1, 2] M) => (float[1, 1, 1, 1] Y) {
    Y = Attention (Q, K, V, M) }`;
  const feeds = {
    Q: array('float32', [1, 1, 1, 2], [1, 1]),
    K: array('float32', [1, 1, 2, 2], [1, 2, 3, 4]),
    V: array('float32', [1, 1, 2, 1], [5, 6]),
    M: array('bool', [1, 2], [0, 0]),
  };
  expect(resultOf(body, feeds)).toEqual([[1, 1, 1, 1], [0]]);
});
