import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { carryOut, expectClose, expectSame, floats, probe, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
const normal = (type: string, name: string, seed: number): string =>
  `${type} ${name} = ["location": "fill:normal", "seed": "${seed}"]`;
const IMAGE = { x: probe([2, 3, 4, 5]) };
const WEIGHTS = `${normal('float[3]', 'g', 1)}, ${normal('float[3]', 'b', 2)}, ${normal('float[4, 3, 1, 1]', 'w', 3)}`;
/** A layer norm over the channels of an image, which are moved to the end for it. */
const MOVED = `l = Transpose <perm = [0, 2, 3, 1]> (x)  k = LayerNormalization <axis = -1> (l, g, b)
  n = Transpose <perm = [0, 3, 1, 2]> (k)`;
const placed = (placement: string): object => ({
  operation: 'set-norm-placement',
  targets: { sites: [{ residual_add: 'y', norm_output: 'n' }] },
  options: { placement, final_norm: 'keep' },
});
const folded = { operation: 'fold', targets: { sites: [{ norm_output: 'n' }] }, options: { what: 'norm-affine' } };

describe('a norm over channels', () => {
  const block = `${HEAD} m (float[N, 3, H, W] x) => (float[N, 3, H, W] y)
    <${normal('float[3]', 'g', 1)}, ${normal('float[3]', 'b', 2)}, ${normal('float[3, 3, 1, 1]', 'w', 3)}>
    { ${MOVED}  f = Conv (n, w)  y = Add (x, f) }`;

  test.each([
    ['post', 's = Add (x, q)', 'y = N (s)'],
    ['post-branch', 'r = N (q)', 'y = Add (x, r)'],
  ])('between Transposes goes %s with them', async (placement, first, second) => {
    const spelled = (line: string): string =>
      line.replace(
        /(\w+) = N \((\w+)\)/,
        `l = Transpose <perm = [0, 2, 3, 1]> ($2)  k = LayerNormalization <axis = -1> (l, g, b)  $1 = Transpose <perm = [0, 3, 1, 2]> (k)`,
      );
    const expected = block.replace(/\{ l = [^]*\}$/, `{ q = Conv (x, w)  ${spelled(first)}  ${spelled(second)} }`);
    const done = await carryOut(runtime, block, placed(placement));
    const want = await carryOut(runtime, expected, {
      operation: 'gate',
      targets: { sites: [{ region_input: 'x', region_output: 'q' }] },
      options: { gate: 'scalar', on: 'skip', value: 0 },
    });
    expectClose((await done.run(IMAGE))['y']!, [...((await want.run(IMAGE))['y']!.data as Float32Array)]);
  });

  test('between Transposes is folded into the convolution that reads it', async () => {
    const text = `${HEAD} m (float[N, 3, H, W] x) => (float[N, 4, H, W] y) <${WEIGHTS}> { ${MOVED}  y = Conv (n, w) }`;
    const done = await carryOut(runtime, text, folded);
    expect(done.text).not.toMatch(/LayerNormalization.*\(l, g/);
    await expectSame(done, IMAGE);
  });

  test('spelled with reductions over axis 1 has as many features as its scale', async () => {
    const text = `${HEAD} m (float[N, 3, H, W] x) => (float[N, 4, H, W] y)
      <${normal('float[3, 1, 1]', 'g', 1)}, ${normal('float[3, 1, 1]', 'b', 2)}, ${normal('float[4, 3, 1, 1]', 'w', 3)}, float small = {1e-6}, float half = {0.5}>
      { u = ReduceMean <axes = [1]> (x)  c = Sub (x, u)  q = Mul (c, c)  v = ReduceMean <axes = [1]> (q)
        e = Add (v, small)  d = Pow (e, half)  z = Div (c, d)  k = Mul (g, z)  n = Add (k, b)  y = Conv (n, w) }`;
    const done = await carryOut(runtime, text, folded);
    expect(done.count('Mul')).toBe(1);
    await expectSame(done, IMAGE);
  });

  test('by hand: two channels [0, 2] are normalized to [−1, 1], and the scale goes into the weight', async () => {
    const text = `${HEAD} m (float[N, 2, 1, 1] x) => (float[N, 1, 1, 1] y)
      <float[2] g = {2, 3}, float[2] b = {1, -1}, float[1, 2, 1, 1] w = {10, 100}>
      { l = Transpose <perm = [0, 2, 3, 1]> (x)  k = LayerNormalization <axis = -1, epsilon = 1e-12> (l, g, b)
        n = Transpose <perm = [0, 3, 1, 2]> (k)  y = Conv (n, w) }`;
    const done = await carryOut(runtime, text, folded);
    expectClose((await done.run({ x: floats([1, 2, 1, 1], [0, 2]) }))['y']!, [-20 + 300 + 10 - 100]);
    expect(done.text).toMatch(/\{20, 300\}/);
  });

  test.each([
    ['do not undo each other', MOVED.replace('[0, 3, 1, 2]', '[0, 3, 2, 1]')],
    ['are only one', 'k = LayerNormalization <axis = -1> (x, g3, b3)  n = Transpose <perm = [0, 2, 3, 1]> (k)'],
  ])('is none where the Transposes %s', async (_, body) => {
    const text = `${HEAD} m (float[N, 3, 4, 3] x) => (float[A, B, C, D] y)
      <${WEIGHTS}, ${normal('float[3]', 'g3', 5)}, ${normal('float[3]', 'b3', 6)}> { ${body}  y = Relu (n) }`;
    expect(await refusalOf(runtime, text, folded)).toMatch(/no normalization ends in "n"/);
  });
});
