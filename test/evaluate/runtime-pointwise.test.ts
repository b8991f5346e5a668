import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { array, expectAgreement, resultOf } from '../support/evaluate.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const FLOAT_UNARY = `Abs Acosh Asinh Atan Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu Log Mish Neg
  Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu IsNaN IsInf Shrink`;

describe('elementwise operators agree with onnxruntime', () => {
  test.each(FLOAT_UNARY.split(/\s+/))('%s', async (op) => {
    const type = op.startsWith('Is') ? 'bool' : 'float';
    await expectAgreement(runtime, `(float[3, N] X) => (${type}[3, N] Y) { Y = ${op} (X) }`);
  });

  test.each(['Add', 'Sub', 'Mul', 'Div', 'Pow', 'Max', 'Min', 'PRelu', 'Sum', 'Mean'])(
    '%s under broadcasting',
    async (op) => {
      const x = op === 'Pow' ? 'a = Abs (X)' : 'a = Identity (X)';
      await expectAgreement(
        runtime,
        `(float[2, 3, N] X, float[3, 1] Z) => (float[2, 3, N] Y) { ${x} Y = ${op} (a, Z) }`,
      );
    },
  );

  test.each(['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual'])('%s of every kind', async (op) => {
    await expectAgreement(runtime, `(float[3, N] X, float[N] Z) => (bool[3, N] Y) { Y = ${op} (X, Z) }`);
    await expectAgreement(runtime, `(int64[3, N] X, int64[N] Z) => (bool[3, N] Y) { Y = ${op} (X, Z) }`);
    await expectAgreement(runtime, `(int32[3, N] X, int32[N] Z) => (bool[3, N] Y) { Y = ${op} (X, Z) }`);
  });

  const extremes = (dtype: 'int32' | 'int64') => ({
    X: array(dtype, [8], [2 ** 31 - 1, -(2 ** 31), 123_456_789, -7, 5, -5, 1, 0]),
    Z: array(dtype, [8], [3, 7, 987_654, 2, -3, 3, 1, 9]),
  });

  test.each(['Add', 'Sub', 'Mul', 'Div', 'Mod', 'Max', 'Min', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor'])(
    '%s of integers',
    async (op) => {
      const body = (type: string): string => `(${type}[8] X, ${type}[8] Z) => (${type}[8] Y) { Y = ${op} (X, Z) }`;
      await expectAgreement(runtime, body('int32'), { feeds: extremes('int32') });
      await expectAgreement(runtime, body('int64'), { feeds: extremes('int64') });
    },
  );

  test.each(['And', 'Or', 'Xor'])('%s', async (op) => {
    await expectAgreement(runtime, `(bool[3, N] X, bool[N] Z) => (bool[3, N] Y) { Y = ${op} (X, Z) }`);
  });

  test('Where, Clip, Not, Cast', async () => {
    await expectAgreement(
      runtime,
      `(bool[3, N] C, float[N] X, float[3, 1] Z) => (float[3, N] Y, bool[3, N] B, int32[3, N] I)
       <float low = {-0.5}, float high = {0.25}>
       { w = Where (C, X, Z)  Y = Clip (w, low, high)  B = Not (C)  s = Mul (w, w)  I = Cast <to = 6> (s) }`,
    );
  });

  test.each([
    ['Softmax', 13, -1],
    ['Softmax', 11, 1],
    ['LogSoftmax', 13, 1],
    ['LogSoftmax', 11, 1],
    ['Hardmax', 13, 0],
  ])('%s-%d over axis %d', async (op, opset, axis) => {
    await expectAgreement(runtime, `(float[2, 3, 5] X) => (float[2, 3, 5] Y) { Y = ${op} <axis = ${axis}> (X) }`, {
      opset,
    });
  });
});

describe('by definition', () => {
  const of = (op: string, dtype: 'float32' | 'int32', values: readonly number[], attributes = ''): number[] => {
    const type = dtype === 'float32' ? 'float' : dtype;
    const body = `(${type}[${values.length}] X) => (${type}[${values.length}] Y) { Y = ${op} ${attributes} (X) }`;
    return resultOf(body, { X: array(dtype, [values.length], values) })[1];
  };

  test('Round takes ties to the even neighbour and keeps the sign of zero', () => {
    expect(of('Round', 'float32', [0.5, 1.5, 2.5, -0.5, -1.5, -2.5])).toEqual([0, 2, 2, -0, -2, -2]);
  });

  test('Erf has the values of its table', () => {
    // NIST Handbook of Mathematical Functions, table 7.1 and 7.3.
    const [half, one, two, three] = of('Erf', 'float32', [0.5, 1, 2, 3]);
    expect([half, one, two, three]).toEqual([0.5204998778, 0.8427007929, 0.995322265, 0.9999779095].map(Math.fround));
  });

  test('Gelu keeps its left tail, tanh differs from it in the fourth place', () => {
    const [exact] = of('Gelu', 'float32', [-10]);
    expect(exact! / -7.619853e-23).toBeCloseTo(1, 5); // -10 Φ(-10), Φ(-10) = 7.619853e-24
    const [tanh] = of('Gelu', 'float32', [1], '<approximate = "tanh">');
    expect(tanh).toBeCloseTo(0.841192, 6); // 0.5 (1 + tanh(0.797885 · 1.044715))
  });

  test('NaN goes through Max, Relu and Clip', () => {
    expect(of('Relu', 'float32', [NaN, -1])).toEqual([NaN, 0]);
    const body = '(float[1] X, float[1] Z) => (float[1] Y) { Y = Max (Z, X) }';
    expect(resultOf(body, { X: array('float32', [1], [NaN]), Z: array('float32', [1], [1]) })[1]).toEqual([NaN]);
  });

  test('before opset 7 the second operand is laid along an axis', () => {
    const body = '(float[2, 2] X, float[2] Z) => (float[2, 2] Y) { Y = Add <axis = 0, broadcast = 1> (X, Z) }';
    const feeds = { X: array('float32', [2, 2], [1, 2, 3, 4]), Z: array('float32', [2], [10, 20]) };
    expect(resultOf(body, feeds, 6)).toEqual([
      [2, 2],
      [11, 12, 23, 24],
    ]);
  });
});
