import { afterAll, describe, expect, test } from '@jest/globals';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { carryOut, expectClose, expectSame, floats, probe, refusalOf } from '../support/operation.js';

const runtime = createOrtRuntime();
afterAll(() => runtime.close());

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
const normal = (type: string, name: string, seed: number): string =>
  `${type} ${name} = ["location": "fill:normal", "seed": "${seed}"]`;
const bn = (prefix: string, size: number, seed: number): string =>
  ['s', 't', 'mu'].map((part, i) => normal(`float[${size}]`, `${prefix}${part}`, seed + i)).join(', ') +
  `, float[${size}] ${prefix}v = ["location": "fill:uniform", "seed": "${seed + 3}", "low": "0.5", "high": "2"]`;
const norm = (out: string, input: string, prefix: string): string =>
  `${out} = BatchNormalization (${input}, ${prefix}s, ${prefix}t, ${prefix}mu, ${prefix}v)`;
const recipe = (what: string, site: object): object => ({
  operation: 'merge',
  targets: { sites: [site] },
  options: { what },
});
const IMAGE = { x: probe([2, 4, 5, 6]) };

describe('parallel-conv-branches', () => {
  const site = recipe('parallel-conv-branches', { region_input: 'x', region_output: 'z' });
  const image = (body: string, weights: string, dims = '4, 5, 6'): string =>
    `${HEAD} m (float[B, ${dims}] x) => (float[B, P, Q, R] y) <${weights}> { ${body}  y = Relu (z) }`;

  test.each([
    [
      'RepVGG: 3×3, 1×1 and a norm on the skip',
      image(
        `a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w)  ${norm('an', 'a', 'a')}  c = Conv (x, u)  ${norm('cn', 'c', 'c')}  p = Add (an, cn)  ${norm('i', 'x', 'i')}  z = Add (p, i)`,
        `${normal('float[4, 4, 3, 3]', 'w', 1)}, ${normal('float[4, 4, 1, 1]', 'u', 2)}, ${bn('a', 4, 10)}, ${bn('c', 4, 20)}, ${bn('i', 4, 30)}`,
      ),
      1,
    ],
    [
      'a stride, and no identity',
      image(
        'a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [2, 2]> (x, w)  c = Conv <strides = [2, 2]> (x, u, b)  z = Add (c, a)',
        `${normal('float[6, 4, 3, 3]', 'w', 1)}, ${normal('float[6, 4, 1, 1]', 'u', 2)}, ${normal('float[6]', 'b', 3)}`,
      ),
      1,
    ],
    [
      'groups beside the identity',
      image(
        'a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1], group = 2> (x, w)  z = Sum (a, x)',
        normal('float[4, 2, 3, 3]', 'w', 1),
      ),
      1,
    ],
    [
      'windows of other shapes (asymmetric convolutions), and a dilation beside a 1×1',
      image(
        'a = Conv <kernel_shape = [1, 3], pads = [0, 2, 0, 2], dilations = [1, 2]> (x, w)  c = Conv (x, u)  z = Add (a, c)',
        `${normal('float[4, 4, 1, 3]', 'w', 1)}, ${normal('float[4, 4, 1, 1]', 'u', 2)}`,
      ),
      1,
    ],
    [
      '1×1 in front of 3×3, an average pool, factors and biases',
      image(
        'd = Conv (x, u)  a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (d, w)  s = Mul (k, a)  q = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 1> (x)  e = Sub (q, k)  z = Add (s, e)',
        `${normal('float[3, 4, 1, 1]', 'u', 1)}, ${normal('float[4, 3, 3, 3]', 'w', 2)}, ${normal('float[4, 1, 1]', 'k', 3)}`,
      ),
      1,
    ],
  ])('%s', async (_, text, convolutions) => {
    const done = await carryOut(runtime, text, site);
    expect(done.count('Conv')).toBe(convolutions);
    expect(done.model.graph.nodes.size).toBe(convolutions + 1);
    await expectSame(done, IMAGE);
  });

  test('one axis', async () => {
    const text = `${HEAD} m (float[B, 4, 9] x) => (float[B, P, Q] y) <${normal('float[4, 4, 3]', 'w', 1)}> { a = Conv <kernel_shape = [3], pads = [1, 1]> (x, w)  z = Add (x, a)  y = Relu (z) }`;
    const done = await carryOut(runtime, text, site);
    expect(done.count('Add')).toBe(0);
    await expectSame(done, { x: probe([2, 4, 9]) });
  });

  test.each([
    [
      'an activation in a branch',
      'a = Conv (x, u)  r = Relu (a)  z = Add (r, x)',
      normal('float[4, 4, 1, 1]', 'u', 1),
      /Relu on the way/,
    ],
    [
      'a bias in front of padding: the border would see it',
      'd = Conv (x, u, b)  a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (d, w)  z = Add (a, x)',
      `${normal('float[4, 4, 1, 1]', 'u', 1)}, ${normal('float[4]', 'b', 2)}, ${normal('float[4, 4, 3, 3]', 'w', 3)}`,
      /padded convolution reads a bias/,
    ],
    [
      'a pool that counts what lies inside alone',
      'a = AveragePool <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x)  z = Add (a, x)',
      '',
      /fewer elements at the border/,
    ],
    [
      'two windows in a row',
      'd = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (x, w)  a = Conv <kernel_shape = [3, 3], pads = [1, 1, 1, 1]> (d, w)  z = Add (a, x)',
      normal('float[4, 4, 3, 3]', 'w', 3),
      /two windows in a row/,
    ],
    [
      'a gate that is computed',
      'a = Conv (x, u)  s = Sigmoid (x)  g = Mul (a, s)  z = Add (g, x)',
      normal('float[4, 4, 1, 1]', 'u', 1),
      /not linear/,
    ],
  ])('keep: %s', async (_, body, weights, why) => {
    expect(await refusalOf(runtime, image(body, weights), site)).toMatch(why);
  });
});

describe('branch-gate', () => {
  const site = recipe('branch-gate', { residual_add: 'add', branch_writer_output: 'f' });

  test('x + γ(Wx + b) becomes x + (γW)x + γb, by hand', async () => {
    const text = `${HEAD} m (float[N, 2] x) => (float[N, 2] y)
      <float[2, 2] w = {1, 2, 3, 4}, float[2] b = {5, 6}, float[2] g = {10, -1}> { p = MatMul (x, w)  f = Add (p, b)  s = Mul (g, f)  [add] y = Add (x, s) }`;
    const done = await carryOut(runtime, text, site);
    expect(done.count('Mul')).toBe(0);
    expect(done.text).toMatch(/\{10, -2, 30, -4\}/);
    expect(done.text).toMatch(/\{50, -6\}/);
    expectClose((await done.run({ x: floats([1, 2], [1, 1]) }))['y']!, [1 + 90, 1 - 12]);
  });

  test.each([
    [
      'per channel behind a convolution',
      `f = Conv (x, w)  s = Mul (f, g)  [add] y = Add (s, x)`,
      `${normal('float[4, 4, 1, 1]', 'w', 1)}, ${normal('float[4, 1, 1]', 'g', 2)}`,
    ],
    [
      'a number behind a norm',
      `c = Conv (x, w)  ${norm('f', 'c', 'n')}  s = Mul (a, f)  [add] y = Add (x, s)`,
      `${normal('float[4, 4, 1, 1]', 'w', 1)}, float a = {0.3}, ${bn('n', 4, 5)}`,
    ],
    [
      'tanh of a parameter',
      `f = Conv (x, w, b)  t = Tanh (a)  s = Mul (f, t)  [add] y = Add (x, s)`,
      `${normal('float[4, 4, 1, 1]', 'w', 1)}, ${normal('float[4]', 'b', 3)}, float[1] a = {0.3}`,
    ],
    [
      'a divisor',
      `f = Conv (x, w, b)  s = Div (f, a)  [add] y = Add (x, s)`,
      `${normal('float[4, 4, 1, 1]', 'w', 1)}, ${normal('float[4]', 'b', 3)}, float a = {3}`,
    ],
  ])('%s', async (_, body, weights) => {
    const done = await carryOut(
      runtime,
      `${HEAD} m (float[B, 4, 5, 6] x) => (float[B, 4, 5, 6] y) <${weights}> { ${body} }`,
      site,
    );
    expect(done.count('Mul') + done.count('Div')).toBe(0);
    await expectSame(done, IMAGE);
  });

  test.each([
    ['there is no gate', 'f = Conv (x, w)  [add] y = Add (x, f)', /no constant gate/],
    [
      'the gate is computed',
      'f = Conv (x, w)  k = Sigmoid (x)  s = Mul (f, k)  [add] y = Add (x, s)',
      /no constant gate/,
    ],
    [
      'an activation ends the branch',
      'c = Conv (x, w)  f = Relu (c)  s = Mul (f, a)  [add] y = Add (x, s)',
      /Relu writes the value/,
    ],
  ])('keep: %s', async (_, body, why) => {
    const text = `${HEAD} m (float[B, 4, 5, 6] x) => (float[B, 4, 5, 6] y) <${normal('float[4, 4, 1, 1]', 'w', 1)}, float a = {0.3}> { ${body} }`;
    expect(await refusalOf(runtime, text, site)).toMatch(why);
  });
});

describe('residual-into-conv and residual-into-linear', () => {
  const conv = recipe('residual-into-conv', { residual_add: 'add' });
  const projected = recipe('residual-into-conv', { residual_add: 'add', skip_value: 'p' });
  const image = (body: string, weights: string): string =>
    `${HEAD} m (float[B, 4, 5, 6] x) => (float[B, P, Q, R] y) <${weights}> { ${body} }`;
  const W = (out: number, inn: number, k: number, name: string, seed: number): string =>
    normal(`float[${out}, ${inn}, ${k}, ${k}]`, name, seed);
  const P3 = 'kernel_shape = [3, 3], pads = [1, 1, 1, 1]';

  test.each([
    [
      'two convolutions with norms',
      `h = Relu (x)  a = Conv <${P3}> (h, w)  ${norm('an', 'a', 'n')}  r = Relu (an)  c = Conv <${P3}> (r, u)  ${norm('f', 'c', 'k')}  [add] y = Add (h, f)`,
      `${W(6, 4, 3, 'w', 1)}, ${W(4, 6, 3, 'u', 2)}, ${bn('n', 6, 10)}, ${bn('k', 4, 20)}`,
    ],
    [
      'a bottleneck with a grouped convolution',
      `h = Relu (x)  a = Conv (h, w)  r = Relu (a)  c = Conv <${P3}, group = 2> (r, u)  q = LeakyRelu (c)  f = Conv (q, v)  [add] y = Add (f, h)`,
      `${W(8, 4, 1, 'w', 1)}, ${W(8, 4, 3, 'u', 2)}, ${W(4, 8, 1, 'v', 3)}`,
    ],
    [
      'a depthwise convolution within [0, 6]',
      `h = Clip (x, lo, hi)  a = Conv (h, w)  r = Clip (a, lo, hi)  c = Conv <${P3}, group = 8> (r, u)  q = Clip (c, lo, hi)  f = Conv (q, v)  [add] y = Add (h, f)`,
      `${W(8, 4, 1, 'w', 1)}, ${W(8, 1, 3, 'u', 2)}, ${W(4, 8, 1, 'v', 3)}, float lo = {0}, float hi = {6}`,
    ],
    [
      'a projected skip with a stride',
      `h = Relu (x)  a = Conv <${P3}, strides = [2, 2]> (h, w)  r = Relu (a)  f = Conv <${P3}> (r, u)  s = Conv <strides = [2, 2]> (h, v)  ${norm('p', 's', 'n')}  [add] y = Add (p, f)`,
      `${W(6, 4, 3, 'w', 1)}, ${W(8, 6, 3, 'u', 2)}, ${W(8, 4, 1, 'v', 3)}, ${bn('n', 8, 10)}`,
    ],
    [
      'no activation: no sign is needed',
      `f = Conv <${P3}> (x, w)  [add] z = Add (x, f)  y = Identity (z)`,
      W(4, 4, 3, 'w', 1),
    ],
  ])('%s', async (name, body, weights) => {
    const site = name.includes('projected') ? projected : conv;
    const done = await carryOut(runtime, image(body, weights), site);
    expect(done.count('Add')).toBe(0);
    await expectSame(done, IMAGE);
  });

  test('linear layers', async () => {
    const text = `${HEAD} m (float[B, T, 4] x) => (float[B, T, 4] y) <${normal('float[4, 6]', 'w', 1)}, ${normal('float[6]', 'b', 2)}, ${normal('float[6, 4]', 'u', 3)}>
      { h = Relu (x)  p = MatMul (h, w)  a = Add (p, b)  r = Relu (a)  f = MatMul (r, u)  [add] z = Add (h, f)  y = Relu (z) }`;
    const done = await carryOut(runtime, text, recipe('residual-into-linear', { residual_add: 'add' }));
    expect(done.count('MatMul')).toBe(2);
    await expectSame(done, { x: probe([2, 3, 4]) });
  });

  test.each([
    [
      'x may be negative',
      `a = Conv (x, w)  r = Relu (a)  f = Conv (r, u)  [add] y = Add (x, f)`,
      /not proven to be non-negative/,
    ],
    [
      'x may exceed what the activation lets through',
      `h = Relu (x)  a = Conv (h, w)  r = Clip (a, lo, hi)  f = Conv (r, u)  [add] y = Add (h, f)`,
      /Clip does not leave/,
    ],
    [
      'the activation bends positive numbers',
      `h = Relu (x)  a = Conv (h, w)  r = Sigmoid (a)  f = Conv (r, u)  [add] y = Add (h, f)`,
      /not a chain|not linear/,
    ],
    [
      'the first window makes the image larger',
      `h = Relu (x)  a = Conv <kernel_shape = [3, 3], pads = [2, 2, 2, 2]> (h, k)  r = Relu (a)  q = Conv <kernel_shape = [3, 3], pads = [0, 0, 0, 0]> (r, k)  f = Conv (q, u)  [add] y = Add (h, f)`,
      /moves or resizes/,
    ],
  ])('keep: %s', async (_, body, why) => {
    const weights = `${W(4, 4, 1, 'w', 1)}, ${W(4, 4, 1, 'u', 2)}, ${W(4, 4, 3, 'k', 3)}, float lo = {0}, float hi = {6}`;
    expect(await refusalOf(runtime, image(body, weights), conv)).toMatch(why);
  });
});
