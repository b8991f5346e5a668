import { describe } from '@jest/globals';
import { compareAll, type RuntimeCase } from '../support/runtime-shapes.js';

const TOKENS = 'float[b, s, 8] x, float[8] g';
const Q = 'float t, uint8 z';

describe('onnxruntime gives what is inferred: normalization and activations', () => {
  compareAll([
    ['SkipLayerNormalization', TOKENS, 'y, "", "", u = com.microsoft.SkipLayerNormalization(x, x, g, g)'],
    [
      'SkipSimplifiedLayerNormalization',
      TOKENS,
      'y, "", "", u = com.microsoft.SkipSimplifiedLayerNormalization(x, x, g)',
    ],
    ['SimplifiedLayerNormalization', TOKENS, 'y = SimplifiedLayerNormalization(x, g)'],
    ['LayerNormalization with statistics', TOKENS, 'y, m, i = LayerNormalization(x, g, g)'],
    [
      'EmbedLayerNormalization',
      'int32[b, s] ids, float[20, 8] v, float[20, 8] q, float[8] g, int32[b, s] k',
      'y, m, e = com.microsoft.EmbedLayerNormalization<mask_index_type = 1>(ids, ids, v, q, q, g, g, k)',
    ],
    ['BiasGelu', TOKENS, 'y = com.microsoft.BiasGelu(x, g)'],
    [
      'Gelu, FastGelu, QuickGelu',
      TOKENS,
      'y = com.microsoft.Gelu(x)\nu = com.microsoft.FastGelu(x, g)\nq = com.microsoft.QuickGelu(x)',
    ],
    ['Softmax', TOKENS, 'y = Softmax(x)'],
    ['Inverse', 'float[b, 1, 1] x', 'y = com.microsoft.Inverse(x)'],
  ]);
});

describe('onnxruntime gives what is inferred: products and convolutions', () => {
  compareAll([
    [
      'FusedMatMul',
      'float[b, s, n] x, float[b, m, s] y',
      'z = com.microsoft.FusedMatMul<transA = 1, transB = 1>(x, y)',
    ],
    [
      'FusedMatMul moving batch axes',
      'float[n, b, s] x, float[b, s, m] y',
      'z = com.microsoft.FusedMatMul<transBatchA = 1>(x, y)',
    ],
    [
      'FusedMatMul moving and transposing',
      'float[s, b, n] x, float[b, s, m] y',
      'z = com.microsoft.FusedMatMul<transBatchA = 1, transA = 1>(x, y)',
    ],
    [
      'FusedGemm',
      'float[n, m] x, float[8, m] y, float[8] c',
      'z = com.microsoft.FusedGemm<transB = 1, activation = "Relu">(x, y, c)',
    ],
    [
      'MatMulNBits',
      'float[b, s, 32] x, uint8[8, 1, 16] q, float[8] c',
      'y = com.microsoft.MatMulNBits<K = 32, N = 8, block_size = 32>(x, q, c)',
    ],
    [
      'MatMulIntegerToFloat',
      `uint8[b, s, n] x, uint8[n, m] y, float t`,
      'r = com.microsoft.MatMulIntegerToFloat(x, y, t, t)',
    ],
    [
      'DynamicQuantizeMatMul',
      'float[b, s, n] x, uint8[n, m] y, float t',
      'r = com.microsoft.DynamicQuantizeMatMul(x, y, t)',
    ],
    [
      'QGemm',
      `uint8[n, m] x, uint8[8, m] y, ${Q}`,
      'r = com.microsoft.QGemm<transB = 1>(x, t, z, y, t, z)\nu = com.microsoft.QGemm<transB = 1>(x, t, z, y, t, z, "", t, z)',
    ],
    ['CDist', 'float[n, m] x, float[s, m] y', 'z = com.microsoft.CDist<metric = "euclidean">(x, y)'],
    [
      'FusedConv',
      'float[b, 3, h, w] x, float[4, 3, 3, 3] k',
      'y = com.microsoft.FusedConv<strides = [2, 2], pads = [1, 0, 1, 0], activation = "Relu">(x, k)',
    ],
    [
      'QLinearConv, channels last',
      `uint8[b, h, w, 3] x, uint8[4, 3, 3, 3] k, ${Q}`,
      'y = com.microsoft.QLinearConv<strides = [2, 2], channels_last = 1>(x, t, z, k, t, z, t, z)',
    ],
    [
      'ConvTransposeWithDynamicPads',
      'float[b, 3, h, w] x, float[3, 4, 3, 3] k',
      'q = Constant<value_ints = [1, 0, 1, 2]>()\ny = com.microsoft.ConvTransposeWithDynamicPads<strides = [2, 2]>(x, k, q)',
    ],
    ['Einsum', 'float[b, s, n] x, float[n, m] y', 'z = Einsum<equation = "...n,nm->m...">(x, y)'],
  ]);
});

describe('onnxruntime gives what is inferred: pools', () => {
  const attributes = [
    'kernel_shape = [3, 3], strides = [2, 2], ceil_mode = 1',
    'kernel_shape = [3, 2], strides = [4, 5], pads = [2, 0, 2, 1], ceil_mode = 1',
    'kernel_shape = [2, 2], strides = [3, 3], pads = [1, 1, 1, 1], ceil_mode = 1',
    'kernel_shape = [3, 3], strides = [2, 3], auto_pad = "SAME_LOWER"',
  ];
  const versions = [10, 11, 19, 22] as const;
  for (const opset of versions) {
    describe(`opset ${opset}`, () => {
      compareAll(
        attributes.flatMap((list): RuntimeCase[] => [
          [`MaxPool ${list}`, 'float[b, 3, h, w] x', `y = MaxPool<${list}>(x)`],
          [`AveragePool ${list}`, 'float[b, 3, h, w] x', `y = AveragePool<${list}>(x)`],
        ]),
        opset,
      );
    });
  }
  compareAll([
    ['NhwcMaxPool', 'uint8[b, h, w, 3] x', 'y = com.microsoft.NhwcMaxPool<kernel_shape = [3, 3], strides = [2, 2]>(x)'],
    [
      'QLinearAveragePool',
      `uint8[b, 3, h, w] x, ${Q}`,
      'y = com.microsoft.QLinearAveragePool<kernel_shape = [3, 3], strides = [2, 2]>(x, t, z, t, z)',
    ],
    [
      'QLinearAveragePool, channels last',
      `uint8[b, h, w, 3] x, ${Q}`,
      'y = com.microsoft.QLinearAveragePool<kernel_shape = [3, 3], strides = [2, 2], channels_last = 1>(x, t, z, t, z)',
    ],
    [
      'QLinearGlobalAveragePool',
      `uint8[b, 3, h, w] x, ${Q}`,
      'y = com.microsoft.QLinearGlobalAveragePool(x, t, z, t, z)\nu = com.microsoft.QLinearGlobalAveragePool<channels_last = 1>(x, t, z, t, z)',
    ],
    [
      'CropAndResize',
      'float[b, 3, h, w] x, float[n, 4] r, int32[n] i',
      'c = Constant<value = int32[2] {6, 7}>()\ny = com.microsoft.CropAndResize(x, r, i, c)',
      { r: Array(16).fill(0), i: [0, 0, 1, 1] },
    ],
    [
      'MaxpoolWithMask',
      'float[b, 3, h, w] x, int32[1, 1, h, w] m',
      'y = com.microsoft.MaxpoolWithMask<kernel_shape = [3, 3], strides = [2, 2]>(x, m)',
    ],
  ]);
});

describe('onnxruntime gives what is inferred: the rest', () => {
  compareAll([
    [
      'Pad',
      'float[b, h] x',
      'p = Constant<value_ints = [0, 1, 2, 3]>()\nv = Constant<value = float {0}>()\ny = com.microsoft.Pad(x, p, v)',
    ],
    ['GridSample', 'float[b, 3, h, w] x, float[b, n, m, 2] g', 'y = com.microsoft.GridSample(x, g)'],
    [
      'GatherND',
      'float[b, s, h] x',
      'i = Constant<value = int64[4, 1] {0, 1, 1, 0}>()\ny = com.microsoft.GatherND(x, i)',
    ],
    [
      'QLinearWhere',
      `bool[b, s] c, uint8[s] x, uint8[b, 1] y, ${Q}`,
      'o = com.microsoft.QLinearWhere(c, x, t, z, y, t, z, t, z)',
    ],
    ['GatedAdd', 'float[b, s, 8] x, float[b, s, 1] g', 'z = com.microsoft.GatedAdd(x, x, g)'],
    [
      'LinearAttention',
      'float[b, s, 8] q, float[b, s, 12] v, float[b, s, 2] g',
      'y, u = com.microsoft.LinearAttention<q_num_heads = 2, kv_num_heads = 2>(q, q, v, "", g, g)',
    ],
    ['CausalConvWithState', 'float[b, 4, l] x, float[4, 1, 3] k', 'y, u = com.microsoft.CausalConvWithState(x, k)'],
    [
      'MaxUnpool',
      'float[b, 1, h, w] x, int64[b, 1, h, w] i',
      'y = MaxUnpool<kernel_shape = [2, 3], strides = [2, 2]>(x, i)',
    ],
    [
      'QLinearAdd, QLinearMul',
      `uint8[b, s, 4] x, uint8[4] y, ${Q}`,
      'a = com.microsoft.QLinearAdd(x, t, z, y, t, z, t, z)\nc = com.microsoft.QLinearMul(y, t, z, x, t, z, t, z)',
    ],
    [
      'QLinearConcat',
      `uint8[b, s] x, uint8[b, l] y, ${Q}`,
      'a = com.microsoft.QLinearConcat<axis = -1>(t, z, x, t, z, y, t, z)',
    ],
    [
      'QLinearSigmoid, QLinearLeakyRelu',
      `uint8[b, s] x, ${Q}`,
      'a = com.microsoft.QLinearSigmoid(x, t, z, t, z)\nc = com.microsoft.QLinearLeakyRelu(x, t, z, t, z)',
    ],
    ['QLinearSoftmax', `uint8[b, s] x, ${Q}`, 'a = com.microsoft.QLinearSoftmax<opset = 13>(x, t, z, t, z)'],
    [
      'QuantizeLinear, DequantizeLinear',
      `float[b, s] x, ${Q}`,
      'a = com.microsoft.QuantizeLinear(x, t, z)\nc = com.microsoft.DequantizeLinear(a, t, z)',
    ],
    [
      'DynamicQuantizeLSTM',
      'float[s, b, 4] x, float t, int8 z',
      `w8 = Constant<value = int8[1, 2, 8] {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}>()
       x2 = Slice(x, st, en, ax)
       st = Constant<value_ints = [0]>()
       en = Constant<value_ints = [2]>()
       ax = Constant<value_ints = [2]>()
       sc = Constant<value = float[1] {1}>()
       zp = Constant<value = int8[1] {0}>()
       y, hh, cc = com.microsoft.DynamicQuantizeLSTM<hidden_size = 2>(x2, w8, w8, "", "", "", "", "", sc, zp, sc, zp)`,
    ],
    [
      'GatherBlockQuantized',
      'int64[b, s] i, uint8[20, 16] x, float[20, 1] c',
      'y = com.microsoft.GatherBlockQuantized<block_size = 32, quantize_axis = 1>(x, i, c)',
    ],
    ['ExpandDims', 'float[b, s] x', 'a = Constant<value = int32 {-1}>()\ny = com.microsoft.ExpandDims(x, a)'],
    [
      'Range of steps of 1',
      'float[n] x',
      'y = com.microsoft.Range(st, en)\nst = Constant<value = float {0}>()\nen = Constant<value = float {4}>()',
    ],
    ['UnfoldTensor', 'float[b, h] x', 'y = com.microsoft.UnfoldTensor<size = 4, step = 3>(x)'],
    ['Trilu', 'float[b, n, m] x', 'y = com.microsoft.Trilu(x)'],
    [
      'TreeEnsembleRegressor of one leaf, Scaler, Normalizer',
      'float[n, 3] x',
      'a = ai.onnx.ml.Scaler<scale = [1.0, 1.0, 1.0], offset = [0.0, 0.0, 0.0]>(x)\nc = ai.onnx.ml.Normalizer<norm = "L1">(a)',
    ],
    [
      'LinearClassifier',
      'float[n, 2] x',
      'l, q = ai.onnx.ml.LinearClassifier<coefficients = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], intercepts = [0.0, 0.0, 0.0], classlabels_ints = [0, 1, 2]>(x)',
    ],
    [
      'LinearRegressor',
      'float[n, 2] x',
      'y = ai.onnx.ml.LinearRegressor<coefficients = [1.0, 2.0, 3.0, 4.0], intercepts = [0.0, 0.0], targets = 2>(x)',
    ],
    [
      'ArrayFeatureExtractor',
      'float[n, 5] x, float[5] v',
      'i = Constant<value_ints = [1, 3, 4]>()\ny = ai.onnx.ml.ArrayFeatureExtractor(x, i)\nu = ai.onnx.ml.ArrayFeatureExtractor(v, i)',
    ],
    [
      'FeatureVectorizer',
      'float[n, 2] x, float[n, 3] y',
      'z = ai.onnx.ml.FeatureVectorizer<inputdimensions = [2, 3]>(x, y)',
    ],
    ['OneHotEncoder', 'int64[n, 2] x', 'y = ai.onnx.ml.OneHotEncoder<cats_int64s = [1, 2, 3]>(x)'],
  ]);
});
