import { describe, expect, test } from '@jest/globals';
import type { Shape } from '../../src/ir/type.js';
import type { Types } from '../../src/shape/types.js';
import { HEAD, shown, typesOf } from '../support/types.js';

const codes = (types: Types): readonly string[] => types.diagnostics.map((each) => each.code);

describe('contradictions', () => {
  test.each([
    ['shape/broadcast', 'float[3] x, float[4] y', 'z = Add (x, y)', '[3] and [4]'],
    ['shape/reshape', 'float[2,3] x', 't = Constant <value_ints = [4, 2]> ()  z = Reshape (x, t)', '[2, 3] to [4, 2]'],
    ['shape/reshape', 'float[n,3] x', 't = Constant <value_ints = [0, 4]> ()  z = Reshape (x, t)', '[n, 3] to [0, 4]'],
    ['shape/axis', 'float[2,3] x', 'z = Concat <axis = 2> (x, x)', 'axis 2 is outside of [-2, 1]'],
    ['shape/mismatch', 'float[2,3] x, float[2,4] y', 'z = Concat <axis = 0> (x, y)', '3 against 4'],
    ['shape/mismatch', 'float[2,3] x', 't = Constant <value_ints = [0]> ()  z = Squeeze (x, t)', '2 against 1'],
    ['shape/negative', 'float[2] x', 't = Constant <value_ints = [-2, -1]> ()  z = Pad (x, t)', '-1'],
    ['shape/negative', '', 't = Constant <value_ints = [2, -1]> ()  z = ConstantOfShape (t)', '[2, -1]'],
    ['shape/reshape', 'float[2,3] x', 't = Constant <value_ints = [-1, -1]> ()  z = Reshape (x, t)', 'more than one'],
    ['shape/rank', 'float x, float[3] y', 'z = MatMul (x, y)', 'rank 0'],
    ['shape/rank', 'float[2,3] x, float[4,3] w', 'z = Conv (x, w)', 'at least 3'],
    ['shape/axis', 'float[2,3] x', 'z = Softmax <axis = 2> (x)', 'axis 2'],
    ['shape/dtype', 'float[3] x, int64[3] y', 'z = Add (x, y)', 'A float32 against B int64'],
    ['shape/index', 'float[2,3] x', 't = Constant <value_ints = [2]> ()  z = Gather (x, t)', 'index 2'],
    ['shape/count', 'float[2,3] x', 't = Constant <value_ints = [1, 1, 1]> ()  z = Tile (x, t)', 'expected 2'],
    ['shape/count', 'float[2,3,4] x', 'z = MaxPool <kernel_shape = [2, 2]> (x)', 'expected 1'],
    ['shape/attribute', 'float[2,3] x', 'z = Transpose <perm = [0, 0]> (x)', 'twice'],
    ['shape/attribute', 'float[2,3] x', 'z = Cast <to = 99> (x)', '99'],
    ['shape/broadcast', 'float[2,3,8] x, float[4] y', 'z = LayerNormalization (x, y)', '[8] and [4]'],
  ])('%s: %s, %s', (code, inputs, body, text) => {
    const { types } = typesOf(`${HEAD} m (${inputs}) => (float[] z) { ${body} }`);
    expect([...new Set(codes(types))]).toEqual([code]);
    expect(types.diagnostics[0]!.message).toContain(text);
    expect(types.diagnostics[0]!.at.path).toBe('main/z');
  });

  test.each([
    ['float[2,3] x', 't = Constant <value_ints = [-1, 1]> ()  z = Gather <axis = 1> (x, t)', 'float32[2, 2]'],
    ['float[2,3,8] x, float[3,8] y', 'z = LayerNormalization <axis = 1> (x, y)', 'float32[2, 3, 8]'],
    ['float[n] x, float[4] y', 'z = Add (x, y)', 'float32[4]'],
    ['float[n] x, float[m] y', 'z = Add (x, y)', 'float32[max(m,n)]'],
    ['float[n,3] x', 't = Constant <value_ints = [3, -1]> ()  z = Reshape (x, t)', 'float32[3, n]'],
    ['float[2,n] x, float[2,4] y', 'z = Concat <axis = 0> (x, y)', 'float32[4, 4]'],
  ])('no contradiction: %s, %s', (inputs, body, type) => {
    const { types, shown: of } = typesOf(`${HEAD} m (${inputs}) => (float[] z) { ${body} }`);
    expect(types.diagnostics).toEqual([]);
    expect(of('z')).toBe(type);
  });

  test('in a branch that may never run a contradiction is a warning', () => {
    const { types } = typesOf(`${HEAD} m (bool c, float[3] x, float[4] w) => (float[i] y)
      { y = If (c) <then_branch = t () => (float[] p) { p = Add (x, w) }, else_branch = e () => (float[] q) { q = Relu (x) }> }`);
    expect(types.diagnostics.map((each) => [each.severity, each.code])).toEqual([['warning', 'shape/broadcast']]);
  });

  test('a wrong declared type is reported and not believed', () => {
    const text = `${HEAD} m (float[2,3] x) => (float[i,j] y) <float[5,3] a> { a = Relu (x)  y = Neg (a) }`;
    const { types, shown: of } = typesOf(text);
    expect(codes(types)).toEqual(['shape/declared']);
    expect(types.diagnostics[0]!.message).toContain('float32[5, 3]');
    expect(types.diagnostics[0]!.message).toContain('float32[2, 3]');
    expect(of('y')).toBe('float32[2, 3]');
  });

  test('a declared name for what inference knows better is left alone', () => {
    const text = `${HEAD} m (float[n,3] x) => (float[n,k] y) <float[n,n] a> { a = Concat <axis = 1> (x, x)  y = Neg (a) }`;
    const { types, shown: of } = typesOf(text);
    expect(types.diagnostics).toEqual([]);
    expect(of('y')).toBe('float32[n, 6]');
  });

  test('a declared type is all there is of an unknown operator', () => {
    const text = `<ir_version: 9, opset_import: ["": 17, "custom": 1]> m (float[n] x) => (float[n] y)
      <float[n,7] a> { a = custom.Lift (x)  y = ReduceSum <keepdims = 0> (a) }`;
    expect(shown(text, 'a')).toBe('float32[n, 7]');
  });
});

describe('bound sizes', () => {
  const text = `${HEAD} m (float[b,s] x, float[b,"s + 1"] y, float[2,3] z) => (float[i,j] q) { q = Concat <axis = 1> (x, y) }`;
  const bound = (shapes: Record<string, Shape>): readonly [readonly string[], string] => {
    const { types, shown: of } = typesOf(text, shapes);
    return [types.diagnostics.map((each) => `${each.code}: ${each.message}`), of('q')];
  };

  test('flow through the model', () => {
    expect(bound({ x: [2, null] })).toEqual([[], 'float32[2, 2*s+1]']);
    expect(bound({ y: [null, 5] })).toEqual([[], 'float32[b, 9]']);
  });

  test('contradictions show both sides', () => {
    expect(bound({ z: [2, 4] })[0][0]).toBe('shape/binding: axis 1 of input "z" is 3, but 4 was given');
    expect(bound({ x: [2, 3], y: [3, 4] })[0][0]).toBe(
      'shape/binding: axis 0 of input "y" is b, which is 2 by x[0] = 2, but 3 was given',
    );
    expect(bound({ x: [2] })[0][0]).toContain('rank 2');
    expect(bound({ w: [2] })[0][0]).toContain('no input "w"');
  });
});
