import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { array, evaluated, expectAgreement } from '../support/evaluate.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const X = '(float[2, 3, 4] X) => ';

describe('layout agrees with onnxruntime', () => {
  test.each([
    ['Reshape', `${X} (float[A, B] Y) <int64[2] s = {0, -1}>`, 'Y = Reshape (X, s)'],
    ['Reshape by size', `${X} (float[A, B, C] Y) <int64[3] s = {4, -1, 2}>`, 'Y = Reshape (X, s)'],
    ['Flatten', `${X} (float[A, B] Y)`, 'Y = Flatten <axis = 2> (X)'],
    ['Transpose', `${X} (float[4, 2, 3] Y)`, 'Y = Transpose <perm = [2, 0, 1]> (X)'],
    [
      'Squeeze and Unsqueeze',
      `${X} (float[1, 2, 3, 4] Z, float[2, 3, 4] Y) <int64[1] a = {0}>`,
      'Z = Unsqueeze (X, a)  Y = Squeeze (Z, a)',
    ],
    ['Concat', '(float[2, 3, 4] X, float[2, 1, 4] Z) => (float[2, 4, 4] Y)', 'Y = Concat <axis = 1> (X, Z)'],
    ['Split', `${X} (float[2, 1, 4] Y, float[2, 2, 4] Z) <int64[2] s = {1, 2}>`, 'Y, Z = Split <axis = 1> (X, s)'],
    ['Split unevenly', `${X} (float[2, 3, 3] Y, float[2, 3, 1] Z)`, 'Y, Z = Split <axis = -1, num_outputs = 2> (X)'],
    ['Expand', '(float[3, 1] X) => (float[2, 3, 4] Y) <int64[3] s = {2, 1, 4}>', 'Y = Expand (X, s)'],
    ['Tile', `${X} (float[2, 6, 12] Y) <int64[3] r = {1, 2, 3}>`, 'Y = Tile (X, r)'],
    ['DepthToSpace', '(float[1, 8, 2, 3] X) => (float[1, 2, 4, 6] Y)', 'Y = DepthToSpace <blocksize = 2> (X)'],
    [
      'DepthToSpace CRD',
      '(float[1, 8, 2, 3] X) => (float[1, 2, 4, 6] Y)',
      'Y = DepthToSpace <blocksize = 2, mode = "CRD"> (X)',
    ],
    ['SpaceToDepth', '(float[1, 2, 4, 6] X) => (float[1, 8, 2, 3] Y)', 'Y = SpaceToDepth <blocksize = 2> (X)'],
    ['Trilu', `${X} (float[2, 3, 4] Y) <int64 k = {-1}>`, 'Y = Trilu <upper = 0> (X, k)'],
    ['EyeLike', '(float[3, 4] X) => (float[3, 4] Y)', 'Y = EyeLike <k = 1> (X)'],
    ['NonZero', '(float[3, 4] X) => (int64[2, N] Y)', 'r = Relu (X)  Y = NonZero (r)'],
    ['CumSum', `${X} (float[2, 3, 4] Y) <int64 a = {1}>`, 'Y = CumSum <exclusive = 1, reverse = 1> (X, a)'],
    ['ArgMax', `${X} (int64[2, 4] Y)`, 'Y = ArgMax <axis = 1, keepdims = 0> (X)'],
    [
      'ArgMin of the last',
      `${X} (int64[2, 3, 1] Y)`,
      'r = Relu (X)  Y = ArgMin <axis = -1, select_last_index = 1> (r)',
    ],
    ['TopK', `${X} (float[2, 3, 2] Y, int64[2, 3, 2] I) <int64[1] k = {2}>`, 'Y, I = TopK (X, k)'],
    [
      'TopK of the least',
      `${X} (float[2, 2, 4] Y, int64[2, 2, 4] I) <int64[1] k = {2}>`,
      'Y, I = TopK <axis = 1, largest = 0> (X, k)',
    ],
    ['Shape and Size', `${X} (int64[2] Y, int64 Z)`, 'Y = Shape <start = -2> (X)  Z = Size (X)'],
  ])('%s', async (_, head, line) => {
    await expectAgreement(runtime, `${head} { ${line} }`);
  });

  test.each([
    ['{1}', '{3}', '{1}', '{1}'],
    ['{-1}', '{-9000000000000000000}', '{2}', '{-1}'],
    ['{0}', '{9223372036854775807}', '{-1}', '{3}'],
    ['{-100}', '{2}', '{0}', '{1}'],
    ['{2}', '{1}', '{1}', '{1}'],
  ])('Slice from %s to %s along %s by %s', async (from, to, axis, step) => {
    await expectAgreement(
      runtime,
      `${X} (float[A, B, C] Y) <int64[1] f = ${from}, int64[1] t = ${to}, int64[1] a = ${axis}, int64[1] s = ${step}> {
        Y = Slice (X, f, t, a, s) }`,
    );
  });

  test.each(['constant', 'edge', 'reflect', 'wrap'])('Pad, %s', async (mode) => {
    await expectAgreement(
      runtime,
      `(float[3, 4, 5] X) => (float[A, B, C] Y) <int64[6] p = {0, 2, 1, 1, 0, 3}, float v = {1.5}> { Y = Pad <mode = "${mode}"> (X, p, v) }`,
    );
  });

  test('Pad that cuts', async () => {
    await expectAgreement(
      runtime,
      '(float[3, 4] X) => (float[A, B] Y) <int64[4] p = {-1, 2, 0, -3}> { Y = Pad (X, p) }',
    );
  });
});

describe('picking and putting agree with onnxruntime', () => {
  test.each([
    ['Gather', `${X} (float[2, 2, 2, 4] Y) <int64[2, 2] i = {0, -1, 2, 1}>`, 'Y = Gather <axis = 1> (X, i)'],
    [
      'GatherElements',
      `${X} (float[2, 2, 4] Y) <int64[2, 2, 4] i = {0,1,2,-1,0,0,0,0,1,1,1,1,2,2,2,2}>`,
      'Y = GatherElements <axis = 1> (X, i)',
    ],
    ['GatherND', `${X} (float[3, 4] Y) <int64[3, 2] i = {0, 2, 1, 0, -1, -1}>`, 'Y = GatherND (X, i)'],
    ['GatherND in batches', `${X} (float[2, 4] Y) <int64[2, 1] i = {2, 0}>`, 'Y = GatherND <batch_dims = 1> (X, i)'],
    ['Compress', `${X} (float[2, A, 4] Y) <bool[3] c = {1, 0, 1}>`, 'Y = Compress <axis = 1> (X, c)'],
    [
      'OneHot',
      '(int64[2, 3] X) => (float[2, 4, 3] Y) <int64 d = {4}, float[2] v = {-1.0, 2.0}>',
      'Y = OneHot <axis = 1> (X, d, v)',
    ],
    [
      'ScatterElements',
      '(float[3, 4] X, float[2, 2] U) => (float[3, 4] Y) <int64[2, 2] i = {0, -1, 2, 0}>',
      'Y = ScatterElements <axis = 1, reduction = "add"> (X, i, U)',
    ],
    [
      'ScatterND',
      '(float[3, 4] X, float[2, 4] U) => (float[3, 4] Y) <int64[2, 1] i = {2, 0}>',
      'Y = ScatterND (X, i, U)',
    ],
    [
      'ScatterND of the largest',
      '(float[3, 4] X, float[3] U) => (float[3, 4] Y) <int64[3, 2] i = {2, 0, 2, 0, 1, 1}>',
      'Y = ScatterND <reduction = "max"> (X, i, U)',
    ],
    ['ReverseSequence', '(float[4, 3] X) => (float[4, 3] Y) <int64[3] l = {1, 4, 2}>', 'Y = ReverseSequence (X, l)'],
    ['Range', '() => (int64[N] Y) <int64 f = {10}, int64 t = {-3}, int64 s = {-4}>', 'Y = Range (f, t, s)'],
    [
      'ConstantOfShape',
      '() => (int32[2, 3] Y) <int64[2] s = {2, 3}>',
      'Y = ConstantOfShape <value = int32[1] {7}> (s)',
    ],
  ])('%s', async (_, head, line) => {
    await expectAgreement(runtime, `${head} { ${line} }`);
  });

  test('an index out of range is invalid', () => {
    const body = '(float[3] X) => (float[1] Y) <int64[1] i = {3}> { Y = Gather (X, i) }';
    expect(evaluated(body, { X: array('float32', [3], [1, 2, 3]) })).toMatchObject({ kind: 'invalid', op: 'Gather' });
  });
});

describe('Resize agrees with onnxruntime', () => {
  test.each([
    ['nearest', 'half_pixel', ''],
    ['nearest', 'asymmetric', ', nearest_mode = "floor"'],
    ['nearest', 'align_corners', ', nearest_mode = "ceil"'],
    ['linear', 'half_pixel', ''],
    ['linear', 'pytorch_half_pixel', ''],
    ['linear', 'align_corners', ''],
    ['linear', 'asymmetric', ''],
    ['cubic', 'half_pixel', ''],
    ['cubic', 'align_corners', ', cubic_coeff_a = -0.5'],
    ['cubic', 'half_pixel', ', exclude_outside = 1'],
  ])('%s, %s%s', async (mode, coordinates, more) => {
    const of = (
      sizes: string,
    ): string => `(float[1, 2, 5, 7] X) => (float[1, 2, A, B] Y) <int64[4] s = {1, 2, ${sizes}}> {
      Y = Resize <mode = "${mode}", coordinate_transformation_mode = "${coordinates}"${more}> (X, , , s) }`;
    await expectAgreement(runtime, of('10, 14'));
    await expectAgreement(runtime, of('3, 4'));
  });

  test('by scales', async () => {
    const body = `(float[1, 2, 5, 7] X) => (float[1, 2, A, B] Y) <float[4] s = {1.0, 1.0, 1.7, 0.6}> {
      Y = Resize <mode = "linear"> (X, , s) }`;
    await expectAgreement(runtime, body);
  });
});
