import { expect, test } from '@jest/globals';
import { check } from '../../src/api/check.js';
import { Network, type Wire } from '../support/network.js';

const D = 8;

function codesOf(net: Network, end: Wire): readonly string[] {
  return [...new Set(check(net.build([net.linear(end, D, 3)])).findings.map(({ code }) => code))];
}

function tokens(): { readonly net: Network; readonly x: Wire } {
  const net = new Network();
  return { net, x: net.linear(net.input(`N,4,${D}`), D, D) };
}

const norm = (net: Network, x: Wire, epsilon: number): Wire =>
  net.op('LayerNormalization', [x, net.parameter(D), net.parameter(D)], `axis = -1, epsilon = ${epsilon}`);

function layers(epsilon: (index: number) => number): readonly string[] {
  const { net, x } = tokens();
  let at = x;
  for (let index = 0; index < 8; index++) at = net.add(at, net.mlp(norm(net, at, epsilon(index)), D));
  return codesOf(net, norm(net, at, 1e-5));
}

test('an epsilon that only one of many norms has', () => {
  expect(layers((index) => (index === 3 ? 1e-3 : 1e-5))).toEqual(['residual/epsilon-differs']);
});

test('one epsilon everywhere, or two that many norms have', () => {
  expect(layers(() => 1e-6)).toEqual([]);
  expect(layers((index) => (index % 2 === 0 ? 1e-3 : 1e-5))).toEqual([]);
});

function without(missing: number, width: number): readonly string[] {
  const { net, x } = tokens();
  let at = x;
  for (let index = 0; index < 8; index++) {
    const n = norm(net, at, 1e-5);
    if (index === missing) at = net.linear(net.gelu(net.linear(n, D, width)), width, D);
    else at = net.add(at, net.mlp(n, D));
  }
  return codesOf(net, norm(net, at, 1e-5));
}

test('a layer like all others that is not added to its input', () => {
  expect(without(4, 4 * D)).toEqual(['residual/missing-skip']);
  expect(without(-1, 4 * D)).toEqual([]);
});

test('a layer of another width is a transition', () => {
  expect(without(4, 3 * D)).toEqual([]);
});

function last(weight: (net: Network) => Wire, bias: (net: Network) => Wire): readonly string[] {
  const { net, x } = tokens();
  const h = net.gelu(net.linear(net.layerNorm(x, D), D, D));
  const f = net.add(net.op('MatMul', [h, weight(net)]), bias(net));
  return codesOf(net, net.add(x, f));
}

const zeros = (...dims: readonly number[]) => {
  return (net: Network): Wire => {
    const count = dims.reduce((size, dim) => size * dim, 1);
    return net.op('Constant', [], `value = float[${dims.join(',')}] {${Array(count).fill(0).join(',')}}`);
  };
};
const ones = (net: Network): Wire => net.scales(...Array.from({ length: D }, () => 1));
const random = (net: Network): Wire => net.parameter(D, D);

test('last weights of zeros: with a bias the branch is constant, without it is dead', () => {
  expect(last(zeros(D, D), ones)).toEqual(['residual/constant-branch']);
  expect(last(zeros(D, D), zeros(D))).toEqual(['residual/dead-branch']);
  expect(last(random, ones)).toEqual([]);
});
