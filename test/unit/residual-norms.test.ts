import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { Network, type Wire } from '../support/network.js';

const D = 8;

/** Kinds of the norms of a network with one norm, spelled by `spell`, before a layer. */
function kindsOf(
  spell: (net: Network, x: Wire) => Wire,
  dims = `N,16,${D}`,
  opset = 17,
): Readonly<Record<string, number>> {
  const net = new Network();
  const y = spell(net, net.relu(net.input(dims)));
  return inspect(net.build([net.relu(y)], opset)).residual.normKinds as Readonly<Record<string, number>>;
}

const mean = (net: Network, x: Wire): Wire => net.op('ReduceMean', [x], 'axes = [-1]');
const square = (net: Network, x: Wire): Wire => net.op('Pow', [x, net.scalar(2)]);
const root = (net: Network, x: Wire): Wire => net.op('Sqrt', [net.add(x, net.scalar(1e-6))]);
const affine = (net: Network, x: Wire): Wire => net.add(net.mul(net.parameter(D), x), net.parameter(D));

describe('layer norm', () => {
  const spellings: Readonly<Record<string, (net: Network, x: Wire) => Wire>> = {
    'Div by the root of the variance': (net, x) => {
      const c = net.op('Sub', [x, mean(net, x)]);
      return affine(net, net.op('Div', [c, root(net, mean(net, square(net, c)))]));
    },
    'Mul by the Reciprocal, square as Mul, without affine': (net, x) => {
      const c = net.op('Sub', [x, mean(net, x)]);
      return net.mul(net.op('Reciprocal', [root(net, mean(net, net.mul(c, c)))]), c);
    },
    'the difference taken twice': (net, x) => {
      const [c, d] = [net.op('Sub', [x, mean(net, x)]), net.op('Sub', [x, mean(net, x)])];
      return net.op('Div', [c, root(net, mean(net, net.mul(d, c)))]);
    },
    'variance as mean of squares less square of mean': (net, x) => {
      const m = mean(net, x);
      const variance = net.op('Sub', [mean(net, net.mul(x, x)), net.mul(m, m)]);
      return net.op('Div', [net.op('Sub', [x, m]), root(net, variance)]);
    },
    'scale and shift folded into factors': (net, x) => {
      const m = mean(net, x);
      const variance = mean(net, square(net, net.op('Sub', [x, m])));
      const k = net.mul(net.op('Reciprocal', [root(net, variance)]), net.parameter(D));
      return net.add(net.mul(x, k), net.op('Sub', [net.parameter(D), net.mul(m, k)]));
    },
    'sums divided by the size, Casts between': (net, x) => {
      const y = net.op('Cast', [x], 'to = 1');
      const m = net.op('Div', [net.op('ReduceSum', [y, net.ints(-1)]), net.scalar(D)]);
      const c = net.op('Sub', [y, m]);
      const variance = net.op('Div', [net.op('ReduceSum', [net.mul(c, c), net.ints(-1)]), net.scalar(D)]);
      return affine(net, net.op('Cast', [net.op('Div', [c, root(net, variance)])], 'to = 1'));
    },
    'epsilon added to the deviation': (net, x) => {
      const c = net.op('Sub', [x, mean(net, x)]);
      return net.op('Div', [c, net.add(net.op('Sqrt', [mean(net, square(net, c))]), net.scalar(1e-6))]);
    },
  };
  test.each(Object.entries(spellings))('%s', (_, spell) => {
    expect(kindsOf(spell)).toEqual({ layer: 1 });
  });

  test('over channels first', () => {
    const spell = (net: Network, x: Wire): Wire => {
      const m = net.op('ReduceMean', [x], 'axes = [1]');
      const c = net.op('Sub', [x, m]);
      const y = net.op('Div', [c, root(net, net.op('ReduceMean', [square(net, c)], 'axes = [1]'))]);
      return net.add(net.mul(y, net.parameter(D, 1, 1)), net.parameter(D, 1, 1));
    };
    expect(kindsOf(spell, `N,${D},4,4`)).toEqual({ layer: 1 });
  });

  test('a deviation of something else is none', () => {
    const spell = (net: Network, x: Wire): Wire => net.op('Div', [x, root(net, mean(net, square(net, net.relu(x))))]);
    expect(kindsOf(spell)).toEqual({});
  });
});

describe('other norms', () => {
  test('RMS norm with Pow, Mul and Rsqrt forms', () => {
    expect(
      kindsOf((net, x) => net.mul(net.parameter(D), net.op('Div', [x, root(net, mean(net, square(net, x)))]))),
    ).toEqual({ rms: 1 });
    expect(
      kindsOf((net, x) => {
        const power = net.op('Pow', [net.add(mean(net, net.mul(x, x)), net.scalar(1e-6)), net.scalar(-0.5)]);
        return net.mul(net.mul(x, power), net.add(net.parameter(D), net.scalar(1)));
      }),
    ).toEqual({ rms: 1 });
  });

  test('a length times the root of the width is an RMS norm, alone it is an L2 norm', () => {
    const length = (net: Network, x: Wire): Wire =>
      net.op('Div', [x, net.op('Max', [net.op('ReduceL2', [x], 'axes = [-1]'), net.scalar(1e-12)])]);
    expect(kindsOf(length)).toEqual({ l2: 1 });
    expect(kindsOf((net, x) => net.mul(net.mul(length(net, x), net.scalar(Math.sqrt(D))), net.parameter(D)))).toEqual({
      rms: 1,
    });
  });

  test('group norm through InstanceNormalization; as many groups as channels, or no reshaping, is instance norm', () => {
    const through =
      (groups: number) =>
      (net: Network, x: Wire): Wire => {
        const y = net.op('Reshape', [x, net.ints(0, groups, -1)]);
        const n = net.op('InstanceNormalization', [y, net.parameter(groups), net.parameter(groups)]);
        const back = net.op('Reshape', [n, net.ints(0, D, 4, 4)]);
        return net.add(net.mul(back, net.parameter(D, 1, 1)), net.parameter(D, 1, 1));
      };
    expect(kindsOf(through(2), `N,${D},4,4`)).toEqual({ group: 1 });
    expect(kindsOf(through(1), `N,${D},4,4`)).toEqual({ group: 1 });
    expect(kindsOf(through(D), `N,${D},4,4`)).toEqual({ instance: 1 });
    const plain = (net: Network, x: Wire): Wire =>
      net.op('InstanceNormalization', [x, net.parameter(D), net.parameter(D)]);
    expect(kindsOf(plain, `N,${D},4,4`)).toEqual({ instance: 1 });
  });

  test('DyT and the affine in the place of a norm; GELU and a scale alone are none', () => {
    expect(kindsOf((net, x) => affine(net, net.op('Tanh', [net.mul(x, net.scalar(0.5))])))).toEqual({ dyt: 1 });
    expect(kindsOf(affine)).toEqual({ affine: 1 });
    expect(kindsOf((net, x) => net.gelu(x))).toEqual({});
    expect(kindsOf((net, x) => net.mul(x, net.parameter(D)))).toEqual({});
  });

  test('norms of weights are none', () => {
    const spell = (net: Network, x: Wire): Wire => {
      const w = net.parameter(D, D);
      const c = net.op('Sub', [w, mean(net, w)]);
      const standardized = net.op('Div', [c, root(net, mean(net, square(net, c)))]);
      return net.op('MatMul', [x, standardized]);
    };
    expect(kindsOf(spell)).toEqual({});
  });

  test('fused operators', () => {
    const net = new Network();
    const x = net.relu(net.input(`N,16,${D}`));
    const f = net.mlp(x, D);
    const [y] = net.ops('com.microsoft.SkipLayerNormalization', [f, x, net.parameter(D), net.parameter(D)], 1);
    const [z, , , sum] = net.ops(
      'com.microsoft.SkipSimplifiedLayerNormalization',
      [net.mlp(y!, D), y!, net.parameter(D)],
      4,
    );
    const [end] = net.ops(
      'com.microsoft.SkipSimplifiedLayerNormalization',
      [net.mlp(z!, D), sum!, net.parameter(D)],
      1,
    );
    const report = inspect(net.build([net.linear(end!, D, 3)])).residual;
    expect(report.normKinds).toEqual({ layer: 1, rms: 2 });
    expect(report.sites.map(({ kind, placement }) => `${kind}/${placement}`)).toEqual([
      'identity/post',
      'identity/none',
      'identity/pre',
    ]);
  });
});
