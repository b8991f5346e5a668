import { describe, expect, test } from '@jest/globals';
import { check } from '../../src/api/check.js';
import { Network, type Wire } from '../support/network.js';
import { graphOf } from '../support/model.js';

const D = 8;

/** Codes of the findings of a network, each once. */
function codesOf(net: Network, ...outputs: readonly Wire[]): readonly string[] {
  return [...new Set(check(net.build(outputs)).findings.map(({ code }) => code))];
}

function tokens(): { readonly net: Network; readonly x: Wire } {
  const net = new Network();
  return { net, x: net.linear(net.input(`N,4,${D}`), D, D) };
}

/** A pre-norm stream of `count` sites; `between` may put something on the stream. */
function preNorm(count: number, between: (net: Network, x: Wire, index: number) => Wire, final = true): Network {
  const { net, x } = tokens();
  let at = x;
  for (let i = 0; i < count; i++) at = between(net, net.add(at, net.mlp(net.layerNorm(at, D), D)), i);
  net.output(net.linear(final ? net.layerNorm(at, D) : at, D, 3));
  return net;
}

const plain = (_: Network, x: Wire): Wire => x;

describe('streams', () => {
  test('a pre-norm stream without a final norm', () => {
    expect(codesOf(preNorm(4, plain, false))).toEqual(['residual/final-norm-missing']);
    expect(codesOf(preNorm(4, plain))).toEqual([]);
  });

  test('a norm on the stream of a pre-norm network', () => {
    expect(codesOf(preNorm(9, (net, x, i) => (i === 4 ? net.layerNorm(x, D) : x)))).toEqual(['residual/trunk-norm']);
    const everywhere = codesOf(preNorm(9, (net, x) => net.layerNorm(x, D)));
    expect(everywhere).not.toContain('residual/trunk-norm');
  });

  test('a post-norm site in a pre-norm stream', () => {
    const net = preNorm(6, (each, x, i) => {
      return i === 2 ? each.layerNorm(each.add(x, each.mlp(x, D)), D) : x;
    });
    expect(codesOf(net)).toContain('residual/mixed-placement');
    const halves = preNorm(6, (each, x, i) => (i < 3 ? x : each.layerNorm(each.add(x, each.mlp(x, D)), D)));
    expect(codesOf(halves)).not.toContain('residual/mixed-placement');
  });

  test('activations on the stream', () => {
    expect(codesOf(preNorm(4, (net, x, i) => (i < 3 ? net.relu(x) : x)))).toEqual(['residual/trunk-activation']);
    expect(codesOf(preNorm(4, (net, x, i) => (i === 3 ? net.relu(x) : x)))).not.toContain('residual/trunk-activation');
  });

  test('more depth than anything scales', () => {
    expect(codesOf(preNorm(70, plain))).toEqual(['residual/depth']);
    expect(
      codesOf(preNorm(70, (net, x, i) => (i % 20 === 0 ? net.add(x, net.mul(net.mlp(x, D), net.parameter(D))) : x))),
    ).not.toContain('residual/depth');
  });

  test('a very deep post-norm stream', () => {
    const deep = (scaled: boolean): Network => {
      const { net, x } = tokens();
      let at = x;
      for (let i = 0; i < 72; i++) {
        const skip = scaled ? net.mul(at, net.scalar(3)) : at;
        at = net.layerNorm(net.add(skip, net.mlp(at, D)), D);
      }
      net.output(net.linear(at, D, 3));
      return net;
    };
    expect(codesOf(deep(false))).toContain('residual/post-norm-depth');
    expect(codesOf(deep(true))).toEqual([]);
  });

  test('a float16 stream that no norm brings back', () => {
    const blocks = (count: number): string =>
      Array.from(
        { length: count },
        (_, i) =>
          `h${i} = MatMul (x${i}, w)  r${i} = Relu (h${i})  f${i} = MatMul (r${i}, w)  x${i + 1} = Add (x${i}, f${i})`,
      ).join('  ');
    const model = (dtype: string, count: number): readonly string[] =>
      check(
        graphOf(`(${dtype}[N,8] x0) => (${dtype}[N,8] x${count})
          <${dtype}[8,8] w = ["location": "fill:normal", "seed": "1"]> { ${blocks(count)} }`),
      ).findings.map(({ code }) => code);
    expect(model('float16', 14)).toEqual(['residual/float16-stream']);
    expect(model('float16', 4)).toEqual([]);
    expect(model('float', 14)).toEqual([]);
  });

  test('concatenation that widens the stream', () => {
    const dense = (layers: number): Network => {
      const net = new Network();
      let at = net.conv(net.input('N,3,8,8'), 3, 4);
      for (let i = 0; i < layers; i++) {
        const width = 4 + 4 * i;
        at = net.op('Concat', [at, net.relu(net.conv(at, width, 4))], 'axis = 1');
      }
      net.output(net.conv(at, 4 + 4 * layers, 3));
      return net;
    };
    expect(codesOf(dense(3))).toEqual(['residual/concat-growth']);
    expect(codesOf(dense(2))).toEqual([]);
  });
});

describe('norms', () => {
  test('two in a row', () => {
    const { net, x } = tokens();
    const y = net.add(x, net.mlp(net.layerNorm(net.layerNorm(x, D), D), D));
    expect(codesOf(net, net.linear(y, D, 3))).toEqual(['residual/double-norm']);
    const { net: other, x: z } = tokens();
    const apart = other.add(z, other.mlp(other.layerNorm(other.linear(other.layerNorm(z, D), D, D), D), D));
    expect(codesOf(other, other.linear(apart, D, 3))).toEqual([]);
  });

  test('epsilon that vanishes in float16, and one that does not', () => {
    const codes = (epsilon: string): readonly string[] =>
      check(
        graphOf(`(float16[N,8] x) => (float16[N,8] y) <float16[8] g = ["location": "fill:ones"]> {
          y = LayerNormalization <axis = -1, epsilon = ${epsilon}> (x, g) }`),
      ).findings.map(({ code }) => code);
    expect(codes('1e-12')).toEqual(['residual/epsilon']);
    expect(codes('1e-5')).toEqual([]);
  });
});

describe('branches and skips', () => {
  const site = (
    branch: (net: Network, x: Wire) => Wire,
    skip: (net: Network, x: Wire) => Wire = plain,
  ): readonly string[] => {
    const { net, x } = tokens();
    return codesOf(net, net.linear(net.add(skip(net, x), branch(net, x)), D, 3));
  };

  test('a healthy site has no findings', () => {
    expect(site((net, x) => net.mlp(x, D))).toEqual([]);
  });

  test('a branch times zero, a skip times zero', () => {
    expect(site((net, x) => net.mul(net.mlp(x, D), net.scales(0, 0, 0, 0, 0, 0, 0, 0)))).toEqual([
      'residual/dead-branch',
    ]);
    expect(site((net, x) => net.mul(net.mlp(x, D), net.scales(0, 0, 0, 0, 1, 0, 0, 0)))).toEqual([]);
    const scaled = (first: number): readonly string[] =>
      site(
        (net, x) => net.mlp(x, D),
        (net, x) => net.mul(x, net.scales(first, 0, 0, 0, 0, 0, 0, 0)),
      );
    expect(scaled(1)).toEqual([]);
  });

  test('a linear branch', () => {
    expect(site((net, x) => net.linear(x, D, D))).toEqual(['residual/linear-branch']);
  });

  test('a branch that ends in Relu', () => {
    expect(site((net, x) => net.relu(net.linear(net.relu(net.linear(x, D, D)), D, D)))).toEqual([
      'residual/one-sided-branch',
    ]);
    expect(
      site((net, x) => net.mul(net.relu(net.linear(net.relu(net.linear(x, D, D)), D, D)), net.scalar(-1))),
    ).toEqual([]);
  });

  test('a skip around nothing', () => {
    expect(site((_, x) => x)).toEqual(['residual/self-sum']);
  });

  test('a projection that changes nothing, and one that is needed', () => {
    const net = new Network();
    const x = net.relu(net.conv(net.input('N,3,8,8'), 3, 8));
    const same = net.add(net.conv(net.relu(net.conv(x, 8, 8)), 8, 8), net.conv(x, 8, 8, { kernel: 1 }));
    expect(codesOf(net, net.conv(net.relu(same), 8, 3))).toEqual(['residual/needless-projection']);
    const other = new Network();
    const y = other.relu(other.conv(other.input('N,3,8,8'), 3, 8));
    const wider = other.add(other.conv(other.relu(other.conv(y, 8, 16)), 16, 16), other.conv(y, 8, 16, { kernel: 1 }));
    expect(codesOf(other, other.conv(other.relu(wider), 16, 3))).toEqual([]);
  });

  test('a skip that is padded to fit', () => {
    const net = new Network();
    const x = net.relu(net.conv(net.input('N,3,8,8'), 3, 8));
    const branch = net.conv(net.relu(net.conv(x, 8, 16)), 16, 16);
    const skip = net.op('Pad', [x, net.ints(0, 4, 0, 0, 0, 4, 0, 0)]);
    expect(codesOf(net, net.conv(net.add(branch, skip), 16, 3))).toEqual(['residual/padded-skip']);
    const other = new Network();
    const y = other.relu(other.conv(other.input('N,3,8,8'), 3, 8));
    const inner = other.op('Pad', [
      other.conv(other.relu(other.conv(y, 8, 8)), 8, 4),
      other.ints(0, 2, 0, 0, 0, 2, 0, 0),
    ]);
    expect(codesOf(other, other.conv(other.add(inner, y), 8, 3))).toEqual([]);
  });

  test('a stream that is rounded to float16 on its way', () => {
    const model = (to: number): readonly string[] =>
      check(
        graphOf(`(float[N,8] x) => (float[N,8] y) <float[8,8] w = ["location": "fill:normal", "seed": "1"]> {
          h = MatMul (x, w)  r = Relu (h)  f = MatMul (r, w)  f16 = Cast <to = ${to}> (f)  x16 = Cast <to = ${to}> (x)
          s = Add (x16, f16)  y = Cast <to = 1> (s) }`),
      ).findings.map(({ code }) => code);
    expect(model(10)).toEqual(['residual/dtype']);
    expect(model(1)).toEqual([]);
  });
});
