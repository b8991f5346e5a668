import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fileURLToPath } from 'node:url';
import { inspect } from '../../src/api/inspect.js';
import { load } from '../../src/api/load.js';
import { cloneModel } from '../../src/ir/copy.js';
import type { Graph } from '../../src/ir/graph.js';
import type { Model } from '../../src/ir/model.js';
import type { Node } from '../../src/ir/node.js';
import { exportModel } from '../../src/onnx/export.js';
import { importModel } from '../../src/onnx/import.js';
import { isCommutative } from '../../src/schema/traits.js';
import { Network, type Wire } from '../support/network.js';

const D = 8;

/** One kind of block on a stream `x` of width {@link D}. */
const BLOCKS: Readonly<Record<string, (net: Network, x: Wire) => Wire>> = {
  pre: (net, x) => net.add(x, net.attention(net.layerNorm(x, D), D)),
  post: (net, x) => net.layerNorm(net.add(net.mlp(x, D), x), D),
  sandwich: (net, x) => net.add(x, net.layerNorm(net.mlp(net.layerNorm(x, D), D), D)),
  scaled: (net, x) => net.add(x, net.mul(net.mlp(net.layerNorm(x, D), D), net.parameter(D))),
  parallel: (net, x) => {
    const n = net.layerNorm(x, D);
    return net.add(net.add(x, net.attention(n, D)), net.mlp(n, D));
  },
  gated: (net, x) => {
    const gate = net.op('Sigmoid', [net.linear(x, D, D)]);
    const rest = net.op('Sub', [net.scalar(1), gate]);
    return net.add(net.mul(gate, net.relu(net.linear(x, D, D))), net.mul(rest, x));
  },
};

const blocks = fc.array(fc.constantFrom(...Object.keys(BLOCKS)), { minLength: 1, maxLength: 5 });

function networkOf(names: readonly string[]): Model {
  const net = new Network();
  let x = net.linear(net.input(`N,4,${D}`), D, D);
  for (const name of names) x = BLOCKS[name]!(net, x);
  return net.build([net.linear(x, D, 3)]);
}

/** What must not depend on names, order of operands or operations that do nothing. */
function anatomyOf(model: Model): unknown {
  const { residual } = inspect(model);
  return {
    sites: residual.sites.map(({ kind, placement, stream, branches }) => [kind, placement, stream, branches]),
    norms: residual.norms.map(({ kind, role }) => [kind, role]),
    finalNorm: residual.finalNorm,
    summary: residual.summary,
  };
}

/** Decides for every node of a model, in order, which change is made to it. */
function mutate(model: Model, choices: readonly number[]): Model {
  const copy = cloneModel(model);
  let at = 0;
  for (const graph of [...copy.graphs()]) {
    for (const node of [...(graph.findTopo() ?? [])]) mutateNode(graph, node, choices[at++ % choices.length] as number);
    for (const value of graph.initializers) graph.setHint(value, `w${value.id}`);
  }
  return copy;
}

function mutateNode(graph: Graph, node: Node, choice: number): void {
  for (const value of node.outputs) if (value.hint !== '') graph.setHint(value, `t${value.id}`);
  if (choice % 2 === 0 && isCommutative(node, graph.opset('') ?? 17)) graph.setInputs(node, [...node.inputs].reverse());
  const [output] = node.outputs;
  if (!output || node.outputs.length > 1 || node.opType === 'Constant') return;
  if (choice % 3 === 0) follow(graph, node, 'Identity', {});
  if (choice % 5 === 0 && FLOAT.has(node.opType)) follow(graph, node, 'Cast', { to: 1 });
}

const FLOAT: ReadonlySet<string> = new Set(['MatMul', 'Relu', 'LayerNormalization', 'Conv', 'Sigmoid', 'Erf']);

/** Puts an operation that changes nothing behind a node. */
function follow(graph: Graph, node: Node, opType: string, attrs: Readonly<Record<string, number>>): void {
  const [output] = node.outputs;
  const uses = [...output!.uses];
  const after = graph.addNode({ opType, inputs: [output], outputs: 1, attrs, near: node }).outputs[0]!;
  for (const use of uses) {
    if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, after);
    else use.graph.setOutput(use.index, after);
  }
}

const choices = fc.array(fc.nat({ max: 29 }), { minLength: 7, maxLength: 40 });

describe('the anatomy does not depend on how a model is written', () => {
  test('names, order of operands, Identity and Cast', () => {
    fc.assert(
      fc.property(blocks, choices, (names, picked) => {
        const model = networkOf(names);
        expect(anatomyOf(mutate(model, picked))).toEqual(anatomyOf(model));
      }),
      { numRuns: 60 },
    );
  });

  test('writing and reading', () => {
    fc.assert(
      fc.property(blocks, (names) => {
        const model = networkOf(names);
        expect(anatomyOf(importModel(exportModel(model)))).toEqual(anatomyOf(model));
      }),
      { numRuns: 20 },
    );
  });

  test('every block is found, and nothing else', () => {
    fc.assert(
      fc.property(blocks, (names) => {
        const { sites } = inspect(networkOf(names)).residual;
        expect(sites.length).toBe(names.length);
        sites.forEach(({ kind }, index) => {
          const name = names[index] as string;
          const wanted = name === 'scaled' || name === 'parallel' || name === 'gated' ? name : 'identity';
          expect(kind).toBe(wanted);
        });
      }),
      { numRuns: 60 },
    );
  });

  test('a real model', async () => {
    const model = await load(fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url)));
    const plain = anatomyOf(model);
    expect(inspect(model).residual.kinds).toEqual({ identity: 7 });
    for (const picked of [[0], [3, 5, 2], [15, 1, 7, 30]]) expect(anatomyOf(mutate(model, picked))).toEqual(plain);
  });
});
