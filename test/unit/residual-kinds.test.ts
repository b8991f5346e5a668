import { describe, expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { Network, type Wire } from '../support/network.js';

/** `kind/placement` of every site, in order. */
function sitesOf(net: Network, ...outputs: readonly Wire[]): readonly string[] {
  return inspect(net.build(outputs)).residual.sites.map(({ kind, placement }) => `${kind}/${placement}`);
}

const D = 16;

function tokens(): { readonly net: Network; readonly x: Wire } {
  const net = new Network();
  return { net, x: net.linear(net.input(`N,S,${D}`), D, D) };
}

describe('transformers', () => {
  test('pre-norm with a final norm', () => {
    const { net, x } = tokens();
    const a = net.add(x, net.attention(net.layerNorm(x, D), D));
    const b = net.add(a, net.mlp(net.layerNorm(a, D), D));
    expect(sitesOf(net, net.linear(net.layerNorm(b, D), D, 3))).toEqual(['identity/pre', 'identity/pre']);
  });

  test('post-norm', () => {
    const { net, x } = tokens();
    const a = net.layerNorm(net.add(x, net.attention(x, D)), D);
    const b = net.layerNorm(net.add(a, net.mlp(a, D)), D);
    expect(sitesOf(net, net.linear(b, D, 3))).toEqual(['identity/post', 'identity/post']);
  });

  test('a norm at both ends of the branch is a sandwich, one at its end is post-branch', () => {
    const { net, x } = tokens();
    const a = net.add(x, net.layerNorm(net.attention(net.layerNorm(x, D), D), D));
    const b = net.add(a, net.layerNorm(net.mlp(a, D), D));
    expect(sitesOf(net, net.linear(b, D, 3))).toEqual(['identity/sandwich', 'identity/post-branch']);
  });

  test('parallel attention and MLP are one site in either grouping', () => {
    for (const grouped of [true, false]) {
      const { net, x } = tokens();
      const n = net.layerNorm(x, D);
      const [a, m] = [net.attention(n, D), net.mlp(n, D)];
      const y = grouped ? net.add(x, net.add(a, m)) : net.add(net.add(x, a), m);
      const z = net.add(y, net.mlp(net.layerNorm(y, D), D));
      expect(sitesOf(net, net.linear(z, D, 3))).toEqual(['parallel/pre', 'identity/pre']);
    }
  });

  test('parallel branches in one Sum', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const y = net.op('Sum', [net.attention(n, D), x, net.mlp(n, D)]);
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['parallel/pre']);
  });

  test('shared and routed experts are one branch', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const router = net.op('Softmax', [net.linear(n, D, 4)], 'axis = -1');
    const [weight] = net.ops('TopK', [router, net.ints(1)], 2);
    const routed = net.mul(net.mlp(n, D), weight!);
    const y = net.add(x, net.add(net.mlp(n, D), routed));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['identity/pre']);
  });

  test('encoder and decoder with cross-attention', () => {
    const { net, x } = tokens();
    const memory = net.layerNorm(net.add(x, net.mlp(net.layerNorm(x, D), D)), D);
    const target = net.linear(net.input(`N,T,${D}`), D, D);
    const a = net.add(target, net.attention(net.layerNorm(target, D), D));
    const b = net.add(a, net.attention(net.layerNorm(a, D), D, memory));
    const c = net.add(b, net.mlp(net.layerNorm(b, D), D));
    const report = inspect(net.build([net.linear(net.layerNorm(c, D), D, 3)])).residual;
    expect(report.kinds).toEqual({ identity: 4 });
    expect(report.streams.map(({ sites }) => sites)).toEqual([1, 3]);
    expect(report.finalNorm).toBe(true);
  });

  test('LayerScale, ReZero, and DeepNorm are scaled', () => {
    const { net, x } = tokens();
    const a = net.add(x, net.mul(net.mlp(net.layerNorm(x, D), D), net.parameter(D)));
    const b = net.add(a, net.mul(net.scalar(0.1), net.mlp(a, D)));
    expect(sitesOf(net, net.linear(b, D, 3))).toEqual(['scaled/pre', 'scaled/none']);
    const deep = tokens();
    const [post] = [deep.net.scalar(2.2)];
    const c = deep.net.layerNorm(deep.net.add(deep.net.mul(deep.x, post), deep.net.mlp(deep.x, D)), D);
    expect(sitesOf(deep.net, deep.net.linear(c, D, 3))).toEqual(['scaled/post']);
  });

  test('AdaLN-zero: modulated norm and gate from a condition', () => {
    const { net, x } = tokens();
    const condition = net.linear(net.relu(net.input(`N,${D}`)), D, 3 * D);
    const parts = net.ops('Split', [condition, net.ints(D, D, D)], 3, 'axis = -1');
    const [shift, scale, gate] = parts.map((part) => net.op('Unsqueeze', [part, net.ints(1)]));
    const n = net.op('LayerNormalization', [x, net.parameter(D)], 'axis = -1');
    const modulated = net.add(net.mul(n, net.add(scale!, net.scalar(1))), shift!);
    const y = net.add(x, net.mul(gate!, net.attention(modulated, D)));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['gated/adaln']);
  });

  test('highway and GRU gates', () => {
    const { net, x } = tokens();
    const gate = net.op('Sigmoid', [net.linear(x, D, D)]);
    const rest = net.op('Sub', [net.scalar(1), gate]);
    const y = net.add(net.mul(gate, net.relu(net.linear(x, D, D))), net.mul(rest, x));
    const h = net.relu(net.linear(y, D, D));
    const t = net.op('Sigmoid', [net.linear(y, D, D)]);
    const z = net.add(y, net.mul(t, net.op('Sub', [h, y])));
    expect(sitesOf(net, net.linear(z, D, 3))).toEqual(['gated/none', 'gated/none']);
  });

  test('a gated linear unit at the end of a branch is no gate', () => {
    const { net, x } = tokens();
    const h = net.linear(net.layerNorm(x, D), D, 2 * D);
    const [a, b] = net.ops('Split', [h, net.ints(D, D)], 2, 'axis = -1');
    const y = net.add(x, net.mul(a!, net.op('Sigmoid', [b!])));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['identity/pre']);
  });

  test('masks that multiply a branch are no gates', () => {
    const { net, x } = tokens();
    const mask = net.op('Cast', [net.op('Unsqueeze', [net.input('N,S', 'bool'), net.ints(2)])], 'to = 1');
    const y = net.add(x, net.mul(net.mlp(net.layerNorm(x, D), D), mask));
    expect(sitesOf(net, net.linear(y, D, 3))).toEqual(['identity/pre']);
  });

  test('QK-norm is found and does not change the placement', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const [q, k] = [net.layerNorm(net.linear(n, D, D), D), net.layerNorm(net.linear(n, D, D), D)];
    const scores = net.op('MatMul', [q, net.op('Transpose', [k], 'perm = [0, 2, 1]')]);
    const mixed = net.op('MatMul', [net.op('Softmax', [scores], 'axis = -1'), net.linear(n, D, D)]);
    const report = inspect(net.build([net.add(x, net.linear(mixed, D, D))])).residual;
    expect(report.sites.map(({ placement }) => placement)).toEqual(['pre']);
    expect(report.qkNorm).toBe(true);
    expect(report.norms.map(({ role }) => role)).toEqual(['pre', 'qk', 'qk']);
  });

  test('two streams that update each other (RevNet) are two sites a block', () => {
    const net = new Network();
    const [x, other] = net.ops(
      'Split',
      [net.linear(net.input(`N,S,${D}`), D, 2 * D), net.ints(D, D)],
      2,
      'axis = -1',
    ) as [Wire, Wire];
    const y1 = net.add(x, net.mlp(net.layerNorm(other, D), D));
    const y2 = net.add(other, net.mlp(net.layerNorm(y1, D), D));
    const z1 = net.add(y1, net.mlp(net.layerNorm(y2, D), D));
    const z2 = net.add(y2, net.mlp(net.layerNorm(z1, D), D));
    const sites = sitesOf(net, net.linear(z1, D, 3), net.linear(z2, D, 3));
    expect(sites).toEqual(['identity/pre', 'identity/pre', 'identity/pre', 'identity/pre']);
  });

  test('two streams that begin as one (Reformer)', () => {
    const { net, x } = tokens();
    const layer = (a: Wire, b: Wire): readonly [Wire, Wire] => {
      const first = net.add(a, net.attention(net.layerNorm(b, D), D));
      return [first, net.add(b, net.mlp(net.layerNorm(first, D), D))];
    };
    const [a, b] = layer(...layer(x, x));
    const end = net.layerNorm(net.op('Concat', [a, b], 'axis = -1'), 2 * D);
    expect(sitesOf(net, net.linear(end, 2 * D, 3))).toEqual(Array.from({ length: 4 }, () => 'identity/pre'));
  });

  test('a graph layer that combines a node with its neighbours is one branch (GatedGCN, GIN)', () => {
    const net = new Network();
    const x = net.linear(net.input(`N,${D}`), D, D);
    const adjacency = net.input('N,N');
    const gate = net.op('Sigmoid', [net.linear(x, D, D)]);
    const messages = net.op('MatMul', [adjacency, net.mul(gate, net.linear(x, D, D))]);
    const y = net.add(x, net.relu(net.add(net.linear(x, D, D), messages)));
    const aggregated = net.add(y, net.op('MatMul', [adjacency, y]));
    expect(sitesOf(net, net.linear(net.relu(net.linear(aggregated, D, D)), D, 3))).toEqual(['identity/none']);
  });

  test('U-ViT: a skip concatenated across layers is long', () => {
    const { net, x } = tokens();
    const layer = (at: Wire): Wire => {
      const a = net.add(at, net.attention(net.layerNorm(at, D), D));
      return net.add(a, net.mlp(net.layerNorm(a, D), D));
    };
    const first = layer(x);
    const middle = layer(first);
    const joined = net.linear(net.op('Concat', [middle, first], 'axis = -1'), 2 * D, D);
    const kinds = inspect(net.build([net.linear(layer(joined), D, 3)])).residual.kinds;
    expect(kinds).toEqual({ identity: 6, 'long-concat': 1 });
  });

  test('Mamba: the inner D·u belongs to the state-space model', () => {
    const { net, x } = tokens();
    const n = net.layerNorm(x, D);
    const u = net.mul(net.linear(n, D, D), net.op('Sigmoid', [net.linear(n, D, D)]));
    const state = net.op('CumSum', [net.linear(net.op('Softplus', [net.linear(u, D, D)]), D, D), net.ints(1)]);
    const y = net.add(state, net.mul(u, net.parameter(D)));
    expect(sitesOf(net, net.add(x, net.linear(y, D, D)))).toEqual(['identity/pre']);
  });
});
