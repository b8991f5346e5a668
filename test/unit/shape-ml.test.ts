import { describe } from '@jest/globals';
import { type InferCase, testCases } from '../support/infer.js';

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
      'double[n, 4] x, int64[2] i, double[n, 2] k, string[n, 1] t',
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
