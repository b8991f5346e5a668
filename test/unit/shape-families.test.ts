import { describe, expect, test } from '@jest/globals';
import { operatorNames } from '../../src/schema/schema.js';
import { findInfer, findInferBodies } from '../../src/shape/registry.js';
import { infer, type InferCase, testCases } from '../support/infer.js';

test.each(['', 'ai.onnx.ml', 'ai.onnx.preview', 'ai.onnx.preview.training'])(
  'every operator of domain "%s" has an inference',
  (domain) => {
    const key = (name: string): string => (domain === '' ? name : `${domain}.${name}`);
    const missing = operatorNames(domain).filter((name) => !findInfer(key(name)) && !findInferBodies(key(name)));
    expect(missing).toEqual([]);
  },
);

describe('signals', () => {
  const cases: readonly InferCase[] = [
    ['DFT 17: axis 1, complex pairs', 'float[b, n, 1] x', 'y = DFT(x)', { y: 'float32[b, n, 2]' }, 17],
    [
      'onesided keeps floor(n / 2) + 1',
      'float[b, n, 1] x',
      'y = DFT<onesided = 1>(x)',
      { y: 'float32[b, floor(n/2)+1, 2]' },
      17,
    ],
    [
      'dft_length pads or cuts',
      'float[b, n, 2] x',
      'l = Constant<value_int = 16>()\ny = DFT(x, l)',
      { l: 'int64[]', y: 'float32[b, 16, 2]' },
      17,
    ],
    [
      'DFT 20: axis as input, -2 by default',
      'float[b, m, n, 1] x',
      'a = Constant<value_int = 1>()\ny = DFT(x, "", a)\nz = DFT<onesided = 1>(x)',
      { a: 'int64[]', y: 'float32[b, m, n, 2]', z: 'float32[b, m, floor(n/2)+1, 2]' },
      20,
    ],
    ['an unknown axis', 'float[b, n, 1] x, int64 a', 'y = DFT(x, "", a)', { y: 'float32[u0, u1, 2]' }, 20],
    [
      'inverse of onesided bins is real',
      'float[b, 6, 2] x',
      'y = DFT<inverse = 1, onesided = 1>(x)',
      { y: 'float32[b, 10, 1]' },
      20,
    ],
    [
      'STFT: frames of a window that moves by a step',
      'float[b, 100, 1] x, float[16] w',
      's = Constant<value_int = 8>()\ny = STFT(x, s, w)',
      { s: 'int64[]', y: 'float32[b, 11, 9, 2]' },
    ],
    [
      'STFT of a given frame length',
      'float[b, n, 1] x',
      's = Constant<value_int = 10>()\nl = Constant<value_int = 20>()\ny = STFT<onesided = 0>(x, s, "", l)',
      { s: 'int64[]', l: 'int64[]', y: 'float32[b, floor(n/10)-1, 20, 2]' },
    ],
    [
      'windows',
      'float x',
      'n = Constant<value_int = 10>()\ny = HannWindow<output_datatype = 11>(n)\nz = HammingWindow(n)',
      { n: 'int64[]', y: 'float64[10]', z: 'float32[10]' },
    ],
    [
      'MelWeightMatrix',
      'int64 r, float f',
      'm = Constant<value_int = 8>()\nl = Constant<value_int = 16>()\ny = MelWeightMatrix(m, l, r, f, f)',
      { m: 'int64[]', l: 'int64[]', y: 'float32[9, 8]' },
    ],
    [
      'Rfft and back',
      'float[b, 12] x',
      'y = com.microsoft.Rfft<signal_ndim = 1>(x)\nz = com.microsoft.Irfft<signal_ndim = 1>(y)',
      { y: 'float32[b, 7, 2]', z: 'float32[b, 12]' },
    ],
  ];
  testCases(cases);
});

describe('quantization', () => {
  const Q = 'uint8[n, 4] x, float s, uint8 z, uint8[4] v';
  const cases: readonly InferCase[] = [
    [
      'the type of the zero point',
      'float[n, 4] x, float s, int8 z',
      'y = QuantizeLinear(x, s, z)',
      { y: 'int8[n, 4]' },
    ],
    ['uint8 without one', 'float[n, 4] x, float s', 'y = QuantizeLinear(x, s)', { y: 'uint8[n, 4]' }],
    ['output_dtype', 'float[n, 4] x, float s', 'y = QuantizeLinear<output_dtype = 22>(x, s)', { y: 'int4[n, 4]' }, 21],
    ['back to the type of the scale', 'uint8[n, 4] x, float16 s', 'y = DequantizeLinear(x, s)', { y: 'float16[n, 4]' }],
    [
      'DynamicQuantizeLinear',
      'float[n, 4] x',
      'y, s, z = DynamicQuantizeLinear(x)',
      { y: 'uint8[n, 4]', s: 'float32[]', z: 'uint8[]' },
    ],
    [
      'sums and products broadcast',
      Q,
      'y = com.microsoft.QLinearAdd(x, s, z, v, s, z, s, z)\nw = com.microsoft.QLinearMul(v, s, z, x, s, z, s, z)',
      { y: 'uint8[n, 4]', w: 'uint8[n, 4]' },
    ],
    [
      'QLinearConcat',
      `${Q}, uint8[m, 4] o`,
      'y = com.microsoft.QLinearConcat<axis = 0>(s, z, x, s, z, o, s, z)',
      { y: 'uint8[m+n, 4]' },
    ],
    [
      'as the input',
      Q,
      'y = com.microsoft.QLinearSigmoid(x, s, z, s, z)\nw = com.microsoft.QLinearLeakyRelu(x, s, z, s, z)',
      { y: 'uint8[n, 4]', w: 'uint8[n, 4]' },
    ],
    [
      'GatherBlockQuantized unpacks two elements a byte',
      'uint8[100, 16] x, int64[b, s] i, float[100, 1] c',
      'y = com.microsoft.GatherBlockQuantized<block_size = 32, quantize_axis = 1>(x, i, c)',
      { y: 'float32[b, s, 32]' },
    ],
  ];
  testCases(cases);

  test('parts of QLinearConcat that differ elsewhere are reported', () => {
    const nodes = 'y = com.microsoft.QLinearConcat<axis = 0>(s, z, x, s, z, o, s, z)';
    expect(infer(`${Q}, uint8[m, 5] o`, nodes).problems).toEqual(['shape/mismatch: sizes of axis 1: 4 against 5']);
  });
});

describe('random numbers', () => {
  const cases: readonly InferCase[] = [
    ['RandomNormal', 'float x', 'y = RandomNormal<shape = [2, 3], dtype = 11>()', { y: 'float64[2, 3]' }],
    [
      'RandomUniformLike',
      'float16[n, 3] x',
      'y = RandomUniformLike(x)\nz = RandomNormalLike<dtype = 1>(x)',
      { y: 'float16[n, 3]', z: 'float32[n, 3]' },
    ],
    [
      'Bernoulli',
      'float[n, 3] x',
      'y = Bernoulli(x)\nz = Bernoulli<dtype = 9>(x)',
      { y: 'float32[n, 3]', z: 'bool[n, 3]' },
    ],
    [
      'Multinomial',
      'float[n, 3] x',
      'y = Multinomial<sample_size = 5>(x)\nz = Multinomial<dtype = 7>(x)',
      { y: 'int32[n, 5]', z: 'int64[n, 1]' },
    ],
  ];
  testCases(cases);
});

describe('sequences and optionals', () => {
  const cases: readonly InferCase[] = [
    [
      'elements that agree keep their shape',
      'float[n, 3] x, float[n, 3] z, int64 i',
      's = SequenceConstruct(x, z)\ny = SequenceAt(s, i)\nl = SequenceLength(s)',
      { s: 'sequence of float32[n, 3]', y: 'float32[n, 3]', l: 'int64[]' },
    ],
    [
      'sizes that differ are unknown, and each element has its own',
      'float[n, 3] x, float[m, 3] z, int64 i',
      's = SequenceConstruct(x, z)\na = SequenceAt(s, i)\nb = SequenceAt(s, i)',
      { s: 'sequence of float32[?, 3]', a: 'float32[u0, 3]', b: 'float32[u1, 3]' },
    ],
    [
      'inserted into an empty sequence',
      'float[n, 3] x, float[n, 3] z, int64 i',
      `e = SequenceEmpty()
       s = SequenceInsert(e, x)
       t = SequenceInsert(s, z, i)
       u = SequenceErase(t)`,
      {
        e: 'sequence of float32 of unknown rank',
        s: 'sequence of float32[n, 3]',
        t: 'sequence of float32[n, 3]',
        u: 'sequence of float32[n, 3]',
      },
    ],
    [
      'SplitToSequence into ones',
      'float[n, 3] x',
      's = SplitToSequence(x)\nt = SplitToSequence<axis = 1, keepdims = 0>(x)',
      { s: 'sequence of float32[1, 3]', t: 'sequence of float32[n]' },
    ],
    [
      'into equal pieces, and with a rest',
      'float[6, 3] x',
      'k = Constant<value_int = 2>()\nl = Constant<value_int = 4>()\ns = SplitToSequence(x, k)\nt = SplitToSequence(x, l)',
      { k: 'int64[]', l: 'int64[]', s: 'sequence of float32[2, 3]', t: 'sequence of float32[?, 3]' },
    ],
    [
      'into given pieces',
      'float[6, 3] x',
      'k = Constant<value_ints = [3, 3]>()\nl = Constant<value_ints = [2, 4]>()\ns = SplitToSequence(x, k)\nt = SplitToSequence(x, l)',
      { k: 'int64[2]', l: 'int64[2]', s: 'sequence of float32[3, 3]', t: 'sequence of float32[?, 3]' },
    ],
    [
      'joined and stacked',
      'float[n, 3] x, float[n, 3] z',
      's = SequenceConstruct(x, z)\ny = ConcatFromSequence<axis = -1>(s)\nw = ConcatFromSequence<axis = 1, new_axis = 1>(s)',
      { s: 'sequence of float32[n, 3]', y: 'float32[n, u0]', w: 'float32[n, u1, 3]' },
    ],
    [
      'optionals',
      'float[n, 3] x',
      'o = Optional(x)\ny = OptionalGetElement(o)\nz = OptionalGetElement(x)\nh = OptionalHasElement(o)',
      { o: 'optional of float32[n, 3]', y: 'float32[n, 3]', z: 'float32[n, 3]', h: 'bool[]' },
    ],
  ];
  testCases(cases);

  test('an element that is added in a loop says nothing of those of other rounds', () => {
    const nodes = `e = SequenceConstruct(z)
      s = Loop<body = g (int64 i, bool c, seq(float[]) q) => (bool c2, seq(float[]) r) {
        c2 = Identity(c)
        t = NonZero(x)
        f = Cast<to = 1>(t)
        r = SequenceInsert(q, f)
      }>(n, "", e)
      a = SequenceAt(s, n)
      b = SequenceAt(s, n)`;
    const { types } = infer('float[h] x, float[1, k] z, int64 n', nodes);
    expect(types['a']).toMatch(/^float32\[1, u\d+\]$/);
    expect(types['b']).toMatch(/^float32\[1, u\d+\]$/);
    expect(types['a']).not.toBe(types['b']);
  });
});

describe('text, machine learning, detection, training', () => {
  const T = 'string[n] x';
  const cases: readonly InferCase[] = [
    ['StringConcat broadcasts', `${T}, string[m, 1] z`, 'y = StringConcat(x, z)', { y: 'string[m, n]' }],
    ['StringSplit', T, 'y, z = StringSplit(x)', { y: 'string[n, u0]', z: 'int64[n]' }],
    ['RegexFullMatch', T, 'y = RegexFullMatch<pattern = "a.*">(x)', { y: 'bool[n]' }],
    [
      'StringNormalizer drops stopwords',
      T,
      'y = StringNormalizer(x)\nz = StringNormalizer<stopwords = ["a"]>(x)',
      { y: 'string[n]', z: 'string[u0]' },
    ],
    [
      'TfIdfVectorizer',
      'int64[b, n] x',
      'y = TfIdfVectorizer<mode = "TF", ngram_indexes = [0, 2, 1, 5], min_gram_length = 1, max_gram_length = 1, max_skip_count = 0, ngram_counts = [0], pool_int64s = [1, 2, 3, 4]>(x)',
      { y: 'float32[b, 6]' },
    ],
    ['NonMaxSuppression', 'float[b, s, 4] x, float[b, c, s] z', 'y = NonMaxSuppression(x, z)', { y: 'int64[u0, 3]' }],
    [
      'classifiers: labels and scores',
      'float[n, 4] x',
      `l, s = ai.onnx.ml.LinearClassifier<coefficients = [1.0], classlabels_strings = ["a", "b", "c"]>(x)
       k, t = ai.onnx.ml.SVMClassifier<classlabels_ints = [0, 1]>(x)
       m = ai.onnx.ml.ZipMap<classlabels_strings = ["a", "b", "c"]>(s)`,
      { l: 'string[n]', s: 'float32[n, 3]', k: 'int64[n]', t: 'float32[n, 2]', m: 'sequence of map' },
    ],
    [
      'regressors',
      'float[n, 4] x, float[4] v',
      'y = ai.onnx.ml.LinearRegressor<targets = 3, coefficients = [1.0]>(x)\nz = ai.onnx.ml.SVMRegressor<coefficients = [1.0]>(x)\nw = ai.onnx.ml.LinearRegressor<coefficients = [1.0]>(v)',
      { y: 'float32[n, 3]', z: 'float32[n, 1]', w: 'float32[1, 1]' },
    ],
    [
      'features',
      'double[n, 4] x, int64[2] i, int64[n, 2] k, string[n, 1] t',
      `a = ai.onnx.ml.Scaler<scale = [1.0], offset = [0.0]>(x)
       b = ai.onnx.ml.ArrayFeatureExtractor(x, i)
       c = ai.onnx.ml.FeatureVectorizer<inputdimensions = [4, 2]>(x, k)
       d = ai.onnx.ml.OneHotEncoder<cats_strings = ["u", "v"]>(t)
       e = ai.onnx.ml.LabelEncoder<keys_strings = ["u"], values_int64s = [1]>(t)
       f = ai.onnx.ml.Normalizer<norm = "L2">(x)
       h = ai.onnx.ml.Imputer<imputed_value_floats = [0.0]>(x)`,
      {
        a: 'float32[n, 4]',
        b: 'float64[n, 2]',
        c: 'float32[n, 6]',
        d: 'float32[n, 1, 2]',
        e: 'int64[n, 1]',
        f: 'float32[n, 4]',
        h: 'float64[n, 4]',
      },
    ],
    [
      'losses',
      'float[n, c, d] x, int64[n, d] t',
      `a = NegativeLogLikelihoodLoss(x, t)
       b = NegativeLogLikelihoodLoss<reduction = "none">(x, t)
       e, p = SoftmaxCrossEntropyLoss<reduction = "none">(x, t)`,
      { a: 'float32[]', b: 'float32[n, d]', e: 'float32[n, d]', p: 'float32[n, c, d]' },
    ],
    [
      'optimizers: new values, then new states',
      'float r, int64 t, float[n] x, float[m, 2] y, float[n] gx, float[m, 2] gy, float[n] vx, float[m, 2] vy',
      'a, b, c, d = ai.onnx.preview.training.Momentum<alpha = 0.9, beta = 0.1, mode = "standard", norm_coefficient = 0.0>(r, t, x, y, gx, gy, vx, vy)',
      { a: 'float32[n]', b: 'float32[m, 2]', c: 'float32[n]', d: 'float32[m, 2]' },
    ],
    [
      'gradients are shaped as what they are by',
      'float[n] x, double[m, 2] z',
      'a, b = ai.onnx.preview.training.Gradient<xs = ["x", "z"], y = "q">(x, z)',
      { a: 'float32[n]', b: 'float64[m, 2]' },
    ],
  ];
  testCases(cases);
});

describe('other operators of onnxruntime', () => {
  const cases: readonly InferCase[] = [
    [
      'halves',
      'float[b, s, 64] x, float[64] c',
      'y = com.microsoft.BiasSplitGelu(x, c)\nz = com.microsoft.SwiGLU(x)',
      { y: 'float32[b, s, 32]', z: 'float32[b, s, 32]' },
    ],
    [
      'ExpandDims',
      'float[b, s] x',
      'a = Constant<value = int32 {-1}>()\ny = com.microsoft.ExpandDims(x, a)',
      { a: 'int32[]', y: 'float32[b, s, 1]' },
    ],
    [
      'UnfoldTensor',
      'float[b, 10] x',
      'y = com.microsoft.UnfoldTensor<size = 4, step = 3>(x)',
      { y: 'float32[b, 3, 4]' },
    ],
    [
      'MoE',
      'float[b, s, 8] x, float[t, 4] r, float[4, 8, 16] w, float[4, 16, 8] v',
      'y = com.microsoft.MoE(x, r, w, "", v)',
      { y: 'float32[b, s, 8]' },
    ],
    [
      'BeamSearch',
      'int32[b, s] x',
      `l = Constant<value = int32[1] {20}>()
       n = Constant<value = int32[1] {4}>()
       r = Constant<value = int32[1] {2}>()
       y = com.microsoft.BeamSearch<eos_token_id = 1, pad_token_id = 0>(x, l, "", n, r)`,
      { l: 'int32[1]', n: 'int32[1]', r: 'int32[1]', y: 'int32[b, 2, 20]' },
    ],
    [
      'blocked layouts',
      'float[n, 3, h, w] x',
      'y = com.microsoft.nchwc.ReorderInput(x)\nz = com.microsoft.nchwc.ReorderOutput<channels = 3>(y)',
      { y: 'float32[n, u0, h, w]', z: 'float32[n, 3, h, w]' },
    ],
  ];
  testCases(cases);
});
