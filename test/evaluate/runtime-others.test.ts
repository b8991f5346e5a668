import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { array, expectAgreement, resultOf } from '../support/evaluate.js';

let runtime: Runtime;
beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

describe('losses agree with onnxruntime', () => {
  test.each(['none', 'sum', 'mean'])('reduction %s', async (reduction) => {
    const shape = reduction === 'none' ? '[3, 2]' : '[]';
    const classes = 'int64[3, 2] t = {0, 3, 1, 1, 2, 0}, float[4] w = {1.0, 0.5, 2.0, 0.25}';
    const attributes = `<reduction = "${reduction}", ignore_index = 1>`;
    await expectAgreement(
      runtime,
      `(float[3, 4, 2] X) => (float${shape} Y) <${classes}> { l = LogSoftmax <axis = 1> (X) Y = NegativeLogLikelihoodLoss ${attributes} (l, t, w) }`,
    );
    await expectAgreement(
      runtime,
      `(float[3, 4, 2] X) => (float${shape} Y, float[3, 4, 2] L) <${classes}> { Y, L = SoftmaxCrossEntropyLoss ${attributes} (X, t, w) }`,
    );
  });
});

describe('sampling agrees with onnxruntime', () => {
  const grid = ['zeros', 'border', 'reflection'].flatMap((padding) =>
    ['linear', 'nearest', 'cubic'].flatMap((mode) => [0, 1].map((align) => [mode, padding, align] as const)),
  );
  test.each(grid)('GridSample: %s, %s, align_corners = %d', async (mode, padding, align) => {
    const body = `(float[2, 3, 5, 6] X, float[2, 4, 3, 2] G) => (float[2, 3, 4, 3] Y) {
      Y = GridSample <mode = "${mode}", padding_mode = "${padding}", align_corners = ${align}> (X, G) }`;
    await expectAgreement(runtime, body);
  });

  test('Col2Im', async () => {
    await expectAgreement(
      runtime,
      `(float[1, 8, 9] X) => (float[1, 2, 6, 5] Y) <int64[2] i = {6, 5}, int64[2] b = {2, 2}> {
        Y = Col2Im <strides = [2, 2], pads = [0, 0, 0, 1]> (X, i, b) }`,
    );
  });

  test('MaxUnpool of what MaxPool gave', async () => {
    await expectAgreement(
      runtime,
      `(float[1, 2, 6, 4] X) => (float[1, 2, 6, 4] Y) {
        p, i = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (X)  Y = MaxUnpool <kernel_shape = [2, 2], strides = [2, 2]> (p, i) }`,
    );
  });
});

describe('transforms agree with onnxruntime', () => {
  test.each([
    ['complex', '(float[2, 6, 2] X) => (float[2, 6, 2] Y)', '<axis = 1>'],
    ['real', '(float[2, 8, 1] X) => (float[2, 8, 2] Y)', '<axis = 1>'],
    ['by half', '(float[2, 8, 1] X) => (float[2, 5, 2] Y)', '<axis = 1, onesided = 1>'],
    ['backward', '(float[2, 6, 2] X) => (float[2, 6, 2] Y)', '<axis = 1, inverse = 1>'],
  ])('DFT, %s', async (_, head, attributes) => {
    await expectAgreement(runtime, `${head} { Y = DFT ${attributes} (X) }`, { opset: 17 });
  });

  test.each(['HannWindow', 'HammingWindow', 'BlackmanWindow'])('%s', async (op) => {
    await expectAgreement(runtime, `() => (float[9] Y) <int64 n = {9}> { Y = ${op} <periodic = 0> (n) }`);
    await expectAgreement(runtime, `() => (float[8] Y) <int64 n = {8}> { Y = ${op} (n) }`);
  });

  test('Det', async () => {
    await expectAgreement(runtime, '(float[3, 4, 4] X) => (float[3] Y) { Y = Det (X) }');
  });
});

describe('choosing agrees with onnxruntime', () => {
  test.each(['', '<sorted = 0>', '<axis = 0>', '<axis = 1, sorted = 0>'])('Unique %s', async (attributes) => {
    const body = `(int64[4, 3] X) => (int64[A, B] Y, int64[C] i, int64[D] v, int64[E] n) { Y, i, v, n = Unique ${attributes} (X) }`;
    const feeds = { X: array('int64', [4, 3], [2, 1, 1, 0, 3, 3, 2, 1, 1, 0, 3, 3]) };
    const flat = attributes.includes('axis') ? body : body.replace('[A, B]', '[A]');
    await expectAgreement(runtime, flat, { feeds });
  });

  test.each(['', '<center_point_box = 1>'])('NonMaxSuppression %s', async (attributes) => {
    const boxes = [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 10, 1, 11, 0, 10.1, 1, 11.1, 0, 100, 1, 101, 0.5, 0.5, 1.5, 1.4];
    const body = `(float[1, 6, 4] X, float[1, 2, 6] S) => (int64[N, 3] Y) <int64 most = {3}, float limit = {0.5}, float least = {0.15}> {
      Y = NonMaxSuppression ${attributes} (X, S, most, limit, least) }`;
    const scores = [0.9, 0.75, 0.6, 0.95, 0.5, 0.3, 0.1, 0.2, 0.8, 0.7, 0.16, 0.4];
    await expectAgreement(runtime, body, {
      feeds: { X: array('float32', [1, 6, 4], boxes), S: array('float32', [1, 2, 6], scores) },
    });
  });
});

describe('by definition', () => {
  test('half a spectrum back to the row that it came from', () => {
    const body = `(float[1, 6, 1] X) => (float[1, 6, 1] Y) { s = DFT <axis = 1, onesided = 1> (X) Y = DFT <axis = 1, onesided = 1, inverse = 1> (s) }`;
    const row = [1, -2, 3, 0.5, 4, -1];
    const [shape, values] = resultOf(body, { X: array('float32', [1, 6, 1], row) }, 17);
    expect(shape).toEqual([1, 6, 1]);
    values.forEach((value, i) => expect(value).toBeCloseTo(row[i]!, 6));
  });

  test('BitCast reads the bits of another type', () => {
    const body = '(float[2] X) => (int32[2] Y) { Y = BitCast <to = 6> (X) }';
    expect(resultOf(body, { X: array('float32', [2], [1, -0]) }, 26)).toEqual([[2], [0x3f800000, -(2 ** 31)]]);
  });

  test('TensorScatter goes around the end', () => {
    const body = `(float[1, 3, 1] P, float[1, 2, 1] U) => (float[1, 3, 1] Y) <int64[1] at = {2}> {
      Y = TensorScatter <mode = "circular", axis = 1> (P, U, at) }`;
    const feeds = { P: array('float32', [1, 3, 1], [1, 2, 3]), U: array('float32', [1, 2, 1], [8, 9]) };
    expect(resultOf(body, feeds)[1]).toEqual([9, 2, 8]);
  });
});
