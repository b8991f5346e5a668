import { describe, expect, test } from '@jest/globals';
import { parseEinsum } from '../../src/shape/einsum.js';
import { infer, type InferCase, testCases } from '../support/infer.js';

describe('MatMul', () => {
  const cases: readonly InferCase[] = [
    ['matrices', 'float[m, k] a, float[k, n] b', 'y = MatMul(a, b)', { y: 'float32[m, n]' }],
    ['vectors give a scalar', 'float[k] a, float[k] b', 'y = MatMul(a, b)', { y: 'float32[]' }],
    ['a row vector', 'float[k] a, float[b, k, n] c', 'y = MatMul(a, c)', { y: 'float32[b, n]' }],
    ['a column vector', 'float[b, m, k] a, float[k] c', 'y = MatMul(a, c)', { y: 'float32[b, m]' }],
    ['batch axes broadcast', 'float[b, 1, m, k] a, float[h, k, n] c', 'y = MatMul(a, c)', { y: 'float32[b, h, m, n]' }],
    ['one rank unknown', 'float[m, k] a, float[] b', 'y = MatMul(a, b)', { y: 'float32 of unknown rank' }],
    ['integers', 'uint8[m, k] a, int8[k, 3] b', 'y = MatMulInteger(a, b)', { y: 'int32[m, 3]' }],
    [
      'quantized: the type of y_zero_point',
      'uint8[2, k] a, float s, uint8 z, int8[k, 3] b, int8 bz, int8 yz',
      'y = QLinearMatMul(a, s, z, b, s, bz, s, yz)',
      { y: 'int8[2, 3]' },
    ],
    ['determinants', 'float[b, 4, 4] a', 'y = Det(a)', { y: 'float32[b]' }],
  ];
  testCases(cases);

  test.each([
    ['matrices', 'float[2, 3] a, float[4, 5] b', 'y = MatMul(a, b)'],
    ['a vector', 'float[3] a, float[7, 4, 5] b', 'y = MatMul(a, b)'],
    ['a product with transposition', 'float[2, 3] a, float[4, 5] b', 'y = Gemm(a, b)'],
    ['a fused product', 'float[3, 2] a, float[4, 5] b', 'y = com.microsoft.FusedMatMul<transA = 1>(a, b)'],
  ])('reports contracted sizes that differ: %s', (_, inputs, nodes) => {
    expect(infer(inputs, nodes).problems).toEqual(['shape/mismatch: contracted sizes of A and B: 3 against 4']);
  });
});

describe('Gemm and products of onnxruntime', () => {
  const cases: readonly InferCase[] = [
    ['Gemm', 'float[m, 3] a, float[3, 5] b, float[5] c', 'y = Gemm(a, b, c)', { y: 'float32[m, 5]' }],
    [
      'both transposed',
      'float[3, m] a, float[5, 3] b',
      'y = Gemm<transA = 1, transB = 1>(a, b)',
      { y: 'float32[m, 5]' },
    ],
    ['rank 2 without operands', 'float[] a, float[] b', 'y = Gemm(a, b)', { y: 'float32[u0, u1]' }],
    [
      'FusedMatMul transposes',
      'float[b, k, m] a, float[b, n, k] c',
      'y = com.microsoft.FusedMatMul<transA = 1, transB = 1>(a, c)',
      { y: 'float32[b, m, n]' },
    ],
    [
      'transBatchA reads [m, …batch, k]',
      'float[m, b, h, k] a, float[b, h, k, n] c',
      'y = com.microsoft.FusedMatMul<transBatchA = 1>(a, c)',
      { y: 'float32[b, h, m, n]' },
    ],
    [
      'MatMulNBits: attribute N',
      'float[b, s, 64] a, uint8[96, 2, 16] q, float[192] c',
      'y = com.microsoft.MatMulNBits<K = 64, N = 96, block_size = 32>(a, q, c)',
      { y: 'float32[b, s, 96]' },
    ],
    [
      'MatMulIntegerToFloat: the type of the scale',
      'uint8[m, k] a, int8[k, 3] b, float16 s',
      'y = com.microsoft.MatMulIntegerToFloat(a, b, s, s)',
      { y: 'float16[m, 3]' },
    ],
    [
      'DynamicQuantizeMatMul',
      'float[m, k] a, int8[k, 3] b, float s',
      'y = com.microsoft.DynamicQuantizeMatMul(a, b, s)',
      { y: 'float32[m, 3]' },
    ],
    [
      'QGemm: float without y_zero_point, else its type',
      'uint8[m, 4] a, float s, uint8 z, int8[6, 4] b, int8 bz, uint8 yz',
      `y = com.microsoft.QGemm<transB = 1>(a, s, z, b, s, bz)
       w = com.microsoft.QGemm<transB = 1>(a, s, z, b, s, bz, "", s, yz)`,
      { y: 'float32[m, 6]', w: 'uint8[m, 6]' },
    ],
    ['CDist', 'float[m, k] a, float[n, k] b', 'y = com.microsoft.CDist(a, b)', { y: 'float32[m, n]' }],
  ];
  testCases(cases);
});

describe('Einsum', () => {
  const cases: readonly InferCase[] = [
    ['product', 'float[i, j] a, float[j, k] b', 'y = Einsum<equation = "ij,jk->ik">(a, b)', { y: 'float32[i, k]' }],
    [
      'implicit output: labels that occur once, sorted',
      'float[q, i, j] a, float[j, k] b',
      'y = Einsum<equation = "zij, jk">(a, b)',
      { y: 'float32[i, k, q]' },
    ],
    ['transposition', 'float[i, j] a', 'y = Einsum<equation = "ba->ab">(a)', { y: 'float32[j, i]' }],
    ['trace', 'float[n, n] a', 'y = Einsum<equation = "ii->">(a)', { y: 'float32[]' }],
    [
      'an ellipsis stands for any axes',
      'float[b, h, i, j] a, float[b, h, j, k] c',
      'y = Einsum<equation = "...ij,...jk->...ik">(a, c)',
      { y: 'float32[b, h, i, k]' },
    ],
    [
      'ellipses broadcast from the right',
      'float[b, h, i] a, float[h, i] c',
      'y = Einsum<equation = "...i,...i->...">(a, c)',
      { y: 'float32[b, h]' },
    ],
    [
      'an ellipsis that stands for nothing',
      'float[i, j] a',
      'y = Einsum<equation = "...ij->...ji">(a)',
      { y: 'float32[j, i]' },
    ],
    [
      'an ellipsis in the middle',
      'float[i, 2, 3, j] a',
      'y = Einsum<equation = "a...b->b...">(a)',
      { y: 'float32[j, 2, 3]' },
    ],
    [
      'implicit output begins with the ellipsis',
      'float[2, 3, b, a] x',
      'y = Einsum<equation = "...ba">(x)',
      { y: 'float32[2, 3, a, b]' },
    ],
    [
      'a labelled axis of 1 gives way',
      'float[1, j] a, float[5, j] b',
      'y = Einsum<equation = "ij,ij->i">(a, b)',
      { y: 'float32[5]' },
    ],
    [
      'an operand of unknown rank',
      'float[] a, float[j, k] b',
      'y = Einsum<equation = "ij,jk->ik">(a, b)',
      { y: 'float32[u0, k]' },
    ],
  ];
  testCases(cases);

  test.each(['ij,jk->ik->', 'i1->i', 'i....->i', 'ij->i-'])('%s is no equation', (text) => {
    expect(parseEinsum(text)).toBeUndefined();
  });

  test('a term that does not fit the rank of its operand gives nothing', () => {
    expect(infer('float[2, 3] a', 'y = Einsum<equation = "ijk->i">(a)').types).toEqual({
      y: 'float32 of unknown rank',
    });
  });
});
