import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { type NumericArray, toFloat64 } from '../../src/tensor/array.js';
import { carryOut, expectClose, expectSame, floats, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const D = 4;
const normal = (type: string, name: string, seed: number): string =>
  `${type} ${name} = ["location": "fill:normal", "seed": "${seed}"]`;
const SIZES = (d = D): string =>
  [
    normal(`float[7, ${d}]`, 'table', 1),
    normal(`float[5, ${d}]`, 'pos', 2),
    normal(`float[${d}]`, 'g1', 3),
    normal(`float[${d}]`, 'b1', 4),
    normal(`float[${d}]`, 'g2', 5),
    normal(`float[${d}]`, 'b2', 6),
    normal(`float[${d}, 6]`, 'w1', 7),
    normal('float[6]', 'c1', 8),
    normal(`float[6, ${d}]`, 'w2', 9),
    normal(`float[${d}]`, 'c2', 10),
    normal(`float[${d}, 3]`, 'head', 11),
  ].join(', ');

/** A table, positions, one block and a head: x₀ = E[ids] + P, x₁ = x₀ + W₂ relu(W₁ N(x₀) + c₁) + c₂, y = N(x₁) H. */
const model = ({
  norm = (out: string, x: string, i: number) =>
    `${out} = LayerNormalization <axis = -1, epsilon = 1e-5> (${x}, g${i}, b${i})`,
  opset = 17,
  head = 'y = MatMul (n2, head)',
  extra = '',
  weights = '',
  middle = '',
} = {}): string => `<ir_version: ${opset > 21 ? 11 : 9}, opset_import: ["": ${opset}]>
  m (int64[B, 5] ids) => (float[B, 5, P] y${extra}) <${SIZES()}${weights}>
  { e = Gather (table, ids)  x0 = Add (e, pos)  ${middle}  ${norm('n1', 'x0', 1)}
    p = MatMul (n1, w1)  q = Add (p, c1)  r = Relu (q)  f0 = MatMul (r, w2)  f = Add (f0, c2)  [add] x1 = Add (x0, f)
    ${norm('n2', 'x1', 2)}  ${head} }`;

const IDS: Record<string, NumericArray> = {
  ids: { dtype: 'int64', shape: [2, 5], data: BigInt64Array.from([0, 1, 2, 3, 4, 5, 6, 0, 3, 3].map(BigInt)) },
};
const targets = {
  sites: [{ block: 0, branch: 'mlp', norm_output: 'n1', residual_add: 'add' }],
  final_norm_output: 'n2',
};
const rms = (out: string, x: string, i: number): string =>
  `${out}s = Mul (${x}, ${x})  ${out}m = ReduceMean <axes = [-1]> (${out}s)  ${out}e = Add (${out}m, eps)  ${out}r = Sqrt (${out}e)  ${out}d = Div (${x}, ${out}r)  ${out} = Mul (${out}d, g${i})`;
const RMS = { norm: rms, weights: ', float eps = {1e-5}' };

describe('swap-norm', () => {
  const swap = (options: object = {}, more: object = targets): object => ({
    operation: 'swap-norm',
    targets: more,
    options: { to: 'rmsnorm', exact: true, ...options },
  });

  test('every writer is centred, by hand', async () => {
    // W = [1 3] gives features [x, 3x] with mean 2x; centred [−1, 1]. LN([x, 3x]) = [−1, 1] for x > 0.
    const text = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 1] x) => (float[N, 2] y) <float[1, 2] w = {1, 3}, float[2] b = {4, 4}, float[2] g = {2, 5}>
      { p = MatMul (x, w)  s = Add (p, b)  n = LayerNormalization <axis = -1, epsilon = 1e-12> (s, g)  y = Identity (n) }`;
    const done = await carryOut(runtime, text, swap({}, { sites: [{ norm_output: 'n' }] }));
    expect(done.count('LayerNormalization')).toBe(0);
    expect(done.text).toMatch(/\{-1, 1\}/);
    expect(done.text).toMatch(/\{0, 0\}/);
    expectClose((await done.run({ x: floats([2, 1], [1, 7]) }))['y']!, [-2, 5, -2, 5]);
  });

  test('a model with a table, positions and a block', async () => {
    const done = await carryOut(runtime, model(), swap());
    expect([done.count('LayerNormalization'), done.count('RMSNormalization'), done.count('ReduceMean')]).toEqual([
      0, 0, 2,
    ]);
    await expectSame(done, IDS);
  });

  test('detected blocks: the norms that their branches start with', async () => {
    const done = await carryOut(runtime, model(), swap({}, { blocks: 'all' }));
    expect(done.count('LayerNormalization')).toBe(1);
    await expectSame(done, IDS);
  });

  test('beta: "fold" leaves no addition behind the norms', async () => {
    const [kept, folded] = [
      await carryOut(runtime, model(), swap({ beta: 'keep' })),
      await carryOut(runtime, model(), swap({ beta: 'fold' })),
    ];
    // One norm's bias joins the bias of its reader; the head had none and gets one.
    expect(kept.count('Add') - folded.count('Add')).toBe(1);
    await expectSame(folded, IDS);
  });

  test('RMSNormalization from opset 23 on', async () => {
    const done = await carryOut(runtime, model({ opset: 23 }), swap());
    expect([done.count('LayerNormalization'), done.count('RMSNormalization')]).toEqual([0, 2]);
    await expectSame(done, IDS);
  });

  test('only the named norms change; another layer norm reads the centred stream', async () => {
    const done = await carryOut(runtime, model(), swap({}, { sites: targets.sites }));
    expect(done.count('LayerNormalization')).toBe(1);
    await expectSame(done, IDS);
  });

  test('one mean at the beginning, where what writes it has no weights', async () => {
    const done = await carryOut(
      runtime,
      model({ middle: '' }).replace('x0 = Add (e, pos)', 'e1 = Add (e, pos)  x0 = Tanh (e1)'),
      swap(),
    );
    expect(done.count('Sub')).toBe(1);
    await expectSame(done, IDS);
  });

  test('a linear reader whose weights sum to zero sees no difference', async () => {
    const zero = 'float[4, 1] z = {1, -2, 3, -2}';
    const done = await carryOut(
      runtime,
      model({ weights: `, ${zero}`, extra: ', float[B, 5, 1] t', head: 'y = MatMul (n2, head)  t = MatMul (x1, z)' }),
      swap(),
    );
    await expectSame(done, IDS);
  });

  test('a float16 stream takes its statistics in float32', async () => {
    const half = model()
      .replaceAll('float[', 'float16[')
      .replace('(float16[B, 5, P] y)', '(float[B, 5, P] y)')
      .replace('y = MatMul (n2, head)', 'z = MatMul (n2, head)  y = Cast <to = 1> (z)');
    const done = await carryOut(runtime, half, swap());
    expect(done.count('Cast')).toBe(5);
    await expectSame(done, IDS, 2e-2);
  });

  test('two streams, one behind the other, share a table', async () => {
    // The second stream begins with the same table and reads the first one through its last norm.
    const text = model({
      weights: `, ${normal('float[4, 4]', 'cross', 12)}`,
      head: 'd0 = Gather (table, ids)  k = MatMul (n2, cross)  d1 = Add (d0, k)  n3 = LayerNormalization <axis = -1> (d1, g1, b1)  y = MatMul (n3, head)',
    });
    const done = await carryOut(runtime, text, swap({}, { ...targets, norms: ['n3'] }));
    expect(done.count('LayerNormalization')).toBe(0);
    await expectSame(done, IDS);
  });

  test('exact: false leaves the writers alone and changes the function: RMS(x)γ, by hand', async () => {
    const text = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 2] x) => (float[N, 2] y) <float[2] g = {2, 5}, float[2] b = {1, 1}>
      { n = LayerNormalization <axis = -1, epsilon = 1e-12> (x, g, b)  y = Identity (n) }`;
    const plain = swap({ exact: false }, { sites: [{ norm_output: 'n' }] });
    expect(await refusalOf(runtime, text, plain, { allow: [] })).toMatch(/changes-function/);
    const done = await carryOut(runtime, text, plain);
    // √((1 + 49)/2) = 5.
    expectClose((await done.run({ x: floats([1, 2], [1, 7]) }))['y']!, [2 / 5 + 1, (5 * 7) / 5 + 1]);
  });

  test('a tied table is duplicated when asked', async () => {
    const tied = model({ head: 'wt = Transpose <perm = [1, 0]> (table)  y = MatMul (n2, wt)' });
    expect(await refusalOf(runtime, tied, swap())).toMatch(/"table" is tied: MatMul reads it too/);
    await expectSame(await carryOut(runtime, tied, swap({ untie: true })), IDS);
  });

  test.each([
    [
      'the head reads the raw stream',
      model({ head: 'y = MatMul (x1, head)', extra: '' }).replace('final', 'final'),
      /MatMul reads the stream "x1"/,
    ],
    ['the stream is an output', model({ extra: ', float[B, 5, 4] x1' }), /"x1" is an output of the graph/],
    [
      'a branch ends in an activation',
      model()
        .replace('f = Add (f0, c2)', 'f1 = Add (f0, c2)  f = Tanh (f1)')
        .replace('x0 = Add (e, pos)', 'e1 = Add (e, pos)  x0 = Tanh (e1)'),
      /Tanh writes the value/,
    ],
    [
      'a post-norm stream',
      model({
        weights: `, ${normal('float[4, 4]', 'u', 12)}`,
        head: 'k = MatMul (n2, u)  x2 = Add (n2, k)  n3 = LayerNormalization <axis = -1> (x2, g1, b1)  y = MatMul (n3, head)',
      }).replace('x1 = Add (x0, f)', 'x1 = Add (n1, f)'),
      /a norm writes the value/,
    ],
    ['the norms take no mean away', model(RMS), /it is no layer norm/],
  ])('keep: %s', async (_, text, why) => {
    const named = text.includes('(x1, head)')
      ? { sites: targets.sites }
      : text.includes('n3')
        ? { ...targets, final_norm_output: 'n3', norms: ['n2'] }
        : targets;
    expect(await refusalOf(runtime, text, swap({}, named))).toMatch(why);
  });
});

describe('replace-norm', () => {
  const dyt = {
    operation: 'replace-norm',
    targets: { sites: [{ block: 0, branch: 'mlp', norm_output: 'n' }] },
    options: { to: 'dyt' },
  };
  const text = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 2] x) => (float[N, 2] y) <float[2] g = {2, 5}, float[2] b = {1, -1}>
    { n = LayerNormalization <axis = -1> (x, g, b)  y = Identity (n) }`;

  test('γ·tanh(αx) + β, by hand', async () => {
    const done = await carryOut(runtime, text, dyt, { parameters: { 'block0.mlp.alpha': floats([1], [0.5]) } });
    const { y } = await done.run({ x: floats([1, 2], [2, -4]) });
    expectClose(y!, [2 * Math.tanh(1) + 1, 5 * Math.tanh(-2) - 1]);
    expect(done.count('LayerNormalization')).toBe(0);
  });

  test('without alpha, or with several numbers, it is refused', async () => {
    expect(await refusalOf(runtime, text, dyt)).toMatch(/parameter-missing/);
    const parameters = { 'block0.mlp.alpha': floats([2], [1, 2]) };
    expect(await refusalOf(runtime, text, dyt, { parameters })).toMatch(/parameter-shape/);
  });

  test('it changes the function, and must be allowed to', async () => {
    const parameters = { 'block0.mlp.alpha': floats([1], [0.5]) };
    expect(await refusalOf(runtime, text, dyt, { parameters, allow: [] })).toMatch(/changes-function/);
  });
});

/** An orthogonal matrix from a product of plane rotations. */
function rotation(size: number): NumericArray {
  const q = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (__, j) => Number(i === j)));
  for (let i = 0; i < size; i++)
    for (let j = i + 1; j < size; j++) {
      const [c, s] = [Math.cos(i + 2 * j), Math.sin(i + 2 * j)];
      for (const row of q) [row[i], row[j]] = [c * row[i]! - s * row[j]!, s * row[i]! + c * row[j]!];
    }
  return floats([size, size], q.flat());
}

describe('rotate', () => {
  const turn = (options: object = {}): object => ({
    operation: 'rotate',
    targets,
    options: { mode: 'rotate', ...options },
  });
  const parameters = { Q: rotation(D) };

  test.each([
    ['a given matrix', {}, parameters],
    ['Hadamard', { mode: 'hadamard' }, {}],
    ['seeded', { mode: 'random', seed: 7 }, {}],
  ])('%s', async (_, options, given) => {
    const done = await carryOut(runtime, model(RMS), turn(options), { parameters: given });
    await expectSame(done, IDS);
    // No scale is left, and no product was added: all went into the weights.
    expect([done.count('Mul'), done.count('MatMul')]).toEqual([2, 3]);
  });

  test('an output of the stream is turned back', async () => {
    const text = model({ ...RMS, extra: ', float[B, 5, 4] x1' });
    const done = await carryOut(runtime, text, turn(), { parameters });
    await expectSame(done, IDS);
  });

  test('a writer without weights is multiplied', async () => {
    const text = model(RMS).replace('f = Add (f0, c2)', 'f1 = Add (f0, c2)  f = Tanh (f1)');
    const done = await carryOut(runtime, text, turn(), { parameters });
    expect(done.count('MatMul')).toBe(4);
    await expectSame(done, IDS);
  });

  test('layer norms go first through swap-norm', async () => {
    expect(await refusalOf(runtime, model(), turn(), { parameters })).toMatch(/a layer norm reads the stream/);
    const both = [{ operation: 'swap-norm', targets, options: {} }, turn()];
    const done = await carryOut(runtime, model(), both, { parameters });
    expect(done.count('LayerNormalization')).toBe(0);
    await expectSame(done, IDS);
  });

  test('the original is bitwise the same for the same seed', async () => {
    const [a, b] = [
      await carryOut(runtime, model(RMS), turn({ mode: 'random', seed: 3 })),
      await carryOut(runtime, model(RMS), turn({ mode: 'random', seed: 3 })),
    ];
    expect(a.text).toBe(b.text);
  });

  test.each([
    ['the matrix is not orthogonal', { Q: floats([D, D], [1, 2, 3]) }, {}, /no orthonormal columns/],
    ['the matrix has another size', { Q: rotation(3) }, {}, /parameter-shape/],
    ['there is no matrix', {}, {}, /parameter-missing/],
    ['the scale is not folded', parameters, { fold_gamma_first: false }, /does not commute/],
    ['an unknown mode', {}, { mode: 'shear' }, /option-invalid/],
  ])('keep: %s', async (_, given, options, why) => {
    expect(await refusalOf(runtime, model(RMS), turn(options), { parameters: given })).toMatch(why);
  });
});

describe('slice', () => {
  const cut = (options: object): object => ({ operation: 'slice', targets, options });
  const columns = (q: NumericArray, count: number): NumericArray =>
    floats(
      [D, count],
      toFloat64(q).filter((_, i) => i % D < count),
    );

  /** The network of the paper in plain arithmetic, from the same weights. */
  test('r features, with the width that the norm had, by hand', async () => {
    // One table row [3, 4], Q = e₁: the stream is [3]. Norm: 3/√(9/2) = √2. The head reads W Q = 10: 10·√2·γ₁.
    const text = `<ir_version: 9, opset_import: ["": 17]> m (int64[B] ids) => (float[B, 1] y)
      <float[1, 2] table = {3, 4}, float[2] g = {2, 5}, float[2, 1] head = {10, 100}, float[2, 2] w = {0, 0, 0, 0}, float eps = {0}>
      { x = Gather (table, ids)  f = MatMul (x, w)  [add] z = Add (x, f)  s = Mul (z, z)  m = ReduceMean <axes = [-1]> (s)  e = Add (m, eps)  r = Sqrt (e)  d = Div (z, r)  n = Mul (d, g)  y = MatMul (n, head) }`;
    const done = await carryOut(
      runtime,
      text,
      {
        operation: 'slice',
        targets: { sites: [{ residual_add: 'add' }], final_norm_output: 'n' },
        options: { mode: 'slice', rank: 1 },
      },
      { parameters: { Q: floats([2, 1], [1, 0]) } },
    );
    const { y } = await done.run({ ids: { dtype: 'int64', shape: [1], data: BigInt64Array.of(0n) } });
    expectClose(y!, [10 * Math.SQRT2 * 2]);
  });

  test('one Q, and one for each addition, against the reference', async () => {
    const q = rotation(D);
    const one = await carryOut(runtime, model(RMS), cut({ mode: 'slice', rank: 3 }), {
      parameters: { Q: columns(q, 3) },
    });
    expect(one.text).toMatch(/float\[7, ?3\]/);
    const perLayer = await carryOut(runtime, model(RMS), cut({ mode: 'perlayer', rank: 3 }), {
      parameters: { Q0: columns(q, 3), Q1: columns(rotation(D), 3) },
    });
    expect(perLayer.count('MatMul')).toBe(one.count('MatMul') + 1);
  });

  test('full rank is a rotation: the function stays', async () => {
    const done = await carryOut(runtime, model(RMS), cut({ mode: 'slice', rank: D }), {
      parameters: { Q: rotation(D) },
    });
    await expectSame(done, IDS);
  });

  test.each([
    ['a rank above the width', { mode: 'slice', rank: 9 }, { Q: rotation(D) }, /option-invalid/],
    [
      'a matrix for an addition is missing',
      { mode: 'perlayer', rank: 3 },
      { Q0: columns(rotation(D), 3) },
      /parameter-missing/,
    ],
    [
      'columns that are not orthonormal',
      { mode: 'slice', rank: 2 },
      { Q: floats([D, 2], [1]) },
      /no orthonormal columns/,
    ],
  ])('keep: %s', async (_, options, parameters, why) => {
    expect(await refusalOf(runtime, model(RMS), cut(options), { parameters })).toMatch(why);
  });

  test('keep: a post-norm stream; no addition is named', async () => {
    const parameters = { Q: columns(rotation(D), 3) };
    const post = model(RMS).replace('x1 = Add (x0, f)', 'x1 = Add (n1, f)');
    expect(await refusalOf(runtime, post, cut({ mode: 'slice' }), { parameters })).toMatch(
      /the skip is the output of a norm/,
    );
    const unnamed = { operation: 'slice', targets: { final_norm_output: 'n2' }, options: { mode: 'slice' } };
    expect(await refusalOf(runtime, model(RMS), unnamed, { parameters })).toMatch(/give residual_add/);
  });
});

describe('a stream of detected blocks', () => {
  const text = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 4] x) => (float[N, 3] y)
    <float[4, 4] i = ["location": "fill:normal", "seed": "1"], float[4, 4] w = ["location": "fill:normal", "seed": "2"], float[4, 4] v = ["location": "fill:normal", "seed": "4"], float[4, 3] o = ["location": "fill:normal", "seed": "3"], float[4] g = {1, 1, 1, 1}, float small = {1e-6}>
    { h = MatMul (x, i)
      a = Mul (h, h)  b = ReduceMean <axes = [-1]> (a)  c = Add (b, small)  d = Sqrt (c)  e = Div (h, d)  n = Mul (e, g)
      p = MatMul (n, v)  t = Tanh (p)  f = MatMul (t, w)  s = Add (h, f)
      a2 = Mul (s, s)  b2 = ReduceMean <axes = [-1]> (a2)  c2 = Add (b2, small)  d2 = Sqrt (c2)  e2 = Div (s, d2)  n2 = Mul (e2, g)
      y = MatMul (n2, o) }`;
  const slice = (targets: object): object => ({
    operation: 'slice',
    targets: { ...targets, final_norm_output: 'n2' },
    options: { rank: 2 },
  });

  test('is sliced as one that is named by its additions', async () => {
    const named = { sites: [{ residual_add: 's', skip_value: 'h', norm_output: 'n' }] };
    const parameters = { Q: floats([4, 2], [1, 0, 0, 1, 0, 0, 0, 0]) };
    const [detected, given] = [
      await carryOut(runtime, text, slice({ blocks: 'all' }), { parameters }),
      await carryOut(runtime, text, slice(named), { parameters }),
    ];
    expect(detected.text).toBe(given.text);
  });
});
