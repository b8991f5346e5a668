import { describe, expect, test } from '@jest/globals';
import { type Alignment, alignments, describeAlignment } from '../../src/analysis/alignment.js';
import { conditionFindings } from '../../src/analysis/conditions.js';
import { repairOptions } from '../../src/analysis/repair.js';
import { parse } from '../../src/dim/dim.js';
import type { Shape } from '../../src/ir/type.js';
import { inferTypes } from '../../src/shape/types.js';
import { modelOf } from '../support/model.js';

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';

function aligned(inputs: string, body: string): readonly Alignment[] {
  const model = modelOf(`${HEAD} m (${inputs}) => (float[] y) { ${body} }`);
  return alignments(model, inferTypes(model));
}

/** Verdicts with their equations. */
function verdicts(inputs: string, body: string): readonly string[] {
  return aligned(inputs, body).map((each) => [each.kind, each.verdict, ...each.equations].join(' '));
}

describe('what meets', () => {
  test.each([
    ['float[b,s,8] x, float[b,s,8] z', 'y = Add (x, z)', ['elementwise equal']],
    ['float[b,s,8] x, float[1,s,8] z', 'y = Add (x, z)', ['elementwise broadcast']],
    ['float[b,s,8] x, float[8] z', 'y = Add (x, z)', ['elementwise broadcast']],
    ['float[b,s,8] x, float[b,t,8] z', 'y = Add (x, z)', ['elementwise conditional s == t']],
    ['float[b,s,8] x, float[b,512,8] z', 'y = Add (x, z)', ['elementwise conditional s == 512']],
    ['float[b,s,8] x, float[b,s,7] z', 'y = Add (x, z)', ['elementwise wrong 8 == 7']],
    ['float[b,s,8] x, float[b,"s + 2",8] z', 'y = Add (x, z)', ['elementwise conditional s == 1']],
    ['float[n] x', 'i = NonZero (x)  z = Cast <to = 1> (i)  y = Add (x, z)', ['elementwise unknown n == u0']],
    ['float[b,4] x, float[b,4] z, float[b,4] v', 'y = Sum (x, z, v)', ['elementwise equal', 'elementwise equal']],
    [
      'float[b,4] x, float[b,4] z, float[c,4] v',
      'y = Sum (x, z, v)',
      ['elementwise equal', 'elementwise conditional b == c'],
    ],
    [
      'float[s,4] x, float[64,4] t',
      `z = Constant <value_ints = [0]> ()  n = Shape <start = 0, end = 1> (x)  p = Slice (t, z, n)  y = Add (x, p)`,
      ['elementwise conditional s <= 64'],
    ],
    [
      'float[n,4] x',
      'p = Constant <value_ints = [1, 0, 0, 0]> ()  a = Constant <value_ints = [1]> ()  e = Constant <value_ints = [9999999999]> ()  z = Constant <value_ints = [0]> ()  c = Slice (x, a, e, z)  d = Pad (c, p)  y = Add (x, d)',
      ['elementwise equal'],
    ],
    ['float[b,k] x, float[k,n] z', 'y = MatMul (x, z)', ['contraction equal']],
    [
      'float[b,h,s,k] x, float[b,h,t,n] z',
      'y = MatMul (x, z)',
      ['contraction conditional k == t', 'elementwise equal'],
    ],
    [
      'float[b,6] x, float[5,6] z, float[5] c',
      'y = Gemm <transB = 1> (x, z, c)',
      ['contraction equal', 'elementwise broadcast'],
    ],
    ['float[b,6,w] x, float[9,3,3] z', 'y = Conv <group = 2> (x, z)', ['channels equal']],
    ['float[b,c,w] x, float[9,3,3] z', 'y = Conv (x, z)', ['channels conditional c == 3']],
    ['float[b,s,8] x, float[b,t,8] z', 'y = Concat <axis = 1> (x, z)', ['concat equal']],
    ['float[b,s,8] x, float[b,t,8] z', 'y = Concat <axis = -1> (x, z)', ['concat conditional s == t']],
    ['float[b,3,4] x', 't = Constant <value_ints = [1, 12]> ()  y = Reshape (x, t)', ['reshape conditional b == 1']],
    [
      'float[b,s,4] x',
      'n = Shape <start = 0, end = 1> (x)  z = Constant <value_ints = [4]> ()  w = Concat <axis = 0> (n, z, s7)  y = Reshape (x, w)  s7 = Constant <value_ints = [7]> ()',
      ['concat equal', 'concat equal', 'reshape conditional s == 7'],
    ],
    [
      'float[s,b,32] x',
      'n = Shape <start = 1, end = 2> (x)  f = Constant <value_ints = [4]> ()  m = Mul (n, f)  q = Constant <value_ints = [7]> ()  r = Constant <value_ints = [8]> ()  t = Concat <axis = 0> (q, m, r)  y = Reshape (x, t)',
      ['elementwise equal', 'concat equal', 'concat equal', 'reshape conditional s == 7'],
    ],
    ['float[b,3,4] x', 't = Constant <value_ints = [0, 12]> ()  y = Reshape (x, t)', ['reshape equal']],
    ['float[b,3,4] x', 't = Constant <value_ints = [-1, 6]> ()  y = Reshape (x, t)', []],
    [
      'float[b,3,4] x',
      't = Constant <value_ints = [-1, 24]> ()  y = Reshape (x, t)',
      ['reshape conditional b == 2*ceil(b/2)'],
    ],
    ['float[b,s,8] x, float[8] z', 'y = LayerNormalization (x, z)', ['scale equal']],
    ['float[b,s,c] x, float[8] z', 'y = LayerNormalization (x, z)', ['scale conditional c == 8']],
  ])('%s, %s', (inputs, body, expected) => {
    expect(verdicts(inputs, body)).toEqual(expected);
  });

  test('sizes of a strided path and its skip', () => {
    const [add] = aligned(
      'float[b,8,h,w] x, float[8,8,3,3] k',
      'c = Conv <kernel_shape = [3, 3], strides = [2, 2], pads = [1, 1, 1, 1]> (x, k)  d = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (x)  y = Add (c, d)',
    ).filter((each) => each.kind === 'elementwise');
    expect(add!.verdict).toBe('conditional');
    expect(add!.equations).toHaveLength(2);
  });

  test('in words', () => {
    const model = modelOf(`${HEAD} m (float[b,s] x, float[b,512] z) => (float[] y) { y = Add (x, z) }`);
    const types = inferTypes(model);
    const [only] = alignments(model, types);
    expect(describeAlignment(only!, types)).toBe('[b, s] and [b, 512]: right where s == 512');
  });
});

test('conditions of a model, each once', () => {
  const model = modelOf(`${HEAD} m (float[b,s] x, float[b,512] z, float[c,s] v) => (float[] y)
    { a = Add (x, z)  d = Mul (x, z)  e = Add (a, d)  y = Add (x, v) }`);
  const found = conditionFindings(model, inferTypes(model));
  expect(found.map(({ code, severity, message, at }) => [code, severity, at.path, message])).toEqual([
    ['shape/conditional', 'info', 'main/a', 'valid only where s == 512 (2 places, here [b, s] and [b, 512])'],
    ['shape/conditional', 'info', 'main/y', 'valid only where b == c (1 place, here [b, s] and [c, s])'],
  ]);
});

test('before opset 7 operands meet at an axis', () => {
  const model =
    modelOf(`<ir_version: 3, opset_import: ["": 6]> m (float[b,3,5] x, float[3] z, float[3] w) => (float[] y)
    { a = Add <axis = 1, broadcast = 1> (x, z)  y = PRelu (a, w) }`);
  expect(alignments(model, inferTypes(model)).map((each) => each.verdict)).toEqual(['broadcast', 'broadcast']);
});

describe('repairs', () => {
  const shape = (...dims: readonly (number | string)[]): Shape =>
    dims.map((dim) => (typeof dim === 'number' ? dim : (parse(dim) ?? null)));
  const kinds = (skip: Shape, branch: Shape, channelAxis?: number): readonly string[] =>
    repairOptions(skip, branch, channelAxis).map((each) => each.kind);

  test.each([
    ['nothing to do', shape('b', 's', 64), shape('b', 's', 64), ['identity']],
    ['wider', shape('b', 's', 64), shape('b', 's', 96), ['pad-channels', 'linear-projection']],
    ['narrower', shape('b', 's', 96), shape('b', 's', 64), ['slice-channels', 'linear-projection']],
    ['wider image', shape('n', 64, 'h', 'w'), shape('n', 128, 'h', 'w'), ['pad-channels', 'conv-projection']],
    ['half as large', shape('n', 64, 56, 56), shape('n', 64, 28, 28), ['pool', 'stride', 'conv-projection']],
    [
      'half, rounded up',
      shape('n', 64, 'h', 'w'),
      shape('n', 64, 'ceil(h/2)', 'ceil(w/2)'),
      ['pool', 'stride', 'conv-projection'],
    ],
    ['half and wider', shape('n', 64, 56, 56), shape('n', 128, 28, 28), ['conv-projection']],
    ['twice as large', shape('n', 64, 'h', 'w'), shape('n', 64, '2*h', '2*w'), ['upsample']],
    ['shorter', shape('b', 's+1', 64), shape('b', 's', 64), ['slice']],
    ['longer', shape('b', 's', 64), shape('b', 's+1', 64), ['pad']],
    ['unrelated lengths', shape('b', 's', 64), shape('b', 't', 64), ['refuse']],
    ['another rank', shape('b', 64), shape('b', 64, 'h', 'w'), ['refuse']],
    ['another batch', shape('b', 64), shape(1, 64), ['refuse']],
  ])('%s', (_, skip, branch, expected) => {
    expect(kinds(skip, branch)).toEqual(expected);
  });

  test('parameters have the shape that the projection needs', () => {
    const [conv] = repairOptions(shape('n', 64, 56, 56), shape('n', 128, 28, 28));
    expect(conv).toEqual({
      kind: 'conv-projection',
      text: '1x1 convolution with weight [128, 64, 1, 1], stride 2',
      parameters: [[128, 64, 1, 1]],
    });
    const linear = repairOptions(shape('b', 's', 64), shape('b', 's', 96))[1];
    expect(linear?.parameters).toEqual([[64, 96]]);
    expect(kinds(shape('n', 8, 'l'), shape('n', 16, 'l'), 1)).toEqual(['pad-channels', 'conv-projection']);
  });
});
