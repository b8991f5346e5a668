import { describe, expect, test } from '@jest/globals';
import { infer, type InferCase, testCases } from '../support/infer.js';

const X = 'float[b, 3, w] x';

describe('Reduce*', () => {
  const cases: readonly InferCase[] = [
    ['axes as attribute', X, 'y = ReduceMean<axes = [1, -1]>(x)', { y: 'float32[b, 1, 1]' }, 13],
    ['keepdims 0', X, 'y = ReduceMax<axes = [1], keepdims = 0>(x)', { y: 'float32[b, w]' }, 13],
    [
      'no axes: all',
      X,
      'y = ReduceL2(x)\nz = ReduceL2<keepdims = 0>(x)',
      { y: 'float32[1, 1, 1]', z: 'float32[]' },
      13,
    ],
    [
      'axes as input since 18',
      X,
      'a = Constant<value_ints = [-1]>()\ny = ReduceMean(x, a)',
      { a: 'int64[1]', y: 'float32[b, 3, 1]' },
    ],
    [
      'axes as input of ReduceSum since 13',
      X,
      'a = Constant<value_ints = [0]>()\ny = ReduceSum<keepdims = 0>(x, a)',
      { a: 'int64[1]', y: 'float32[3, w]' },
      13,
    ],
    ['nothing with noop_with_empty_axes', X, 'y = ReduceSum<noop_with_empty_axes = 1>(x)', { y: 'float32[b, 3, w]' }],
    [
      'an empty list of axes means all',
      X,
      'a = Constant<value = int64[0] {}>()\ny = ReduceSum(x, a)\nz = ReduceSum<noop_with_empty_axes = 1>(x, a)',
      { a: 'int64[0]', y: 'float32[1, 1, 1]', z: 'float32[b, 3, w]' },
    ],
    [
      'unknown axes: each size may become 1',
      'float[2, 1] x, int64[1] a',
      'y = ReduceSum(x, a)',
      { y: 'float32[u0, 1]' },
    ],
    [
      'unknown axes that are dropped: their number is known',
      'float[2, 3, 4] x, int64[2] a',
      'y = ReduceSum<keepdims = 0>(x, a)',
      { y: 'float32[u0]' },
    ],
    [
      'unknown number of axes',
      'float[2, 3] x, int64[k] a',
      'y = ReduceSum<keepdims = 0>(x, a)',
      { y: 'float32 of unknown rank' },
    ],
    [
      'of integers',
      'int8[2, n] x',
      'y = com.microsoft.ReduceSumInteger<axes = [1], keepdims = 0>(x)',
      { y: 'int32[2]' },
    ],
  ];
  testCases(cases);

  test('an axis that is not there is reported', () => {
    expect(infer(X, 'y = ReduceMean<axes = [3]>(x)', 13).problems).toEqual([
      'shape/axis: axis 3 is outside of [-3, 2], the axes of a tensor of rank 3',
    ]);
  });

  test.each([
    ['ReduceProd', 'b*h*3'],
    ['ReduceSum', 'b+h+3'],
  ])('elements are followed through %s', (op, size) => {
    const nodes = `s = Shape(x)\np = ${op}<keepdims = 1>(s)\ny = ConstantOfShape(p)`;
    expect(infer('float[b, 3, h] x', nodes).types['y']).toBe(`float32[${size === 'b*h*3' ? '3*b*h' : size}]`);
  });

  test('elements are followed along one axis', () => {
    const nodes = `m = Constant<value = int64[2, 3] {1, 5, 2, 7, 0, 3}>()
      a = Constant<value_ints = [1]>()
      p = ReduceMax<keepdims = 0>(m, a)
      q = ReduceMin<keepdims = 0>(m, a)
      y = ConstantOfShape(p)
      z = ConstantOfShape(q)`;
    expect(infer('float x', nodes).types).toMatchObject({ y: 'float32[5, 7]', z: 'float32[1, 0]' });
  });
});

describe('ArgMax and the Softmax family', () => {
  const cases: readonly InferCase[] = [
    ['axis 0, kept', X, 'y = ArgMax(x)', { y: 'int64[1, 3, w]' }],
    ['dropped', X, 'y = ArgMin<axis = -1, keepdims = 0>(x)', { y: 'int64[b, 3]' }],
    [
      'Softmax',
      X,
      'y = Softmax<axis = 1>(x)\nz = LogSoftmax(y)\nh = Hardmax(z)',
      { y: 'float32[b, 3, w]', z: 'float32[b, 3, w]', h: 'float32[b, 3, w]' },
    ],
    [
      'BiasSoftmax',
      `${X}, float[3, w] c`,
      'y = com.microsoft.BiasSoftmax<axis = 1, is_inner_broadcast = 0>(x, c)',
      { y: 'float32[b, 3, w]' },
    ],
  ];
  testCases(cases);
});
