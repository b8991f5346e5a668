import { afterAll, describe, expect, test } from '@jest/globals';
import { emitBytes } from '../../src/api/emit-bytes.js';
import { rewrite } from '../../src/api/rewrite.js';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { NumericArray } from '../../src/tensor/array.js';
import { modelOf, textOf } from '../support/model.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
/** b = 2·tanh-free branch of x: with x = [1, 2] a branch of k·x gives k·[1, 2]. */
const SCALE = (k: number): string =>
  `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {${k}, 0, 0, ${k}}> { f = MatMul (x, w)  y = Identity (f) }`;
const RESIDUAL = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {3, 0, 0, 3}> { f = MatMul (x, w)  s = Add (x, f)  y = Identity (s) }`;
const TWO = `${HEAD} m (float[N, 2] x) => (float[N, 2] y)
  <float[2, 2] w = {3, 0, 0, 3}, float[2, 2] v = {5, 0, 0, 5}>
  { f = MatMul (x, w)  s = Add (x, f)  g = MatMul (s, v)  t = Add (s, g)  y = Identity (t) }`;

const vector = (shape: readonly number[], ...values: number[]): NumericArray => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});

async function outcome(
  text: string,
  recipe: object,
  input: NumericArray,
  parameters: Readonly<Record<string, NumericArray>> = {},
): Promise<number[]> {
  const { model, report } = await rewrite(modelOf(text), recipe, {
    allow: ['changes-function'],
    runtime,
    parameters: new Map(Object.entries(parameters)),
  });
  expect(report.operations.map((operation) => operation.verification.status)).not.toContain('skipped');
  const session = await runtime.open(emitBytes(model), { optimization: 'disabled' });
  const { y } = await session.run({ x: input });
  await session.release();
  return [...(y!.data as Float32Array)];
}

async function refusal(
  text: string,
  recipe: object,
  options: Parameters<typeof rewrite>[2] = { allow: ['changes-function'] },
): Promise<ResonnxError> {
  const model = modelOf(text);
  const before = textOf(model);
  try {
    await rewrite(model, recipe, { runtime, ...options });
  } catch (error) {
    expect(textOf(model)).toBe(before);
    if (error instanceof ResonnxError) return error;
    throw error;
  }
  throw new Error('not refused');
}

const region = (site: object = {}): object => ({
  sites: [{ block: 0, region_input: 'x', region_output: 'f', ...site }],
});
const ONE_TWO = vector([1, 2], 1, 2);

describe('equations, on a branch that is k·x', () => {
  test.each([
    ['insert-residual: x + 3x', SCALE(3), { operation: 'insert-residual', targets: region() }, [4, 8]],
    [
      'weighted: 0.5·x + 2·3x',
      SCALE(3),
      {
        operation: 'insert-residual',
        targets: region(),
        options: { combine: 'weighted', skip_scale: 0.5, branch_scale: 2 },
      },
      [6.5, 13],
    ],
    [
      'relu behind the sum: relu(x − 3x)',
      SCALE(-3),
      { operation: 'insert-residual', targets: region(), options: { activation_after: 'relu' } },
      [0, 0],
    ],
    [
      'gate on a new skip: x + 0.5·3x',
      SCALE(3),
      { operation: 'gate', targets: region(), options: { value: 0.5 } },
      [2.5, 5],
    ],
    [
      'gate on an addition: x + 0.5·3x',
      RESIDUAL,
      { operation: 'gate', targets: { sites: [{ branch_value: 'f' }] }, options: { value: 0.5 } },
      [2.5, 5],
    ],
    [
      'gate on its skip: 0.5·x + 3x',
      RESIDUAL,
      { operation: 'gate', targets: { sites: [{ branch_value: 'f' }] }, options: { value: 0.5, on: 'skip' } },
      [3.5, 7],
    ],
    [
      'remove-residual: 3x',
      RESIDUAL,
      { operation: 'remove-residual', targets: { sites: [{ branch_value: 'f' }] } },
      [3, 6],
    ],
    ['prune: x', RESIDUAL, { operation: 'prune', targets: { sites: [{ branch_value: 'f' }] } }, [1, 2]],
    [
      'rescale: 2·x + 0.5·3x',
      RESIDUAL,
      { operation: 'rescale', targets: { sites: [{ output: 's' }] }, options: { skip_scale: 2, branch_scale: 0.5 } },
      [3.5, 7],
    ],
    [
      'parallelize: x + 3x + 5x',
      TWO,
      {
        operation: 'parallelize',
        targets: {
          sites: [
            { block: 0, output: 's' },
            { block: 0, output: 't' },
          ],
        },
      },
      [9, 18],
    ],
    [
      'a list: first the branch of the second block goes, then a gate of ½',
      TWO,
      [
        { operation: 'prune', targets: { sites: [{ output: 't' }] } },
        { operation: 'gate', targets: { sites: [{ output: 's' }] }, options: { value: 0.5 } },
      ],
      [2.5, 5],
    ],
    ['detected blocks: the second goes', TWO, { operation: 'prune', targets: { blocks: [1] } }, [4, 8]],
  ])('%s', async (_, text, recipe, expected) => {
    expect(await outcome(text, recipe, ONE_TWO)).toEqual(expected);
  });

  test('grow leaves the function alone, and the copy has weights of its own that are zero', async () => {
    const recipe = { operation: 'grow', targets: { sites: [{ block: 0, output: 's' }] } };
    expect(await outcome(RESIDUAL, recipe, ONE_TWO)).toEqual([4, 8]);
    const { model } = await rewrite(modelOf(RESIDUAL), recipe, { runtime });
    expect([...model.graph.nodes.values()].filter((node) => node.opType === 'MatMul')).toHaveLength(2);
  });

  test('serialize gives a shared norm to each branch: x₁ = x + a(n(x)), x₁ + m(n(x₁)), with n = relu here', async () => {
    const text = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {3, 0, 0, 3}, float[2, 2] v = {5, 0, 0, 5}>
      { n = Relu (x)  a = MatMul (n, w)  f = MatMul (n, v)  p = Add (x, a)  s = Add (p, f)  y = Identity (s) }`;
    const site = { stream_value: 'x', attn_value: 'a', mlp_value: 'f', block_output: 's' };
    // x₁ = x + 3x = 4x, then 4x + 5·4x = 24x
    expect(await outcome(text, { operation: 'serialize', targets: { sites: [site] } }, ONE_TWO)).toEqual([24, 48]);
  });

  test('a linear projection brings the skip to the width of the branch', async () => {
    const text = `${HEAD} m (float[N, 2] x) => (float[N, 3] y) <float[2, 3] w = {1, 0, 0, 0, 1, 0}> { f = MatMul (x, w)  y = Identity (f) }`;
    const recipe = { operation: 'insert-residual', targets: region(), options: { projection: 'linear' } };
    const parameters = { 'block0.weight': vector([3, 2], 10, 0, 0, 10, 1, 1), 'block0.bias': vector([3], 0, 0, 100) };
    expect(await outcome(text, recipe, ONE_TWO, parameters)).toEqual([11, 22, 103]);
  });

  test('a norm moves behind the addition: relu stands for F, LayerNormalization without scale for N', async () => {
    const text = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2] g = {1, 1}, float[2, 2] w = {3, 0, 0, 3}>
      { n = LayerNormalization <epsilon = 0.0> (x, g)  f = MatMul (n, w)  s = Add (x, f)  y = Identity (s) }`;
    const recipe = {
      operation: 'set-norm-placement',
      targets: { sites: [{ output: 's', norm_output: 'n' }] },
      options: { placement: 'post' },
    };
    // x + 3x = [4, 8], normalized: [−1, 1]
    expect(await outcome(text, recipe, ONE_TWO)).toEqual([-1, 1]);
  });
});

describe('what is refused, with a code and with the model as it was', () => {
  const wide = `${HEAD} m (float[N, 1] x) => (float[N, 4] y) <float[1, 4] w = {1, 2, 3, 4}> { f = MatMul (x, w)  y = Identity (f) }`;
  const postNorm = `${HEAD} m (float[N, 2] x) => (float[N, 2] y) <float[2] g = {1, 1}, float[2, 2] w = {3, 0, 0, 3}>
    { f = MatMul (x, w)  s = Add (x, f)  n = LayerNormalization (s, g)  h = MatMul (n, w)  t = Add (n, h)  y = Identity (t) }`;

  test.each([
    ['rewrite/shapes-differ', wide, { operation: 'insert-residual', targets: region() }],
    ['rewrite/shapes-differ', wide, { operation: 'gate', targets: region(), options: { value: 1 } }],
    [
      'rewrite/refused',
      SCALE(3),
      { operation: 'insert-residual', targets: region({ region_input: 'f', region_output: 'x' }) },
    ],
    ['recipe/target-unknown', SCALE(3), { operation: 'insert-residual', targets: region({ region_output: 'g' }) }],
    [
      'recipe/target-unknown',
      RESIDUAL,
      { operation: 'prune', targets: { sites: [{ output: 's', norm_output: 'nowhere' }] } },
    ],
    ['recipe/target-unknown', TWO, { operation: 'prune', targets: { blocks: [7] } }],
    ['recipe/target-ambiguous', TWO, { operation: 'prune', targets: { sites: [{ output: 't', skip_value: 'x' }] } }],
    ['recipe/operation-unknown', RESIDUAL, { operation: 'polish', targets: {} }],
    ['recipe/malformed', RESIDUAL, { targets: {} }],
    ['recipe/malformed', RESIDUAL, { operation: 'prune', targets: {} }],
    [
      'recipe/option-invalid',
      SCALE(3),
      { operation: 'insert-residual', targets: region(), options: { projection: 'magic' } },
    ],
    [
      'recipe/option-invalid',
      RESIDUAL,
      { operation: 'rescale', targets: { sites: [{ output: 's' }] }, options: { branch_scale: 'half' } },
    ],
    ['recipe/parameter-missing', SCALE(3), { operation: 'gate', targets: region(), options: { gate: 'per-channel' } }],
    [
      'rewrite/refused',
      TWO,
      {
        operation: 'parallelize',
        targets: {
          sites: [
            { block: 0, output: 's' },
            { block: 1, output: 't' },
          ],
        },
      },
    ],
    [
      'rewrite/refused',
      postNorm,
      {
        operation: 'grow',
        targets: {
          sites: [
            { block: 0, output: 's' },
            { block: 0, output: 't' },
          ],
        },
      },
    ],
    [
      'rewrite/refused',
      RESIDUAL,
      { operation: 'set-norm-placement', targets: { sites: [{ output: 's' }] }, options: { placement: 'post' } },
    ],
  ])('%s', async (code, text, recipe) => {
    expect((await refusal(text, recipe)).code).toBe(code);
  });

  test('an identity skip between shapes that merely broadcast names the equation and the repair', async () => {
    const { diagnostics } = await refusal(wide, { operation: 'insert-residual', targets: region() });
    expect(diagnostics[0]!.message).toContain('[N, 1]');
    expect(diagnostics[0]!.message).toContain('[N, 4]');
    expect(diagnostics[0]!.hint).toContain('projection linear with weight [4, 1]');
  });

  test('a change of the function without being allowed to', async () => {
    const recipe = { operation: 'prune', targets: { sites: [{ output: 's' }] } };
    expect((await refusal(RESIDUAL, recipe, {})).code).toBe('rewrite/changes-function');
  });

  test('what preserves the function needs no permission', async () => {
    const recipe = {
      operation: 'gate',
      targets: { sites: [{ output: 's' }] },
      options: { value: 1, must_exist: true },
    };
    const { report } = await rewrite(modelOf(RESIDUAL), recipe, { runtime });
    expect(report.operations[0]).toMatchObject({
      semantics: 'equivalent',
      verification: { status: 'verified', method: 'original' },
    });
  });
});
