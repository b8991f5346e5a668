import { describe, expect, test } from '@jest/globals';
import { evaluateModel, uncoveredOperators } from '../../src/evaluate/evaluate.js';
import { createFloat64Runtime } from '../../src/numerics/float64.js';
import { RuntimeRefusal } from '../../src/numerics/runtime.js';
import { Graph } from '../../src/ir/graph.js';
import { Model } from '../../src/ir/model.js';
import { tensorType } from '../../src/ir/type.js';
import { create } from '../../src/proto/create.js';
import { array, evaluated, outputsOf, resultOf } from '../support/evaluate.js';
import { bytesOf, graphOf, modelOf } from '../support/model.js';

describe('answers instead of exceptions', () => {
  test('an operator that is not covered is named', () => {
    const body = '(float[2] X) => (float[2] Y) { Y = com.microsoft.NoSuchThing (X) }';
    const feeds = { X: array('float32', [2], [1, 2]) };
    expect(evaluated(body, feeds)).toEqual({
      kind: 'unsupported',
      op: 'com.microsoft.NoSuchThing',
      why: 'the operator is not evaluated',
    });
    expect(uncoveredOperators(graphOf(body))).toEqual(['com.microsoft.NoSuchThing']);
  });

  test('so is a use of one that is not', () => {
    const body = '(complex64[1] X) => (complex64[1] Y) { Y = Neg (X) }';
    const { kind } = evaluated(body, { X: { dtype: 'complex64', shape: [1], data: Float32Array.of(1, 2) } });
    expect(kind).toBe('unsupported');
  });

  test('shapes that do not fit are invalid, at the operator', () => {
    const feeds = { A: array('float32', [2, 3], [0, 0, 0, 0, 0, 0]), B: array('float32', [2, 3], [0, 0, 0, 0, 0, 0]) };
    expect(evaluated('(float[2, 3] A, float[2, 3] B) => (float[2, 2] Y) { Y = MatMul (A, B) }', feeds)).toMatchObject({
      kind: 'invalid',
      op: 'MatMul',
    });
  });

  test('an input that is not given is invalid', () => {
    expect(evaluated('(float[2] X) => (float[2] Y) { Y = Abs (X) }')).toMatchObject({ kind: 'invalid', op: 'Abs' });
  });

  test('an integer divided by zero is invalid, a float is infinite', () => {
    const body = (type: string): string => `(${type}[1] X, ${type}[1] Z) => (${type}[1] Y) { Y = Div (X, Z) }`;
    const feeds = (dtype: 'int32' | 'float32') => ({ X: array(dtype, [1], [1]), Z: array(dtype, [1], [0]) });
    expect(evaluated(body('int32'), feeds('int32')).kind).toBe('invalid');
    expect(resultOf(body('float'), feeds('float32'))).toEqual([[1], [Infinity]]);
  });

  test('more work than allowed is not begun', () => {
    const model = graphOf('() => (float[N] Y) <int64[1] n = {9000000000000}> { Y = ConstantOfShape (n) }');
    expect(evaluateModel(model, {}, { limit: 1000 })).toEqual({ kind: 'too-large', limit: 1000 });
  });

  test('a loop without end is ended', () => {
    const body = `(float[1] X) => (float[1] Y) {
      Y = Loop ( , , X) <body = b (int64 i, bool c, float[1] x) => (bool go, float[1] y) { go = Identity (c) y = Neg (x) }> }`;
    expect(evaluated(body, { X: array('float32', [1], [1]) }).kind).toBe('too-large');
  });

  test.each([
    ['Gemm (X, Z)', 'operands of types float32 and int64'],
    ['Reshape (X, X)', 'shape is float32'],
  ])('types that the operator does not take: %s', (expression, why) => {
    const feeds = { X: array('float32', [1, 1], [1]), Z: array('int64', [1, 1], [1]) };
    const body = `(float[1, 1] X, int64[1, 1] Z) => (float[1, 1] Y) { Y = ${expression} }`;
    expect(evaluated(body, feeds)).toMatchObject({ kind: 'invalid', why });
  });

  test('operands that an equation has no terms for', () => {
    const body = '(float[1] X) => (float Y) { Y = Einsum <equation = "i,i"> (X) }';
    expect(evaluated(body, { X: array('float32', [1], [1]) })).toMatchObject({ kind: 'invalid', op: 'Einsum' });
  });

  test('behind the port of runtimes they are refusals', async () => {
    const runtime = createFloat64Runtime();
    const model = graphOf('(float[2] X) => (float[2] Y) { Y = com.microsoft.NoSuchThing (X) }');
    await expect(runtime.open(bytesOf(model), { optimization: 'disabled' })).rejects.toThrow(RuntimeRefusal);
    await expect(runtime.open({ path: 'model.onnx' }, { optimization: 'disabled' })).rejects.toThrow(RuntimeRefusal);
    const session = await runtime.open(bytesOf(graphOf('(float[2] X) => (float[2] Y) { Y = Abs (X) }')), {
      optimization: 'disabled',
    });
    await expect(session.run({})).rejects.toThrow('Abs: input 0 is missing');
    const { Y } = await session.run({ X: array('float32', [2], [-1, 2]) });
    expect(Y).toEqual(array('float32', [2], [1, 2]));
  });
});

describe('precision', () => {
  test('sums are not rounded on the way: 2^24 + 1 - 2^24 in float32', () => {
    const body = '(float[1] X, float[1] Z) => (float[1] Y) { s = Add (X, Z)  Y = Sub (s, X) }';
    const feeds = { X: array('float32', [1], [2 ** 24]), Z: array('float32', [1], [1]) };
    expect(resultOf(body, feeds)).toEqual([[1], [1]]);
    const rounded = evaluateModel(graphOf(body), feeds, { limit: 100, round: true });
    expect(rounded).toMatchObject({ outputs: { Y: { data: Float64Array.of(0) } } });
  });

  test('Cast to a narrower type rounds: removing it would change the model', () => {
    const body = '(float[1] X) => (float[1] Y) { h = Cast <to = 10> (X)  Y = Cast <to = 1> (h) }';
    const third = Math.fround(1 / 3);
    const [, [value]] = resultOf(body, { X: array('float32', [1], [third]) });
    expect(value).toBe(0.333251953125); // 1/3 with the 11 bits of float16
  });

  test.each([
    ['int32', 2 ** 31 - 1, 2, -2],
    ['int8', 127, 2, -2],
    ['uint8', 200, 2, 144],
    ['int32', 65_537, 65_537, 131_073],
  ] as const)('%s wraps around: %d * %d', (dtype, x, z, expected) => {
    const type = dtype;
    const body = `(${type}[1] X, ${type}[1] Z) => (${type}[1] Y) { Y = Mul (X, Z) }`;
    expect(resultOf(body, { X: array(dtype, [1], [x]), Z: array(dtype, [1], [z]) })).toEqual([[1], [expected]]);
  });

  test('int64 is exact at its ends', () => {
    const body = '(int64[2] X) => (int64[2] Y) <int64[1] one = {1}> { Y = Add (X, one) }';
    const X = { dtype: 'int64', shape: [2], data: BigInt64Array.of(2n ** 53n, 2n ** 63n - 1n) } as const;
    expect(outputsOf(body, { X }).Y!.data).toEqual(BigInt64Array.of(2n ** 53n + 1n, -(2n ** 63n)));
  });
});

describe('control flow and functions', () => {
  test('a branch sees what is around it', () => {
    const body = `(bool C, float[1] X) => (float[1] Y) {
      Y = If (C) <then_branch = t () => (float[1] a) { a = Neg (X) }, else_branch = e () => (float[1] b) { b = Abs (X) }> }`;
    const X = array('float32', [1], [-3]);
    const C = (value: number) => array('bool', [], [value]);
    expect(resultOf(body, { C: C(1), X })[1]).toEqual([3]);
    expect(resultOf(body, { C: C(0), X })[1]).toEqual([3]);
    expect(resultOf(body, { C: C(1), X: array('float32', [1], [3]) })[1]).toEqual([-3]);
  });

  test('a loop carries and collects, and ends by its condition', () => {
    const body = `(int64 N) => (int64 last, int64[K] all) <bool yes = {1}, int64 zero = {0}, int64 five = {5}> {
      last, all = Loop (N, yes, zero) <body = b (int64 i, bool c, int64 sum) => (bool go, int64 next, int64 out) {
        next = Add (sum, i)  go = Less (next, five)  out = Identity (next) }> }`;
    const { last, all } = outputsOf(body, { N: array('int64', [], [10]) });
    expect(last!.data).toEqual(BigInt64Array.of(6n)); // 0, 1, 3, 6: the condition fails after the fourth
    expect([all!.shape, all!.data]).toEqual([[4], BigInt64Array.of(0n, 1n, 3n, 6n)]);
  });

  test('a loop whose body declares its counter as a list of one', () => {
    const body = `(int64 N) => (int64[K] Y) <bool yes = {1}, int64 zero = {0}, int64[1] axis = {0}> {
      last, Y = Loop (N, yes, zero) <body = b (int64[1] i, bool c, int64 sum) => (bool go, int64 next, int64 out) {
        go = Identity (c)  index = Squeeze (i, axis)  next = Add (sum, index)  out = Identity (next) }> }`;
    expect(resultOf(body, { N: array('int64', [], [4]) })).toEqual([[4], [0, 1, 3, 6]]);
  });

  test('a scan runs backward and gives its results backward', () => {
    const body = `(float[3] X) => (float[] last, float[3] Y) <float zero = {0}> {
      last, Y = Scan <num_scan_inputs = 1, scan_input_directions = [1], scan_output_directions = [1],
        body = b (float sum, float x) => (float next, float out) { next = Add (sum, x)  out = Identity (next) }> (zero, X) }`;
    const { last, Y } = outputsOf(body, { X: array('float32', [3], [1, 2, 4]) });
    expect([...(last!.data as Float32Array)]).toEqual([7]);
    expect([...(Y!.data as Float32Array)]).toEqual([7, 6, 4]);
  });

  test('a function takes attributes by reference, or their defaults', () => {
    const model = modelOf(`<ir_version: 9, opset_import: ["": 20, "f": 1]>
      g (float[2] X) => (float[2] A, float[2] B) { A = f.leak <slope = 0.5> (X)  B = f.leak (X) }
      <opset_import: ["": 20], domain: "f"> leak <slope: float = 0.25> (x) => (y) { y = LeakyRelu <alpha: float = @slope> (x) }`);
    const result = evaluateModel(model, { X: array('float32', [2], [-4, 4]) }, { limit: 100 });
    expect(result).toMatchObject({
      outputs: { A: { data: Float64Array.of(-2, 4) }, B: { data: Float64Array.of(-1, 4) } },
    });
  });

  test('nesting costs no stack: 1,000 branches in one another', () => {
    const model = new Model(create('ModelProto', {}), { irVersion: 9, opsets: new Map([['', 20]]) });
    const X = model.graph.addInput({ name: 'X', type: tensorType('float32', [1]) });
    const C = model.graph.addInput({ name: 'C', type: tensorType('bool', []) });
    let graph = model.graph;
    for (let depth = 0; depth < 1000; depth++) {
      const [taken, other] = [new Graph(model, { kind: 'body' }), new Graph(model, { kind: 'body' })];
      other.addOutput({ name: 'y', value: other.addNode({ opType: 'Abs', inputs: [X] }).outputs[0]! });
      const attrs = new Map([
        ['then_branch', { type: 'GRAPH', value: taken } as const],
        ['else_branch', { type: 'GRAPH', value: other } as const],
      ]);
      graph.addOutput({ name: 'y', value: graph.addNode({ opType: 'If', inputs: [C], attrs }).outputs[0]! });
      graph = taken;
    }
    graph.addOutput({ name: 'y', value: graph.addNode({ opType: 'Neg', inputs: [X] }).outputs[0]! });
    const feeds = { X: array('float32', [1], [2]), C: array('bool', [], [1]) };
    expect(evaluateModel(model, feeds, { limit: 2 ** 20 })).toMatchObject({
      outputs: { y: { data: Float64Array.of(-2) } },
    });
  });
});
