import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { Network, type Wire } from '../support/network.js';

/** `kind/placement` of every site, in order. */
function sitesOf(net: Network, ...outputs: readonly Wire[]): readonly string[] {
  return inspect(net.build(outputs)).residual.sites.map(({ kind, placement }) => `${kind}/${placement}`);
}

const C = 8;

function image(): { readonly net: Network; readonly x: Wire } {
  const net = new Network();
  return { net, x: net.relu(net.conv(net.input('N,3,32,32'), 3, C)) };
}

function convNorm(net: Network, x: Wire, from: number, to: number, stride = 1, kernel = 3): Wire {
  return net.batchNorm(net.conv(x, from, to, { stride, kernel, bias: false }), to);
}

const pool = (net: Network, x: Wire): Wire => net.op('MaxPool', [x], 'kernel_shape = [2, 2], strides = [2, 2]');
const global = (net: Network, x: Wire): Wire => net.op('GlobalAveragePool', [x]);
const up = (net: Network, x: Wire): Wire => net.op('Resize', [x, '', net.scales(1, 1, 2, 2)], 'mode = "nearest"');

describe('residual networks', () => {
  test('ResNet: identity and projection, norm at the branch end', () => {
    const { net, x } = image();
    const a = net.relu(net.add(convNorm(net, net.relu(convNorm(net, x, C, C)), C, C), x));
    const branch = convNorm(net, net.relu(convNorm(net, a, C, 16, 2)), 16, 16);
    const b = net.relu(net.add(branch, convNorm(net, a, C, 16, 2, 1)));
    expect(sitesOf(net, global(net, b))).toEqual(['identity/post-branch', 'projection/post-branch']);
  });

  test('ResNet v2: the projection reads the activated input', () => {
    const { net, x } = image();
    const n = net.relu(net.batchNorm(x, C));
    const branch = net.conv(net.relu(net.batchNorm(net.conv(n, C, 16, { stride: 2 }), 16)), 16, 16);
    const a = net.add(branch, net.conv(n, C, 16, { stride: 2, kernel: 1 }));
    const m = net.relu(net.batchNorm(a, 16));
    const b = net.add(a, net.conv(net.relu(net.batchNorm(net.conv(m, 16, 16), 16)), 16, 16));
    const end = net.relu(net.batchNorm(b, 16));
    const report = inspect(net.build([global(net, end)])).residual;
    expect(report.sites.map(({ kind, placement }) => `${kind}/${placement}`)).toEqual([
      'projection/pre-activation',
      'identity/pre-activation',
    ]);
    expect(report.finalNorm).toBe(true);
  });

  test('option A: strides and zeros on the skip', () => {
    const { net, x } = image();
    const branch = convNorm(net, net.relu(convNorm(net, x, C, 16, 2)), 16, 16);
    const pooled = net.op('AveragePool', [x], 'kernel_shape = [1, 1], strides = [2, 2]');
    const skip = net.op('Pad', [pooled, net.ints(0, 4, 0, 0, 0, 4, 0, 0)]);
    expect(sitesOf(net, global(net, net.relu(net.add(branch, skip))))).toEqual(['projection/post-branch']);
  });

  test('squeeze-and-excitation at the end of a branch is no gate and hides no norm', () => {
    const { net, x } = image();
    const f = convNorm(net, net.relu(convNorm(net, x, C, C)), C, C);
    const s = net.op('Sigmoid', [
      net.conv(net.relu(net.conv(global(net, f), C, 2, { kernel: 1 })), 2, C, { kernel: 1 }),
    ]);
    expect(sitesOf(net, global(net, net.relu(net.add(net.mul(f, s), x))))).toEqual(['identity/post-branch']);
  });

  test('squeeze-and-excitation alone is no site, with its input added it is gated', () => {
    const { net, x } = image();
    const s = net.op('HardSigmoid', [net.conv(global(net, x), C, C, { kernel: 1 })]);
    expect(sitesOf(net, global(net, net.mul(x, s)))).toEqual([]);
    const other = image();
    const t = other.net.op('HardSigmoid', [other.net.conv(global(other.net, other.x), C, C, { kernel: 1 })]);
    const y = other.net.add(other.x, other.net.mul(other.x, t));
    expect(sitesOf(other.net, global(other.net, y))).toEqual(['gated/none']);
  });

  test('RepVGG: convolutions beside a norm of the input are identity', () => {
    const { net, x } = image();
    const sum = net.add(net.add(convNorm(net, x, C, C), convNorm(net, x, C, C, 1, 1)), net.batchNorm(x, C));
    expect(sitesOf(net, global(net, net.relu(sum)))).toEqual(['identity/post-branch']);
  });

  test('Res2Net: parts that are added inside of a branch are no sites', () => {
    const { net, x } = image();
    const h = net.relu(convNorm(net, x, C, C, 1, 1));
    const parts = net.ops('Split', [h, net.ints(2, 2, 2, 2)], 4, 'axis = 1') as readonly [Wire, Wire, Wire, Wire];
    const a = net.relu(convNorm(net, parts[0], 2, 2));
    const b = net.relu(convNorm(net, net.add(a, parts[1]), 2, 2));
    const c = net.relu(convNorm(net, net.add(b, parts[2]), 2, 2));
    const joined = net.op('Concat', [a, b, c, parts[3]], 'axis = 1');
    const y = net.relu(net.add(convNorm(net, joined, C, C, 1, 1), x));
    expect(sitesOf(net, global(net, y))).toEqual(['identity/post-branch']);
  });

  test('SKNet: branches that attention weighs against each other are no site', () => {
    const { net, x } = image();
    const [u, v] = [net.relu(convNorm(net, x, C, C)), net.relu(convNorm(net, x, C, C, 1, 1))];
    const s = net.relu(net.conv(global(net, net.add(u, v)), C, 4, { kernel: 1 }));
    const weights = net.op(
      'Softmax',
      [net.op('Concat', [net.conv(s, 4, C, { kernel: 1 }), net.conv(s, 4, C, { kernel: 1 })], 'axis = 3')],
      'axis = 3',
    );
    const [p, q] = net.ops('Split', [weights, net.ints(1, 1)], 2, 'axis = 3') as readonly [Wire, Wire];
    expect(sitesOf(net, global(net, net.add(net.mul(u, p), net.mul(v, q))))).toEqual([]);
  });

  test('ghost modules: cheap copies beside their originals are no connection', () => {
    const { net, x } = image();
    const h = net.relu(convNorm(net, x, C, C));
    const cheap = net.relu(net.batchNorm(net.conv(h, C, C, { group: C }), C));
    expect(sitesOf(net, net.conv(net.op('Concat', [h, cheap], 'axis = 1'), 16, 3))).toEqual([]);
  });

  test('NHWC: transposes around every convolution', () => {
    const net = new Network();
    const first = net.input('N,32,32,8');
    const conv = (at: Wire): Wire => {
      const y = net.conv(net.op('Transpose', [at], 'perm = [0, 3, 1, 2]'), C, C);
      return net.op('Transpose', [y], 'perm = [0, 2, 3, 1]');
    };
    const x = net.relu(conv(first));
    const a = net.add(x, conv(net.relu(conv(x))));
    const joined = net.op('Concat', [a, conv(net.relu(conv(a)))], 'axis = 3');
    const y = net.op('Transpose', [joined], 'perm = [0, 3, 1, 2]');
    expect(sitesOf(net, net.conv(y, 16, 3))).toEqual(['identity/none', 'dense-concat/none']);
  });
});

describe('dense and long skips', () => {
  test('DenseNet: features of all layers concatenated', () => {
    const { net, x } = image();
    const layer = (at: Wire, width: number): Wire => net.conv(net.relu(net.batchNorm(at, width)), width, 4);
    const a = net.op('Concat', [x, layer(x, C)], 'axis = 1');
    const b = net.op('Concat', [a, layer(a, 12)], 'axis = 1');
    expect(sitesOf(net, net.conv(net.relu(net.batchNorm(b, 16)), 16, 3))).toEqual([
      'dense-concat/pre-activation',
      'dense-concat/pre-activation',
    ]);
  });

  test('Inception, ASPP and ShuffleNet: no operand holds what another one was made from', () => {
    const { net, x } = image();
    const inception = net.op(
      'Concat',
      [net.relu(net.conv(x, C, 4)), net.relu(net.conv(x, C, 4, { kernel: 1 })), net.relu(net.conv(pool(net, x), C, 4))],
      'axis = 1',
    );
    const [left, right] = net.ops('Split', [inception, net.ints(6, 6)], 2, 'axis = 1') as [Wire, Wire];
    const shuffle = net.op('Concat', [left, net.relu(net.conv(net.relu(net.conv(right, 6, 6)), 6, 6))], 'axis = 1');
    expect(sitesOf(net, net.conv(shuffle, 12, 3))).toEqual([]);
  });

  test('U-Net, also with attention gates on its skips', () => {
    for (const gated of [false, true]) {
      const { net, x } = image();
      const down = net.relu(net.conv(pool(net, x), C, 16));
      const deep = up(net, net.relu(net.conv(down, 16, C)));
      const mask = net.op('Sigmoid', [net.conv(net.relu(net.add(net.conv(x, C, 4), net.conv(deep, C, 4))), 4, 1)]);
      const skip = gated ? net.mul(x, mask) : x;
      expect(sitesOf(net, net.conv(net.op('Concat', [skip, deep], 'axis = 1'), 16, 3))).toEqual(['long-concat/none']);
    }
  });

  test('LinkNet and feature pyramids add across stages', () => {
    const { net, x } = image();
    const c2 = net.relu(net.conv(net.relu(net.conv(x, C, 16, { stride: 2 })), 16, 16));
    const c3 = net.relu(net.conv(net.relu(net.conv(c2, 16, 16, { stride: 2 })), 16, 16));
    const link = net.add(c2, up(net, net.relu(net.conv(c3, 16, 16))));
    const p2 = net.add(net.conv(c2, 16, 16, { kernel: 1 }), up(net, net.conv(c3, 16, 16, { kernel: 1 })));
    const kinds = inspect(net.build([net.conv(link, 16, 3), net.conv(p2, 16, 3)])).residual.kinds;
    expect(kinds).toEqual({ 'long-additive': 2 });
  });

  test('a global skip around residual blocks is long', () => {
    const { net, x } = image();
    const a = net.add(x, net.conv(net.relu(net.conv(x, C, C)), C, C));
    const b = net.add(a, net.conv(net.relu(net.conv(a, C, C)), C, C));
    const y = net.add(x, net.conv(b, C, C));
    expect(sitesOf(net, net.conv(y, C, 3))).toEqual(['identity/none', 'identity/none', 'long-additive/none']);
  });
});

describe('sums that are no residual connection', () => {
  test('bias, position, doubling, towers, polynomial activations, time embeddings', () => {
    const net = new Network();
    const x = net.linear(net.input('N,16,8'), C, C);
    const positioned = net.add(x, net.parameter(1, 16, C));
    const doubled = net.add(positioned, positioned);
    const cubic = net.add(doubled, net.mul(net.scalar(0.04), net.op('Pow', [doubled, net.scalar(3)])));
    const towers = net.add(net.linear(cubic, C, C), net.linear(net.input('N,16,8'), C, C));
    const time = net.op('Unsqueeze', [net.linear(net.relu(net.input('N,8')), C, C), net.ints(1)]);
    expect(sitesOf(net, net.linear(net.add(towers, time), C, 3))).toEqual([]);
  });

  test('expressions of norms and of attention scores', () => {
    const net = new Network();
    const x = net.linear(net.input('N,16,8'), C, C);
    const mean = net.op('ReduceMean', [x], 'axes = [-1]');
    const centered = net.op('Sub', [x, mean]);
    const variance = net.op('ReduceMean', [net.mul(centered, centered)], 'axes = [-1]');
    const y = net.op('Div', [centered, net.op('Sqrt', [net.add(variance, net.scalar(1e-5))])]);
    const scores = net.op('MatMul', [
      net.linear(y, C, C),
      net.op('Transpose', [net.linear(y, C, C)], 'perm = [0, 2, 1]'),
    ]);
    const biased = net.add(scores, net.linear(scores, 16, 16));
    const mixed = net.op('MatMul', [net.op('Softmax', [biased], 'axis = -1'), y]);
    const report = inspect(net.build([net.linear(mixed, C, 3)])).residual;
    expect(report.blocks).toBe(0);
    expect(report.normKinds).toEqual({ layer: 1 });
  });

  test('PoolFormer: the mixer takes its input off, only the outer sum is a site', () => {
    const { net, x } = image();
    const n = net.op('GroupNormalization', [x, net.parameter(C), net.parameter(C)], 'num_groups = 1');
    const pooled = net.op('AveragePool', [n], 'kernel_shape = [3, 3], pads = [1, 1, 1, 1], count_include_pad = 0');
    const mixed = net.op('Sub', [pooled, n]);
    const y = net.add(x, net.mul(mixed, net.parameter(C, 1, 1)));
    const report = inspect(net.build([global(net, y)], 21)).residual;
    expect(report.sites.map(({ kind, placement }) => `${kind}/${placement}`)).toEqual(['scaled/pre']);
    expect(report.normKinds).toEqual({ group: 1 });
  });
});
