import { expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { Network, type Wire } from '../support/network.js';

const D = 16;

function forms(net: Network, end: Wire): readonly string[] {
  const { residual, findings } = inspect(net.build([end]));
  const { streams, summary } = residual;
  expect(findings.map(({ code }) => code).filter((code) => /projection|padded/.test(code))).toEqual([]);
  const all = streams.map(({ form }) => form);
  for (const form of ['hyper-connections', 'reversible'] as const)
    expect(summary.includes(form)).toBe(all.includes(form));
  return all;
}

function reversible(readOwn: boolean): readonly string[] {
  const net = new Network();
  const x = net.linear(net.input(`N,S,${D}`), D, 2 * D);
  let [a, b] = net.ops('Split', [x, net.ints(D, D)], 2, 'axis = 2') as [Wire, Wire];
  for (let index = 0; index < 3; index++) {
    a = net.add(a, net.attention(net.layerNorm(readOwn ? a : b, D), D));
    b = net.add(b, net.mlp(net.layerNorm(readOwn ? b : a, D), D));
  }
  return forms(net, net.linear(net.op('Concat', [a, b], 'axis = 2'), 2 * D, 3));
}

test('two streams that read each other in turn are reversible', () => {
  expect(reversible(false)).toEqual(['reversible', 'reversible']);
});

test('two streams that read themselves are not', () => {
  expect(reversible(true)).toEqual(['single', 'single']);
});

test('a decoder that reads an encoder and itself is not', () => {
  const net = new Network();
  let memory = net.linear(net.input(`N,S,${D}`), D, D);
  for (let index = 0; index < 2; index++) memory = net.add(memory, net.mlp(net.layerNorm(memory, D), D));
  let at = net.linear(net.input(`N,T,${D}`), D, D);
  for (let index = 0; index < 3; index++) at = net.add(at, net.attention(net.layerNorm(at, D), D, memory));
  expect(forms(net, net.linear(at, D, 3))).toEqual(['single', 'single']);
});

function copies(mixed: boolean): readonly string[] {
  const net = new Network();
  const n = 4;
  const x = net.linear(net.input(`N,${D}`), D, D);
  let h = net.op('Expand', [net.op('Unsqueeze', [x, net.ints(1)]), net.ints(1, n, 1)]);
  for (let index = 0; index < 3; index++) {
    const read = net.op('Squeeze', [net.op('MatMul', [net.parameter(1, n), h]), net.ints(1)]);
    const f = net.op('Unsqueeze', [net.mlp(net.layerNorm(read, D), D), net.ints(1)]);
    const kept = mixed ? net.op('MatMul', [net.parameter(n, n), h]) : h;
    h = net.add(kept, net.mul(f, net.parameter(n, 1)));
  }
  return forms(net, net.linear(net.op('ReduceSum', [h, net.ints(1)], 'keepdims = 0'), D, 3));
}

test('copies of a stream that a matrix mixes are hyper-connections', () => {
  expect(copies(true)).toEqual(['hyper-connections']);
});

test('copies that nothing mixes are one stream', () => {
  expect(copies(false)).toEqual(['single']);
});
