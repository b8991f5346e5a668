import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { array, expectAgreement, resultOf } from '../support/evaluate.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

describe('convolutions agree with onnxruntime', () => {
  test.each([
    ['plain', '<>', '[4, 2, 3, 3]', '4'],
    ['strides, pads and dilations', '<strides = [2, 1], pads = [1, 2, 0, 1], dilations = [1, 2]>', '[4, 2, 3, 3]', '4'],
    ['groups', '<group = 2>', '[4, 1, 3, 2]', '4'],
    ['SAME_UPPER', '<auto_pad = "SAME_UPPER", strides = [2, 3]>', '[4, 2, 3, 3]', '4'],
    ['SAME_LOWER', '<auto_pad = "SAME_LOWER", strides = [2, 2]>', '[4, 2, 2, 2]', '4'],
    ['VALID', '<auto_pad = "VALID", strides = [2, 2]>', '[4, 2, 2, 2]', '4'],
  ])('Conv: %s', async (_, attributes, w, m) => {
    const given = attributes === '<>' ? '' : attributes;
    const body = `(float[2, 2, 9, 7] X, float${w} W, float[${m}] B) => (float[2, ${m}, A, C] Y) { Y = Conv ${given} (X, W, B) }`;
    await expectAgreement(runtime, body);
  });

  test('Conv of one and of three spatial axes', async () => {
    await expectAgreement(runtime, '(float[1, 2, 9] X, float[3, 2, 4] W) => (float[1, 3, A] Y) { Y = Conv (X, W) }');
    await expectAgreement(
      runtime,
      '(float[1, 2, 4, 5, 4] X, float[3, 2, 2, 3, 2] W) => (float[1, 3, A, B, C] Y) { Y = Conv (X, W) }',
    );
  });

  test.each([
    ['plain', ''],
    ['strides and pads', '<strides = [2, 3], pads = [1, 0, 1, 1]>'],
    ['output_padding', '<strides = [2, 2], output_padding = [1, 0]>'],
    ['output_shape', '<strides = [2, 2], output_shape = [11, 9]>'],
    ['dilations', '<dilations = [2, 1]>'],
    ['SAME_UPPER', '<strides = [2, 2], auto_pad = "SAME_UPPER">'],
  ])('ConvTranspose: %s', async (_, attributes) => {
    const body = `(float[2, 4, 5, 4] X, float[4, 3, 3, 3] W, float[3] B) => (float[2, 3, A, C] Y) {
      Y = ConvTranspose ${attributes} (X, W, B) }`;
    await expectAgreement(runtime, body);
  });

  test('groups of a transposed convolution', async () => {
    const body = '(float[1, 4, 5] X, float[4, 3, 3] W) => (float[1, 6, A] Y) { Y = ConvTranspose <group = 2> (X, W) }';
    await expectAgreement(runtime, body);
  });
});

describe('pools agree with onnxruntime', () => {
  test.each([
    ['AveragePool', '<kernel_shape = [3, 2], pads = [1, 0, 1, 1], strides = [2, 2]>'],
    ['AveragePool', '<kernel_shape = [3, 2], pads = [1, 0, 1, 1], count_include_pad = 1>'],
    ['AveragePool', '<kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1>'],
    [
      'AveragePool',
      '<kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1], ceil_mode = 1, count_include_pad = 1>',
    ],
    ['MaxPool', '<kernel_shape = [3, 2], pads = [1, 0, 1, 1], strides = [2, 2]>'],
    ['MaxPool', '<kernel_shape = [2, 2], dilations = [2, 1], ceil_mode = 1, strides = [2, 3]>'],
    ['LpPool', '<kernel_shape = [3, 2], p = 2, strides = [2, 1]>'],
    ['GlobalAveragePool', ''],
    ['GlobalMaxPool', ''],
    ['GlobalLpPool', '<p = 3>'],
  ])('%s %s', async (op, attributes) => {
    await expectAgreement(runtime, `(float[2, 3, 8, 7] X) => (float[2, 3, A, B] Y) { Y = ${op} ${attributes} (X) }`);
  });

  test('the places of MaxPool', async () => {
    const body = `(float[2, 2, 6, 5] X) => (float[2, 2, A, B] Y, int64[2, 2, A, B] I) {
      Y, I = MaxPool <kernel_shape = [2, 3], strides = [2, 1]> (X) }`;
    await expectAgreement(runtime, body);
  });
});

describe('normalizations agree with onnxruntime', () => {
  test.each([
    [
      'LayerNormalization over two axes, with statistics',
      '(float[2, 3, 4, 5] X, float[4, 5] S, float[4, 5] B) => (float[2, 3, 4, 5] Y, float[2, 3, 1, 1] M, float[2, 3, 1, 1] D)',
      'Y, M, D = LayerNormalization <axis = 2, epsilon = 0.001> (X, S, B)',
    ],
    [
      'LayerNormalization without bias',
      '(float[2, 3, 8] X, float[8] S) => (float[2, 3, 8] Y)',
      'Y = LayerNormalization (X, S)',
    ],
    [
      'SimplifiedLayerNormalization',
      '(float[2, 3, 8] X, float[8] S) => (float[2, 3, 8] Y)',
      'Y = SimplifiedLayerNormalization <axis = -1> (X, S)',
    ],
    [
      'BatchNormalization',
      '(float[2, 3, 4, 5] X, float[3] S, float[3] B, float[3] M) => (float[2, 3, 4, 5] Y) <float[3] V = {0.5, 1.0, 2.0}>',
      'Y = BatchNormalization (X, S, B, M, V)',
    ],
    [
      'InstanceNormalization',
      '(float[2, 3, 4, 5] X, float[3] S, float[3] B) => (float[2, 3, 4, 5] Y)',
      'Y = InstanceNormalization <epsilon = 0.01> (X, S, B)',
    ],
    [
      'GroupNormalization-21',
      '(float[2, 6, 4, 5] X, float[6] S, float[6] B) => (float[2, 6, 4, 5] Y)',
      'Y = GroupNormalization <num_groups = 3> (X, S, B)',
    ],
    ['LpNormalization by 1', '(float[2, 6] X) => (float[2, 6] Y)', 'Y = LpNormalization <p = 1> (X)'],
    ['LpNormalization by 2', '(float[2, 6, 3] X) => (float[2, 6, 3] Y)', 'Y = LpNormalization <axis = 1> (X)'],
    [
      'MeanVarianceNormalization',
      '(float[2, 3, 4, 5] X) => (float[2, 3, 4, 5] Y)',
      'Y = MeanVarianceNormalization (X)',
    ],
    ['LRN', '(float[2, 7, 3, 3] X) => (float[2, 7, 3, 3] Y)', 'Y = LRN <size = 5, alpha = 0.5> (X)'],
    [
      'SkipLayerNormalization',
      '(float[2, 3, 8] X, float[2, 3, 8] S, float[8] g, float[8] b, float[8] c) => (float[2, 3, 8] Y, float[2, 3, 8] Z)',
      'Y, "", "", Z = com.microsoft.SkipLayerNormalization <epsilon = 1e-5> (X, S, g, b, c)',
    ],
    [
      'SkipSimplifiedLayerNormalization',
      '(float[2, 3, 8] X, float[2, 3, 8] S, float[8] g) => (float[2, 3, 8] Y, float[2, 3, 8] Z)',
      'Y, "", "", Z = com.microsoft.SkipSimplifiedLayerNormalization <epsilon = 1e-5> (X, S, g)',
    ],
  ])('%s', async (_, head, line) => {
    await expectAgreement(runtime, `${head} { ${line} }`);
  });
});

describe('recurrent operators agree with onnxruntime', () => {
  const body = (op: string, gates: number, attributes: string, directions: number, more = ''): string => `
    (float[5, 2, 3] X, float[${directions}, ${gates * 4}, 3] W, float[${directions}, ${gates * 4}, 4] R,
     float[${directions}, ${gates * 8}] B, float[${directions}, 2, 4] h) =>
    (float[5, ${directions}, 2, 4] Y, float[${directions}, 2, 4] Yh) <int32[2] lengths = {5, 3}>
    { Y, Yh = ${op} <hidden_size = 4 ${attributes}> (X, W, R, B, lengths, h${more}) }`;

  test.each([
    ['LSTM', 4, '', 1],
    ['LSTM', 4, ', direction = "bidirectional"', 2],
    ['LSTM', 4, ', direction = "reverse"', 1],
    ['GRU', 3, '', 1],
    ['GRU', 3, ', linear_before_reset = 1', 1],
    ['GRU', 3, ', direction = "bidirectional", clip = 0.5', 2],
    ['RNN', 1, '', 1],
    ['RNN', 1, ', direction = "bidirectional", activations = ["Relu", "Sigmoid"]', 2],
  ])('%s (%d gates)%s', async (op, gates, attributes, directions) => {
    await expectAgreement(runtime, body(op, gates, attributes, directions), { reduction: 256 });
  });
});

describe('quantized operators agree with onnxruntime', () => {
  // A quotient at a tie may fall on either side, so scales are powers of two: quotients are exact.
  test.each([
    ['uint8', 'uint8 z = {7}'],
    ['int8', 'int8 z = {-3}'],
  ])('QuantizeLinear and DequantizeLinear of %s', async (type, zero) => {
    await expectAgreement(
      runtime,
      `(float[3, 40] X) => (${type}[3, 40] Y, float[3, 40] D) <float s = {0.03125}, ${zero}> {
        Y = QuantizeLinear (X, s, z)  D = DequantizeLinear (Y, s, z) }`,
    );
  });

  test('a scale for each channel', async () => {
    await expectAgreement(
      runtime,
      `(float[4, 3, 5] X) => (int8[4, 3, 5] Y, float[4, 3, 5] D) <float[3] s = {0.5, 0.25, 0.125}, int8[3] z = {0, 1, -2}> {
        Y = QuantizeLinear <axis = 1> (X, s, z)  D = DequantizeLinear <axis = 1> (Y, s, z) }`,
    );
  });

  test('integer products', async () => {
    await expectAgreement(
      runtime,
      `(uint8[3, 5] A, int8[5, 4] B) => (int32[3, 4] Y) <uint8 a = {12}, int8[4] b = {1, -2, 3, 0}> { Y = MatMulInteger (A, B, a, b) }`,
    );
    await expectAgreement(
      runtime,
      `(uint8[1, 2, 5, 5] X, uint8[3, 2, 3, 3] W) => (int32[1, 3, 5, 5] Y) <uint8 x = {12}, uint8 w = {3}> {
        Y = ConvInteger <pads = [1, 1, 1, 1]> (X, W, x, w) }`,
    );
    await expectAgreement(
      runtime,
      `(uint8[3, 5] A, uint8[5, 4] B) => (uint8[3, 4] Y)
       <float s = {0.0625}, uint8 a = {100}, uint8 b = {120}, float sy = {4.0}, uint8 y = {128}> { Y = QLinearMatMul (A, s, a, B, s, b, sy, y) }`,
    );
  });
});

test('a window that sees padding alone has the mean of nothing', () => {
  const body =
    '(float[1, 1, 2] X) => (float[1, 1, 2] Y) { Y = AveragePool <kernel_shape = [1], strides = [2], pads = [1, 1]> (X) }';
  const [shape, [first, second]] = resultOf(body, { X: array('float32', [1, 1, 2], [3, 5]) });
  expect([shape, Number.isNaN(first), second]).toEqual([[1, 1, 2], true, 5]);
});
