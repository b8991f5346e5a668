import { describe, expect, test } from '@jest/globals';
import { infer, type InferCase, testCases } from '../support/infer.js';

const X = 'float[n, 3, h, w] x, float[8, 3, 3, 3] k';

describe('Conv', () => {
  const cases: readonly InferCase[] = [
    ['no padding: i - k + 1', X, 'y = Conv(x, k)', { y: 'float32[n, 8, h-2, w-2]' }],
    ['padding of 1 keeps the size', X, 'y = Conv<pads = [1, 1, 1, 1]>(x, k)', { y: 'float32[n, 8, h, w]' }],
    [
      'stride 2, padding 1: floor((i - 1) / 2) + 1, which is ceil(i / 2)',
      X,
      'y = Conv<pads = [1, 1, 1, 1], strides = [2, 2]>(x, k)',
      { y: 'float32[n, 8, ceil(h/2), ceil(w/2)]' },
    ],
    ['dilation 2 spans 5', X, 'y = Conv<dilations = [2, 2]>(x, k)', { y: 'float32[n, 8, h-4, w-4]' }],
    ['pads are begins, then ends', X, 'y = Conv<pads = [0, 1, 2, 3]>(x, k)', { y: 'float32[n, 8, h, w+2]' }],
    [
      'SAME divides by the stride and rounds up',
      X,
      'y = Conv<auto_pad = "SAME_UPPER", strides = [2, 3]>(x, k)',
      { y: 'float32[n, 8, ceil(h/2), ceil(w/3)]' },
    ],
    [
      'VALID ignores pads',
      X,
      'y = Conv<auto_pad = "VALID", pads = [9, 9, 9, 9]>(x, k)',
      { y: 'float32[n, 8, h-2, w-2]' },
    ],
    [
      'groups: W has C / group',
      'float[n, 6, l] x, float[4, 2, 5] k',
      'y = Conv<group = 3>(x, k)',
      { y: 'float32[n, 4, l-4]' },
    ],
    [
      'weights of unknown shape: kernel_shape helps',
      'float[n, 3, 10] x, float[] k',
      'y = Conv<kernel_shape = [3]>(x, k)',
      { y: 'float32[n, u0, 8]' },
    ],
    [
      'data of unknown shape: rank and channels are known',
      'float[] x, float[8, 3, 3] k',
      'y = Conv(x, k)',
      { y: 'float32[u0, 8, u1]' },
    ],
    ['version 1', X, 'y = Conv(x, k)', { y: 'float32[n, 8, h-2, w-2]' }, 1],
  ];
  testCases(cases);

  test.each([
    [
      'channels',
      'float[1, 4, 9] x, float[8, 3, 3] k',
      'y = Conv(x, k)',
      'shape/mismatch: channels of X and W: 4 against 3',
    ],
    [
      'kernel',
      'float[1, 3, 9] x, float[8, 3, 3] k',
      'y = Conv<kernel_shape = [5]>(x, k)',
      'shape/mismatch: kernel_shape and W along axis 0: 5 against 3',
    ],
    [
      'too large',
      'float[1, 3, 2] x, float[8, 3, 9] k',
      'y = Conv(x, k)',
      'shape/negative: spatial axis 0 of the output has the negative size -6',
    ],
  ])('reports %s', (_, inputs, nodes, problem) => {
    expect(infer(inputs, nodes).problems).toEqual([problem]);
  });
});

describe('other convolutions', () => {
  const cases: readonly InferCase[] = [
    [
      'ConvInteger gives int32',
      'uint8[1, 1, 5, 5] x, uint8[2, 1, 2, 2] k',
      'y = ConvInteger(x, k)',
      { y: 'int32[1, 2, 4, 4]' },
    ],
    [
      'QLinearConv has W at input 3 and the type of y_zero_point',
      'uint8[n, 3, 7] x, float s, uint8 z, int8[8, 3, 3] k, int8 kz, uint8 yz',
      'y = QLinearConv(x, s, z, k, s, kz, s, yz)',
      { y: 'uint8[n, 8, 5]' },
    ],
    [
      'QLinearConv of onnxruntime with channels last',
      'uint8[n, 7, 3] x, float s, uint8 z, int8[8, 3, 3] k, int8 kz, uint8 yz',
      'y = com.microsoft.QLinearConv<channels_last = 1>(x, s, z, k, s, kz, s, yz)',
      { y: 'uint8[n, 5, 8]' },
    ],
    [
      'DeformConv',
      'float[n, 3, 8, 8] x, float[4, 3, 3, 3] k, float[] o',
      'y = DeformConv<strides = [2, 2]>(x, k, o)',
      { y: 'float32[n, 4, 3, 3]' },
    ],
    ['FusedConv', X, 'y = com.microsoft.FusedConv<activation = "Relu">(x, k)', { y: 'float32[n, 8, h-2, w-2]' }],
    [
      'NhwcFusedConv',
      'float16[n, h, w, 3] x, float16[8, 3, 3, 3] k',
      'y = com.microsoft.NhwcFusedConv<kernel_shape = [3, 3]>(x, k)',
      { y: 'float16[n, h-2, w-2, 8]' },
    ],
    [
      'CausalConvWithState keeps k - 1 positions',
      'float[b, 4, l] x, float[4, 1, 5] k',
      'y, s = CausalConvWithState(x, k)',
      { y: 'float32[b, 4, l]', s: 'float32[b, 4, 4]' },
      27,
    ],
  ];
  testCases(cases);
});

describe('ConvTranspose', () => {
  const T = 'float[n, 3, h, w] x, float[3, 4, 3, 3] k';
  const cases: readonly InferCase[] = [
    ['(i - 1) * stride + k', T, 'y = ConvTranspose<strides = [2, 3]>(x, k)', { y: 'float32[n, 4, 2*h+1, 3*w]' }],
    [
      'padding takes away, output_padding adds',
      T,
      'y = ConvTranspose<strides = [2, 2], pads = [1, 1, 1, 1], output_padding = [1, 0]>(x, k)',
      { y: 'float32[n, 4, 2*h, 2*w-1]' },
    ],
    [
      'output_shape decides',
      T,
      'y = ConvTranspose<strides = [3, 2], output_shape = [10, 8]>(x, k)',
      { y: 'float32[n, 4, 10, 8]' },
    ],
    [
      'SAME multiplies',
      T,
      'y = ConvTranspose<auto_pad = "SAME_LOWER", strides = [2, 3]>(x, k)',
      { y: 'float32[n, 4, 2*h, 3*w]' },
    ],
    [
      'SAME of a window that is shorter than the stride: standard and onnxruntime differ',
      T,
      'y = ConvTranspose<auto_pad = "SAME_UPPER", strides = [4, 3]>(x, k)',
      { y: 'float32[n, 4, u0, 3*w]' },
    ],
    [
      'groups multiply the channels',
      T,
      'y = ConvTranspose<group = 3, dilations = [2, 1]>(x, k)',
      { y: 'float32[n, 12, h+4, w+2]' },
    ],
    [
      'pads as input',
      `${T}`,
      `p = Constant<value_ints = [1, 0, 1, 0]>()
       y = com.microsoft.ConvTransposeWithDynamicPads<strides = [2, 2]>(x, k, p)`,
      { p: 'int64[4]', y: 'float32[n, 4, 2*h-1, 2*w+1]' },
    ],
  ];
  testCases(cases);
});
