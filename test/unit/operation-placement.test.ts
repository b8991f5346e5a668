import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { carryOut, expectClose, floats, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

type Vector = readonly number[];
type Matrix = readonly Vector[];

/** Parameters of one norm; the text and the arithmetic below use the same numbers. */
interface Affine {
  readonly g: Vector;
  readonly b: Vector;
}

const EPS = 1e-3;
const NORMS: Readonly<Record<string, Affine>> = {
  n1: { g: [1.5, 0.5, -1], b: [0.1, 0.2, -0.3] },
  n2: { g: [0.7, -1.2, 2], b: [-0.4, 0, 0.5] },
  m1: { g: [0.9, 1.1, 1.3], b: [0.3, 0.6, -0.9] },
  m2: { g: [2, 1, 0.5], b: [0, -0.2, 0.2] },
  nf: { g: [1.25, 0.8, 1.6], b: [0.05, -0.15, 0.25] },
  id: { g: [1, 1, 1], b: [0, 0, 0] },
};
const WEIGHTS: Readonly<Record<string, Matrix>> = {
  w1: [
    [1, -2, 0.5],
    [0.3, 1.5, -1],
    [2, 0.1, 0.7],
  ],
  w2: [
    [-0.6, 1, 2],
    [1.1, 0.4, -0.8],
    [0.2, -1.3, 0.9],
  ],
};

type Kind = 'layer' | 'rms';

/** γ·(x − mean)/√(var + ε) + β, or γ·x/√(mean x² + ε). */
function norm(kind: Kind, name: string, x: Vector): Vector {
  const { g, b } = NORMS[name]!;
  const mean = kind === 'layer' ? x.reduce((p, q) => p + q, 0) / x.length : 0;
  const centred = x.map((value) => value - mean);
  const root = Math.sqrt(centred.reduce((p, q) => p + q * q, 0) / x.length + EPS);
  return centred.map((value, i) => (value / root) * g[i]! + (kind === 'layer' ? b[i]! : 0));
}

/** relu(x)·W: the branch. */
const branch = (name: string, x: Vector): Vector =>
  WEIGHTS[name]![0]!.map((_, j) => x.reduce((sum, value, i) => sum + Math.max(value, 0) * WEIGHTS[name]![i]![j]!, 0));
const plus = (x: Vector, y: Vector): Vector => x.map((value, i) => value + y[i]!);
const times = (k: number, x: Vector): Vector => x.map((value) => k * value);

const constants = (): string =>
  [
    ...Object.entries(NORMS).flatMap(([name, { g, b }]) => [
      `float[3] ${name}_g = {${g.join(', ')}}`,
      `float[3] ${name}_b = {${b.join(', ')}}`,
    ]),
    ...Object.entries(WEIGHTS).map(([name, rows]) => `float[3, 3] ${name} = {${rows.flat().join(', ')}}`),
    `float eps = {${EPS}}`,
  ].join(', ');

function normText(kind: Kind, name: string, x: string): string {
  if (kind === 'layer')
    return `${name} = LayerNormalization <axis = -1, epsilon = ${EPS}> (${x}, ${name}_g, ${name}_b)`;
  return `${name}s = Mul (${x}, ${x})  ${name}m = ReduceMean <axes = [-1]> (${name}s)  ${name}e = Add (${name}m, eps)  ${name}r = Sqrt (${name}e)  ${name}d = Div (${x}, ${name}r)  ${name} = Mul (${name}d, ${name}_g)`;
}

const branchText = (i: number, x: string): string => `r${i} = Relu (${x})  f${i} = MatMul (r${i}, w${i})`;

/** Two blocks in each placement; sums are s1 and s2. */
function model(kind: Kind, placement: 'pre' | 'post' | 'post-branch' | 'sandwich'): string {
  const n = (name: string, x: string): string => normText(kind, name, x);
  const bodies = {
    pre: `${n('n1', 'x')}  ${branchText(1, 'n1')}  [add1] s1 = Add (x, f1)  ${n('n2', 's1')}  ${branchText(2, 'n2')}  [add2] s2 = Add (s1, f2)  ${n('nf', 's2')}  y = Identity (nf)`,
    post: `${branchText(1, 'x')}  [add1] s1 = Add (x, f1)  ${n('n1', 's1')}  ${branchText(2, 'n1')}  [add2] s2 = Add (n1, f2)  ${n('n2', 's2')}  y = Identity (n2)`,
    'post-branch': `${branchText(1, 'x')}  ${n('n1', 'f1')}  [add1] s1 = Add (x, n1)  ${branchText(2, 's1')}  ${n('n2', 'f2')}  [add2] s2 = Add (s1, n2)  ${n('nf', 's2')}  y = Identity (nf)`,
    sandwich: `${n('n1', 'x')}  ${branchText(1, 'n1')}  ${n('m1', 'f1')}  [add1] s1 = Add (x, m1)  ${n('n2', 's1')}  ${branchText(2, 'n2')}  ${n('m2', 'f2')}  [add2] s2 = Add (s1, m2)  ${n('nf', 's2')}  y = Identity (nf)`,
  };
  return `<ir_version: 9, opset_import: ["": 17]> m (float[N, 3] x) => (float[N, 3] y) <${constants()}> { ${bodies[placement]} }`;
}

const X: Matrix = [
  [0.5, -1, 2],
  [3, 3, 3.5],
  [-2, 0.25, 0.125],
];

/** The site of a block; a sandwich names both norms. */
const site = (i: number, placement: string): object => ({
  block: i - 1,
  residual_add: `add${i}`,
  norm_output: `n${i}`,
  ...(placement === 'sandwich' && { branch_end_norm_output: `m${i}` }),
});

type Network = (n: (name: string, x: Vector) => Vector, x: Vector) => Vector;

/** From, options, blocks, and the network that must come out, in plain arithmetic. */
const CASES: readonly (readonly [
  string,
  'pre' | 'post' | 'post-branch' | 'sandwich',
  object,
  readonly number[],
  Network,
])[] = [
  [
    'pre → post, final norm dropped',
    'pre',
    { placement: 'post', final_norm: 'drop' },
    [1, 2],
    (n, x) => {
      const one = n('n1', plus(x, branch('w1', x)));
      return n('n2', plus(one, branch('w2', one)));
    },
  ],
  [
    'pre → post, final norm kept',
    'pre',
    { placement: 'post', final_norm: 'keep' },
    [1, 2],
    (n, x) => {
      const one = n('n1', plus(x, branch('w1', x)));
      return n('nf', n('n2', plus(one, branch('w2', one))));
    },
  ],
  [
    'pre → post-branch',
    'pre',
    { placement: 'post-branch', final_norm: 'keep' },
    [1, 2],
    (n, x) => {
      const one = plus(x, n('n1', branch('w1', x)));
      return n('nf', plus(one, n('n2', branch('w2', one))));
    },
  ],
  [
    'pre → sandwich',
    'pre',
    { placement: 'sandwich', new_norm: 'identity-affine' },
    [1, 2],
    (n, x) => {
      const one = plus(x, n('id', branch('w1', n('n1', x))));
      return n('nf', plus(one, n('id', branch('w2', n('n2', one)))));
    },
  ],
  [
    'pre → DeepNorm',
    'pre',
    { placement: 'deepnorm', alpha: 1.7, final_norm: 'drop' },
    [1, 2],
    (n, x) => {
      const one = n('n1', plus(times(1.7, x), branch('w1', x)));
      return n('n2', plus(times(1.7, one), branch('w2', one)));
    },
  ],
  [
    'pre → post in the second block alone',
    'pre',
    { placement: 'post', final_norm: 'keep' },
    [2],
    (n, x) => {
      const one = plus(x, branch('w1', n('n1', x)));
      return n('nf', n('n2', plus(one, branch('w2', one))));
    },
  ],
  [
    'post → pre, no final norm',
    'post',
    { placement: 'pre', final_norm: 'none' },
    [1, 2],
    (n, x) => {
      const one = plus(x, branch('w1', n('n1', x)));
      return plus(one, branch('w2', n('n2', one)));
    },
  ],
  [
    'post → pre with a new final norm',
    'post',
    { placement: 'pre', final_norm: 'identity' },
    [1, 2],
    (n, x) => {
      const one = plus(x, branch('w1', n('n1', x)));
      return n('id', plus(one, branch('w2', n('n2', one))));
    },
  ],
  [
    'post → pre, each norm for the branch that reads it',
    'post',
    { placement: 'pre', norm_assignment: 'next-branch', final_norm: 'last-post-norm' },
    [1, 2],
    (n, x) => {
      const one = plus(x, branch('w1', x));
      return n('n2', plus(one, branch('w2', n('n1', one))));
    },
  ],
  [
    'post → post-branch',
    'post',
    { placement: 'post-branch', final_norm: 'none' },
    [1, 2],
    (n, x) => {
      const one = plus(x, n('n1', branch('w1', x)));
      return plus(one, n('n2', branch('w2', one)));
    },
  ],
  [
    'post → DeepNorm',
    'post',
    { placement: 'deepnorm', alpha: 0.5 },
    [1, 2],
    (n, x) => {
      const one = n('n1', plus(times(0.5, x), branch('w1', x)));
      return n('n2', plus(times(0.5, one), branch('w2', one)));
    },
  ],
  [
    'post-branch → pre',
    'post-branch',
    { placement: 'pre', final_norm: 'keep' },
    [1, 2],
    (n, x) => {
      const one = plus(x, branch('w1', n('n1', x)));
      return n('nf', plus(one, branch('w2', n('n2', one))));
    },
  ],
  [
    'post-branch → post',
    'post-branch',
    { placement: 'post', final_norm: 'keep' },
    [1, 2],
    (n, x) => {
      const one = n('n1', plus(x, branch('w1', x)));
      return n('nf', n('n2', plus(one, branch('w2', one))));
    },
  ],
  [
    'sandwich → pre',
    'sandwich',
    { placement: 'pre', final_norm: 'keep' },
    [1, 2],
    (n, x) => {
      const one = plus(x, branch('w1', n('n1', x)));
      return n('nf', plus(one, branch('w2', n('n2', one))));
    },
  ],
  [
    'sandwich → post-branch',
    'sandwich',
    { placement: 'post-branch', final_norm: 'keep' },
    [1, 2],
    (n, x) => {
      const one = plus(x, n('m1', branch('w1', x)));
      return n('nf', plus(one, n('m2', branch('w2', one))));
    },
  ],
];

describe.each(['layer', 'rms'] as const)('set-norm-placement, %s norm', (kind) => {
  test.each(CASES)('%s', async (_, from, options, blocks, network) => {
    const recipe = {
      operation: 'set-norm-placement',
      targets: {
        sites: blocks.map((i) => site(i, from)),
        ...(from !== 'post' && { final_norm_output: 'nf' }),
      },
      options,
    };
    const done = await carryOut(runtime, model(kind, from), recipe);
    const { y } = await done.run({ x: floats([3, 3], X.flat()) });
    const expected = X.flatMap((x) => network((name, of) => norm(kind, name, of), x));
    expectClose(y!, expected, 1e-4);
  });
});

describe('set-norm-placement refuses', () => {
  const recipe = (options: object, sites: readonly object[]): object => ({
    operation: 'set-norm-placement',
    targets: { sites },
    options,
  });
  const plain = `<ir_version: 9, opset_import: ["": 17]> m (float[N, 3] x) => (float[N, 3] y) <${constants()}> { ${branchText(1, 'x')}  [add1] s1 = Add (x, f1)  y = Identity (s1) }`;

  test.each([
    ['a block without a norm', plain, recipe({ placement: 'post' }, [{ residual_add: 'add1' }]), /rewrite\/refused/],
    [
      'a norm of another addition',
      model('layer', 'pre'),
      recipe({ placement: 'post' }, [{ residual_add: 'add1', norm_output: 'nf' }]),
      /belongs to another addition/,
    ],
    [
      'a placement that does not exist',
      model('layer', 'pre'),
      recipe({ placement: 'diagonal' }, [site(1, 'pre')]),
      /option-invalid/,
    ],
    [
      'an alpha that is no number',
      model('layer', 'pre'),
      recipe({ placement: 'deepnorm', alpha: 'big' }, [site(1, 'pre')]),
      /option-invalid/,
    ],
    [
      'ResNet forms without their norms',
      plain,
      recipe({ placement: 'full-preactivation' }, [{ residual_add: 'add1' }]),
      /names no bn1_node/,
    ],
  ])('%s', async (_, text, asked, why) => {
    expect(await refusalOf(runtime, text, asked)).toMatch(why);
  });
});

describe('ResNet forms, with 1×1 convolutions on one pixel', () => {
  const relu = (x: Vector): Vector => x.map((value) => Math.max(value, 0));
  const conv = (name: string, x: Vector): Vector =>
    WEIGHTS[name]!.map((row) => row.reduce((sum, weight, i) => sum + weight * x[i]!, 0));
  const MEAN = [0.2, -0.1, 0.4];
  const VARIANCE = [0.5, 1.5, 2];
  const bn = (name: string, x: Vector): Vector =>
    x.map((value, i) => ((value - MEAN[i]!) / Math.sqrt(VARIANCE[i]! + EPS)) * NORMS[name]!.g[i]! + NORMS[name]!.b[i]!);
  const parts = `${constants().replaceAll('float[3, 3] w', 'float[3, 3, 1, 1] w')}, float[3] mean = {${MEAN.join(', ')}}, float[3] var = {${VARIANCE.join(', ')}}`;
  const bnText = (name: string, x: string): string =>
    `[${name}] ${name}o = BatchNormalization <epsilon = ${EPS}> (${x}, ${name}_g, ${name}_b, mean, var)`;
  const image = (body: string): string =>
    `<ir_version: 9, opset_import: ["": 17]> m (float[N, 3, 1, 1] x) => (float[N, 3, 1, 1] y) <${parts}> { ${body} }`;
  const v1 = image(
    `h = Relu (x)  c1 = Conv (h, w1)  ${bnText('n1', 'c1')}  a1 = Relu (n1o)  c2 = Conv (a1, w2)  ${bnText('n2', 'c2')}  [add1] s1 = Add (h, n2o)  t1 = Relu (s1)  y = Identity (t1)`,
  );
  const v2 = image(
    `h = Relu (x)  ${bnText('n1', 'h')}  a1 = Relu (n1o)  c1 = Conv (a1, w1)  ${bnText('n2', 'c1')}  a2 = Relu (n2o)  c2 = Conv (a2, w2)  [add1] s1 = Add (h, c2)  y = Identity (s1)`,
  );
  const recipe = (placement: string, tail: string): object => ({
    operation: 'set-norm-placement',
    targets: { sites: [{ block: 0, residual_add: 'add1', bn1_node: 'n1', bn2_node: 'n2' }] },
    options: { placement, tail },
  });
  const inner = (h: Vector): Vector => plus(h, conv('w2', relu(bn('n2', conv('w1', relu(bn('n1', h)))))));
  const outer = (h: Vector): Vector => relu(plus(h, bn('n2', conv('w2', relu(bn('n1', conv('w1', h)))))));

  test.each([
    ['v1 → v2', v1, recipe('full-preactivation', 'none'), inner],
    [
      'v1 → v2 with a Relu behind the last block',
      v1,
      recipe('full-preactivation', 'relu'),
      (h: Vector) => relu(inner(h)),
    ],
    ['v2 → v1', v2, recipe('original', 'none'), outer],
  ])('%s', async (_, text, asked, network) => {
    const done = await carryOut(runtime, text, asked);
    const { y } = await done.run({ x: floats([3, 3, 1, 1], X.flat()) });
    expectClose(
      y!,
      X.flatMap((x) => network(relu(x))),
      1e-4,
    );
  });
});
