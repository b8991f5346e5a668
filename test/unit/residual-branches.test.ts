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
const slice = (net: Network, x: Wire, from: number, to: number, axis: number): Wire =>
  net.op('Slice', [x, net.ints(from), net.ints(to), net.ints(axis)]);
const concat = (net: Network, parts: readonly Wire[], axis: number): Wire => net.op('Concat', parts, `axis = ${axis}`);

describe('what is subtracted', () => {
  test('PoolFormer without layer scale: the mixer takes its input off, the sum goes on with the stream', () => {
    const { net, x } = image();
    const n = net.op('InstanceNormalization', [x, net.parameter(C), net.parameter(C)]);
    const pooled = net.op('AveragePool', [n], 'kernel_shape = [3, 3], pads = [1, 1, 1, 1], strides = [1, 1]');
    const y = net.add(x, net.op('Sub', [pooled, n]));
    expect(sitesOf(net, global(net, net.conv(y, C, C)))).toEqual(['identity/pre']);
  });

  test('a branch less its own input is no site', () => {
    const { net, x } = image();
    expect(sitesOf(net, global(net, net.op('Sub', [net.conv(net.relu(net.conv(x, C, C)), C, C), x])))).toEqual([]);
  });
});

describe('gates', () => {
  const block = (net: Network, x: Wire, gate: (x: Wire) => Wire): Wire => {
    const f = net.conv(net.relu(net.conv(x, C, C)), C, C);
    return net.add(x, net.mul(f, gate(x)));
  };
  const down = (net: Network, x: Wire): Wire => net.op('AveragePool', [x], 'kernel_shape = [2, 2], strides = [2, 2]');
  const up = (net: Network, x: Wire): Wire => net.op('Resize', [x, '', net.scales(1, 1, 2, 2)], 'mode = "nearest"');

  test('a gate made at lower resolution does not make the skip a long one', () => {
    const { net, x } = image();
    const y = block(net, x, (from) => up(net, net.op('Sigmoid', [net.conv(net.conv(down(net, from), C, C), C, C)])));
    expect(sitesOf(net, global(net, net.conv(y, C, C)))).toEqual(['gated/none']);
  });

  test('a branch at lower resolution does', () => {
    const { net, x } = image();
    const inner = net.relu(net.conv(net.relu(net.conv(down(net, x), C, C)), C, C));
    expect(sitesOf(net, global(net, net.conv(net.add(x, up(net, inner)), C, C)))).toEqual(['long-additive/none']);
  });

  test('attention at lower resolution does not', () => {
    const { net, x } = image();
    const low = net.op('Reshape', [net.conv(x, C, C, { stride: 2 }), net.ints(0, C, -1)]);
    const seen = net.op('Transpose', [low], 'perm = [0, 2, 1]');
    const mixed = net.op('Transpose', [net.attention(seen, C)], 'perm = [0, 2, 1]');
    const f = net.conv(up(net, net.op('Reshape', [mixed, net.ints(0, C, 16, 16)])), C, C);
    expect(sitesOf(net, global(net, net.conv(net.add(x, f), C, C)))).toEqual(['identity/none']);
  });

  test('a gate of the raw input gates the branch, one of the normalized input is part of it', () => {
    const sites = (from: 'raw' | 'normalized'): readonly string[] => {
      const { net, x } = tokens();
      const n = net.layerNorm(x, D);
      const gate = net.op('Sigmoid', [net.linear(from === 'raw' ? x : n, D, D)]);
      return sitesOf(net, net.linear(net.add(x, net.mul(gate, net.mlp(n, D))), D, 3));
    };
    expect(sites('raw')).toEqual(['gated/pre']);
    expect(sites('normalized')).toEqual(['identity/pre']);
  });

  test('RWKV: the receptance reads a time shift of the normalized input', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const padded = net.op('Pad', [n, net.ints(0, 1, 0, 0, 0, 0)]);
    const before = slice(net, padded, 0, -1, 1);
    const lerp = (): Wire => {
      const [own, other] = [net.parameter(D), net.parameter(D)];
      return net.add(net.mul(n, own), net.mul(before, other));
    };
    const r = net.op('Sigmoid', [net.linear(lerp(), D, D)]);
    const k = net.relu(net.linear(lerp(), D, 32));
    const y = net.add(x, net.mul(r, net.linear(net.mul(k, k), 32, D)));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['identity/pre']);
  });

  test('tanh GELU spelled out is an activation, not a gate: attention and MLP stay parallel', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const h = net.linear(n, D, 32);
    const cube = net.mul(net.op('Pow', [h, net.scalar(3)]), net.scalar(0.044715));
    const tanh = net.op('Tanh', [net.mul(net.add(h, cube), net.scalar(0.7978846))]);
    const gelu = net.mul(net.mul(h, net.scalar(0.5)), net.add(tanh, net.scalar(1)));
    const y = net.add(net.add(net.attention(n, D), net.linear(gelu, 32, D)), x);
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['parallel/pre']);
  });
});

describe('conditioning', () => {
  test('one vector for all positions is no branch, one number for all channels is stretched by accident', () => {
    const { net, x } = image();
    const context = net.conv(net.relu(net.conv(global(net, x), C, C, { kernel: 1 })), C, C, { kernel: 1 });
    expect(sitesOf(net, global(net, net.conv(net.add(x, context), C, C)))).toEqual([]);
    const other = image();
    const narrow = other.net.conv(other.net.relu(other.net.conv(other.x, C, C)), C, 1);
    const y = other.net.conv(other.net.add(other.x, narrow), C, C);
    expect(sitesOf(other.net, global(other.net, y))).toEqual(['identity/none']);
  });
});

describe('activations with parameters', () => {
  test('a scale and shift of an activation belong to it', () => {
    const { net, x } = image();
    const activated = net.relu(net.conv(net.relu(net.conv(x, C, C)), C, C));
    const y = net.add(x, net.add(net.mul(activated, net.scalar(0.9)), net.scalar(0.1)));
    expect(sitesOf(net, global(net, net.conv(y, C, C)))).toEqual(['identity/none']);
  });

  test('a scale alone, and one of a convolution with a shift (Fixup), scale the branch', () => {
    for (const shift of [false, true]) {
      const { net, x } = image();
      const f = net.conv(net.relu(net.conv(x, C, C)), C, C);
      const scaled = net.mul(shift ? f : net.relu(f), net.scalar(0.9));
      const y = net.add(x, shift ? net.add(scaled, net.scalar(0.1)) : scaled);
      expect(sitesOf(net, global(net, net.conv(y, C, C)))).toEqual(['scaled/none']);
    }
  });

  test('an affine with a factor of one between scale and shift', () => {
    const { net, x } = tokens();
    const affine = (v: Wire): Wire =>
      net.add(
        net.mul(net.mul(v, net.scales(...Array.from({ length: D }, (_, i) => i + 1))), net.scalar(1)),
        net.parameter(D),
      );
    const y = net.add(x, net.mlp(affine(x), D));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['identity/pre']);
  });
});

describe('skips', () => {
  test('MViTv2: skip with weights and branch read the normalized input', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const y = net.add(net.linear(n, D, 32), net.linear(net.gelu(net.linear(n, D, 64)), 64, 32));
    expect(sitesOf(net, net.linear(y, 32, 3))).toEqual(['projection/pre']);
  });

  test('a post-norm network with such a projection stays one', () => {
    const { net, x } = tokens();
    const a = net.layerNorm(net.add(x, net.mlp(x, D)), D);
    const b = net.layerNorm(net.add(net.linear(a, D, 32), net.linear(net.gelu(net.linear(a, D, 64)), 64, 32)), 32);
    const c = net.layerNorm(net.add(b, net.mlp(b, 32)), 32);
    expect(sitesOf(net, net.linear(c, 32, 3))).toEqual(['identity/post', 'projection/post', 'identity/post']);
  });

  test('Hiera: windows are pooled by a reduction', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(slice(net, x, 0, 16, 1), D);
    const windows = net.op('Reshape', [net.linear(n, D, 32), net.ints(0, 4, 4, 32)]);
    const skip = net.op('ReduceMax', [windows], 'axes = [1], keepdims = 0');
    const q = net.op('Reshape', [net.linear(net.gelu(net.linear(n, D, 64)), 64, 32), net.ints(0, 4, 4, 32)]);
    const y = net.add(skip, net.op('ReduceMax', [q], 'axes = [1], keepdims = 0'));
    expect(sitesOf(net, net.linear(y, 32, 3))).toEqual(['projection/pre']);
  });

  test('class attention: one token is taken and goes on unchanged', () => {
    const { net, x } = tokens();
    const token = slice(net, x, 0, 1, 1);
    const n = net.layerNorm(x, D);
    const y = net.add(token, net.attention(slice(net, n, 0, 1, 1), D, n));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['identity/pre']);
  });

  test('CoaT: the class token passes by a position encoding and the stream goes on', () => {
    const { net, x } = tokens();
    const encoded = (v: Wire): Wire => {
      const grid = net.op('Transpose', [slice(net, v, 1, 17, 1)], 'perm = [0, 2, 1]');
      const map = net.op('Reshape', [grid, net.ints(0, D, 4, 4)]);
      const sum = net.op('Reshape', [net.add(map, net.conv(map, D, D, { group: D })), net.ints(0, D, 16)]);
      const own = net.op('Transpose', [sum], 'perm = [0, 2, 1]');
      return concat(net, [slice(net, v, 0, 1, 1), own], 1);
    };
    const a = encoded(x);
    const b = net.add(a, net.mlp(net.layerNorm(a, D), D));
    const c = encoded(b);
    const d = net.add(c, net.mlp(net.layerNorm(c, D), D));
    expect(sitesOf(net, net.linear(d, D, 3))).toEqual([
      'identity/none',
      'identity/pre',
      'identity/none',
      'identity/pre',
    ]);
  });

  test('a convolution of values beside attention of the same values is part of the attention', () => {
    const { net, x } = tokens();
    const [q, k, v] = [net.linear(x, D, D), net.linear(x, D, D), net.linear(x, D, D)];
    const scores = net.op('MatMul', [q, net.op('Transpose', [k], 'perm = [0, 2, 1]')]);
    const attended = net.op('MatMul', [net.op('Softmax', [scores], 'axis = -1'), v]);
    const along = net.op('Transpose', [v], 'perm = [0, 2, 1]');
    const local = net.op('Conv', [along, net.parameter(D, 1, 3)], `group = ${D}, kernel_shape = [3], pads = [1, 1]`);
    const sum = net.add(attended, net.op('Transpose', [local], 'perm = [0, 2, 1]'));
    expect(sitesOf(net, net.linear(sum, D, 3))).toEqual([]);
  });
});

describe('parts of features', () => {
  const halves = (net: Network, x: Wire): readonly Wire[] => net.ops('Split', [x, net.ints(4, 4)], 2, 'axis = 1');

  test('dual path: one part is added to, the other is carried beside new features of the whole', () => {
    const { net, x } = image();
    const [kept, carried] = halves(net, x) as [Wire, Wire];
    const f = net.conv(net.relu(net.conv(net.relu(net.batchNorm(x, C)), C, C)), C, 8);
    const [added, fresh] = halves(net, f) as [Wire, Wire];
    const y = concat(net, [net.add(kept, added), carried, fresh], 1);
    expect(sitesOf(net, global(net, net.conv(y, 12, 3)))).toEqual([
      'identity/pre-activation',
      'dense-concat/pre-activation',
    ]);
  });

  test('ShuffleNet V2: beside features of the other part it is not', () => {
    const { net, x } = image();
    const [kept, other] = halves(net, x) as [Wire, Wire];
    const y = concat(net, [kept, net.relu(net.conv(net.relu(net.conv(other, 4, 4)), 4, 4))], 1);
    expect(sitesOf(net, global(net, net.conv(y, C, 3)))).toEqual([]);
  });
});
