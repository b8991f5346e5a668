import { describe, expect, test } from '@jest/globals';
import { operatorNames } from '../../src/schema/schema.js';
import { findInfer, findInferBodies } from '../../src/shape/registry.js';
import { importModel } from '../../src/onnx/import.js';
import { create } from '../../src/proto/create.js';
import { showType } from '../../src/shape/fact.js';
import { inferTypes } from '../../src/shape/types.js';
import { infer, type InferCase, modelOf, testCases } from '../support/infer.js';

test.each(['', 'ai.onnx.ml', 'ai.onnx.preview', 'ai.onnx.preview.training'])(
  'every operator of domain "%s" has an inference',
  (domain) => {
    const key = (name: string): string => (domain === '' ? name : `${domain}.${name}`);
    const missing = operatorNames(domain).filter((name) => !findInfer(key(name)) && !findInferBodies(key(name)));
    expect(missing).toEqual([]);
  },
);

test('a sparse initializer has the type of the dense tensor that it stands for', () => {
  const proto = modelOf('float[b, 2] x', 'y = MatMul(x, w)');
  const values = create('TensorProto', { name: 'w', dataType: 1, dims: [1n], floatData: Float32Array.of(2) });
  const indices = create('TensorProto', { dataType: 7, dims: [1n], int64Data: BigInt64Array.of(4n) });
  const sparseInitializer = [create('SparseTensorProto', { values, indices, dims: [2n, 3n] })];
  const types = inferTypes(importModel({ ...proto, graph: { ...proto.graph!, sparseInitializer } }));
  const [node] = types.model.graph.topo();
  expect(showType(types.of(node!.outputs[0]!))).toBe('float32[b, 3]');
});

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
