import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { Network, type Wire } from '../support/network.js';

/** `kind/placement` of every site, in order. */
function sitesOf(net: Network, ...outputs: readonly Wire[]): readonly string[] {
  return inspect(net.build(outputs)).residual.sites.map(({ kind, placement }) => `${kind}/${placement}`);
}

const C = 8;
const D = 16;

function image(): { readonly net: Network; readonly x: Wire } {
  const net = new Network();
  return { net, x: net.relu(net.conv(net.input('N,3,32,32'), 3, C)) };
}

function tokens(): { readonly net: Network; readonly x: Wire } {
  const net = new Network();
  return { net, x: net.linear(net.input(`N,17,${D}`), D, D) };
}

const global = (net: Network, x: Wire): Wire => net.op('GlobalAveragePool', [x]);
describe('norms over reshaped values', () => {
  const decomposed = (net: Network, x: Wire): Wire => {
    const centered = net.op('Sub', [x, net.op('ReduceMean', [x], 'axes = [-1]')]);
    const variance = net.op('ReduceMean', [net.op('Pow', [centered, net.scalar(2)])], 'axes = [-1]');
    return net.op('Div', [centered, net.op('Sqrt', [net.add(variance, net.scalar(1e-5))])]);
  };

  test('positions laid out in a row and normalized by channels are a layer norm', () => {
    const net = new Network();
    const rows = net.op('Reshape', [net.input(`N,4,4,${D}`), net.ints(0, 16, D)]);
    const y = net.mul(decomposed(net, rows), net.parameter(D));
    expect(inspect(net.build([net.linear(y, D, 3)])).residual.normKinds).toEqual({ layer: 1 });
  });

  test('channels laid out in groups are a group norm', () => {
    const net = new Network();
    const groups = net.op('Reshape', [net.input(`N,${D},4,4`), net.ints(0, 4, -1)]);
    const y = net.op('Reshape', [decomposed(net, groups), net.ints(0, D, 4, 4)]);
    expect(inspect(net.build([net.conv(y, D, 3)])).residual.normKinds).toEqual({ group: 1 });
  });
});

describe('layers in parts', () => {
  test('two convolutions of one value that are added are one layer: the branch stays one', () => {
    const { net, x } = image();
    const h = net.relu(net.conv(net.relu(net.conv(x, C, C)), C, C));
    const y = net.add(net.add(net.conv(h, C, C), net.conv(h, C, C, { kernel: 1 })), x);
    expect(sitesOf(net, global(net, net.conv(y, C, C)))).toEqual(['identity/none']);
  });

  test('two branches with layers of their own are parallel', () => {
    const { net, x } = image();
    const layers = (): Wire => net.conv(net.relu(net.conv(x, C, C)), C, C);
    expect(sitesOf(net, global(net, net.conv(net.add(net.add(layers(), layers()), x), C, C)))).toEqual([
      'parallel/none',
    ]);
  });
});

describe('quantized networks', () => {
  const quantized = (net: Network, x: Wire, zero: string): Wire => {
    const parameters = [net.scalar(0.1), net.op('Constant', [], `value = ${zero}`)];
    return net.op('DequantizeLinear', [net.op('QuantizeLinear', [x, ...parameters]), ...parameters]);
  };

  test('a zero point at the least number cuts off what is below zero', () => {
    const sites = (zero: string): readonly string[] => {
      const { net, x } = image();
      const h = quantized(net, net.conv(x, C, 16, { stride: 2 }), zero);
      const y = net.add(net.conv(h, 16, 16), net.conv(x, C, 16, { stride: 2, kernel: 1 }));
      return sitesOf(net, global(net, net.conv(y, 16, 3)));
    };
    expect(sites('uint8 {0}')).toEqual(['projection/none']);
    expect(sites('int8 {-128}')).toEqual(['projection/none']);
    expect(sites('uint8 {3}')).toEqual([]);
  });

  test('the scale of an integer product is no scale of the branch, one after it is', () => {
    const sites = (scaled: boolean, biased: boolean): readonly string[] => {
      const net = new Network();
      const x = net.linear(net.input(`4,${D}`), D, D);
      const h = net.relu(net.linear(net.layerNorm(x, D), D, D));
      const [q, scale] = net.ops('DynamicQuantizeLinear', [h], 3) as [Wire, Wire, Wire];
      const weight = net.op('Cast', [net.parameter(D, D)], 'to = 3');
      const integers = net.op('MatMulInteger', [q, weight]);
      const bias = net.op('Cast', [net.parameter(D)], 'to = 6');
      const product = net.op('Cast', [biased ? net.add(integers, bias) : integers], 'to = 1');
      const f = net.mul(product, net.mul(scale, net.scalar(0.01)));
      return sitesOf(net, net.linear(net.add(x, scaled ? net.mul(f, net.scalar(0.5)) : f), D, 3));
    };
    for (const biased of [false, true]) {
      expect(sites(false, biased)).toEqual(['identity/pre']);
      expect(sites(true, biased)).toEqual(['scaled/pre']);
    }
  });
});

describe('norms of whole networks', () => {
  test('ScaleNorm: the gain before the division', () => {
    const { net, x } = tokens();
    const norm = (v: Wire): Wire => {
      const length = net.op('Clip', [net.op('ReduceL2', [v], 'axes = [-1]'), net.scalar(1e-5)]);
      return net.op('Div', [net.mul(v, net.scalar(3)), length]);
    };
    const y = net.add(x, net.mlp(norm(x), D));
    const { residual } = inspect(net.build([net.linear(norm(y), D, 3)]));
    expect(residual.sites.map(({ placement }) => placement)).toEqual(['pre']);
    expect(residual.normKinds).toEqual({ l2: 2 });
    expect(residual.finalNorm).toBe(true);
  });

  test('Mix-LN: norms after the first blocks do not take the final norm away from the last ones', () => {
    const { net, x } = tokens();
    let at = x;
    for (let index = 0; index < 2; index++) at = net.layerNorm(net.add(at, net.mlp(at, D)), D);
    for (let index = 0; index < 3; index++) at = net.add(at, net.mlp(net.layerNorm(at, D), D));
    const { residual } = inspect(net.build([net.linear(net.layerNorm(at, D), D, 3)]));
    expect(residual.sites.map(({ placement }) => placement)).toEqual(['post', 'post', 'pre', 'pre', 'pre']);
    expect(residual.finalNorm).toBe(true);
  });
});
