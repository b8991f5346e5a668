import {
  type Graph,
  isOp,
  type Model,
  type Node,
  opsetOf,
  type Pass,
  type PassContext,
  type Shape,
  type Types,
  type Value,
} from '#core';
import { divide } from '../_shared/cut.js';
import { sameDims } from '../_shared/facts.js';
import { Flattener } from './flattener.js';
import { biasOf, isStack } from './form.js';
import { findRegion, Forms, type Region } from './region.js';

/**
 * Lets linear layers of `[batch, length, size]` and what lies between them work on `[rows, size]`, where a product and its bias are
 * one Gemm, when fewer nodes are left then. Which nodes do is a minimum cut, so no other choice leaves fewer.
 */
export const flattenRows: Pass = {
  name: 'flatten-rows',
  summary: 'linear layers over several leading axes work on matrices, where product and bias are one Gemm',
  semantics: 'equivalent',
  rules: { 'flatten-rows': 'operators of a region work on matrices' },
  run(model: Model, cx) {
    for (const graph of model.graphs()) flattenIn(graph, cx);
  },
};

function flattenIn(graph: Graph, cx: PassContext): void {
  const seen = new Set<Value>();
  const known: Forms[] = [];
  for (const node of graph.topo()) {
    if (!node.alive) continue;
    for (const value of startsAt(node, cx.types)) {
      const shape = cx.types.shape(value);
      if (seen.has(value) || !shape || shape.length < 3 || !isStack(shape, shape.slice(0, -1))) continue;
      const region = findRegion(value, formsOf(known, graph, shape.slice(0, -1), cx));
      for (const each of region?.edges.keys() ?? [value]) seen.add(each);
      const refused = region && flatten(region, node, cx);
      if (refused) cx.decline('flatten-rows', node, refused, 2);
    }
  }
}

/** Values that might better be flat: what a product with a bias reads, and what a Reshape from or to two axes has on its other side. */
function startsAt(node: Node, types: Types): readonly Value[] {
  if (biasOf(node, types)) return [node.inputs[0]!];
  if (!isOp(node, 'Reshape') || !node.inputs[0]) return [];
  const [input, output] = [node.inputs[0], node.outputs[0]!];
  if (types.shape(input)?.length === 2) return [output];
  return types.shape(output)?.length === 2 ? [input] : [];
}

function formsOf(known: Forms[], graph: Graph, lead: Shape, cx: PassContext): Forms {
  const found = known.find((forms) => sameDims(forms.lead, lead));
  if (found) return found;
  const made = new Forms(graph, lead, cx.types);
  known.push(made);
  return made;
}

/** Rewrites a region; a text says why not. */
function flatten(region: Region, root: Node, cx: PassContext): string | undefined {
  if (cx.target === 'ort-web-webgpu') return 'onnxruntime adds and normalizes at once on WebGPU, with three axes only';
  if ((opsetOf(root) ?? 0) < 7) return 'Gemm broadcasts its bias from opset 7 on';
  const edges = [...region.edges.values(), ...region.gains];
  const before = edges.filter((members) => members.includes('permuted') && members.some((each) => each !== 'permuted'));
  const { permuted, divided } = divide(region.nodes.size, edges);
  if (divided >= before.length) return 'no node would be spared';
  const chosen = new Set([...region.nodes.keys()].filter((_, at) => permuted.has(at)));
  const flattener = new Flattener(region, chosen, cx.types);
  if (before.length - divided <= flattener.extraNodes) return 'no node would be spared';
  if (!flattener.canRestore) return 'the leading sizes cannot be restored';
  cx.rewrite('flatten-rows', root, (edit) => flattener.run(edit));
  return undefined;
}
