import { describe, expect, test } from '@jest/globals';
import { infer, type InferCase, testCases } from '../support/infer.js';

const X = 'float[n, 4, h, w] x';

describe('pools', () => {
  const cases: readonly InferCase[] = [
    ['floor by default', X, 'y = MaxPool<kernel_shape = [2, 3]>(x)', { y: 'float32[n, 4, h-1, w-2]' }],
    [
      'strides, and int64 indices of the same shape',
      'float[n, 4, 7, 8] x',
      'y, i = MaxPool<kernel_shape = [2, 2], strides = [2, 2]>(x)',
      { y: 'float32[n, 4, 3, 4]', i: 'int64[n, 4, 3, 4]' },
    ],
    [
      'ceil_mode counts a window that hangs over the end',
      'float[1, 1, 7, 8] x',
      'y = AveragePool<kernel_shape = [2, 2], strides = [2, 2], ceil_mode = 1>(x)',
      { y: 'float32[1, 1, 4, 4]' },
    ],
    [
      'ceil_mode does not count one that starts in the padding at the end: 5 + 1 elements, starts 0, 3 and 6',
      'float[1, 1, 5] x',
      'y = MaxPool<kernel_shape = [2], strides = [3], pads = [0, 1], ceil_mode = 1>(x)',
      { y: 'float32[1, 1, 2]' },
    ],
    [
      'ceil_mode of an expression',
      'float[1, 1, l] x',
      'y = MaxPool<kernel_shape = [3], strides = [2], ceil_mode = 1>(x)',
      { y: 'float32[1, 1, floor(l/2)]' },
    ],
    ['dilation', X, 'y = MaxPool<kernel_shape = [3, 2], dilations = [2, 3]>(x)', { y: 'float32[n, 4, h-4, w-3]' }],
    [
      'SAME',
      X,
      'y = LpPool<kernel_shape = [3, 3], strides = [2, 2], auto_pad = "SAME_UPPER">(x)',
      { y: 'float32[n, 4, ceil(h/2), ceil(w/2)]' },
    ],
    [
      'onnxruntime pads less than SAME says when dilated: unknown',
      'float[1, 1, 8] x',
      'y = MaxPool<kernel_shape = [2], dilations = [2], auto_pad = "SAME_UPPER">(x)',
      { y: 'float32[1, 1, u0]' },
    ],
    ['rank from the kernel', 'float[] x', 'y = AveragePool<kernel_shape = [2]>(x)', { y: 'float32[u0, u1, u2]' }],
    ['global', X, 'y = GlobalAveragePool(x)', { y: 'float32[n, 4, 1, 1]' }],
    [
      'channels last',
      'uint8[n, h, w, 4] x',
      'y = com.microsoft.NhwcMaxPool<kernel_shape = [2, 2]>(x)',
      { y: 'uint8[n, h-1, w-1, 4]' },
    ],
    [
      'quantized',
      'uint8[n, 4, 6, 6] x, float s, uint8 z',
      `y = com.microsoft.QLinearAveragePool<kernel_shape = [3, 3], strides = [3, 3]>(x, s, z, s, z)
       g = com.microsoft.QLinearGlobalAveragePool<channels_last = 1>(x, s, z, s, z)`,
      { y: 'uint8[n, 4, 2, 2]', g: 'uint8[n, 1, 1, 6]' },
    ],
    [
      'MaxUnpool',
      'float[n, 1, 3, 4] x, int64[n, 1, 3, 4] i',
      'y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i)',
      { y: 'float32[n, 1, 6, 8]' },
    ],
    [
      'MaxUnpool to a shape',
      'float[n, 1, 3, 4] x, int64[n, 1, 3, 4] i',
      `s = Constant<value_ints = [1, 1, 7, 9]>()
       y = MaxUnpool<kernel_shape = [2, 2], strides = [2, 2]>(x, i, s)`,
      { s: 'int64[4]', y: 'float32[1, 1, 7, 9]' },
    ],
    [
      'regions',
      'float[n, 5, h, w] x, float[r, 4] rois, int64[r] b, float[q, 5] q5',
      `y = RoiAlign<output_height = 6, output_width = 7>(x, rois, b)
       z = MaxRoiPool<pooled_shape = [2, 3]>(x, q5)`,
      { y: 'float32[r, 5, 6, 7]', z: 'float32[q, 5, 2, 3]' },
    ],
    [
      'RoiAlign of one element by default',
      'float[n, 5, h, w] x, float[r, 4] rois, int64[r] b',
      'y = RoiAlign(x, rois, b)',
      { y: 'float32[r, 5, 1, 1]' },
    ],
  ];
  testCases(cases);

  test('a window that is larger than the data is reported', () => {
    const { problems } = infer('float[1, 1, 3] x', 'y = MaxPool<kernel_shape = [7]>(x)');
    expect(problems).toEqual(['shape/negative: spatial axis 0 of the output has the negative size -3']);
  });
});
