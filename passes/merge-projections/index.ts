import { type Edit, type Graph, type Model, opsetOf, type Pass, type PassContext, Tensor, type Value } from '#core';
import { joined } from '../_shared/joined-tensor.js';
import { haveSameReader, type Projection, projectionOf } from './projection.js';

/**
 * Linear layers of one value, as of queries, keys and values or at the start of parallel branches, become one layer that is split,
 * where that makes fewer nodes. It comes last: other passes look for single layers.
 */
export const mergeProjections: Pass = {
  name: 'merge-projections',
  summary: 'products and convolutions of one value with several constant weights become one and a Split',
  semantics: 'equivalent',
  run(model: Model, cx) {
    for (const graph of model.graphs()) {
      if (graph.role.kind === 'function') continue;
      for (const group of groupsOf(graph, cx)) merge(group, cx);
    }
  },
};

function groupsOf(graph: Graph, { types }: PassContext): readonly (readonly Projection[])[] {
  const groups = new Map<string, Projection[]>();
  for (const node of graph.topo()) {
    const found = projectionOf(node, types);
    if (found) groups.set(found.key, [...(groups.get(found.key) ?? []), found]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

function merge(group: readonly Projection[], cx: PassContext): void {
  const [first] = group as readonly [Projection];
  const opset = opsetOf(first.layer) ?? 0;
  if (opset < 7) return;
  const spared = (group.length - 1) * (first.nodes.length + (haveSameReader(group, cx.types) ? 1 : 0)) - 1;
  if (spared <= 0) {
    cx.decline('merge-projections', first.layer, 'with a Split there would be as many nodes', group.length);
    return;
  }
  const shared = group.find(({ layer }) => layer.inputs[1]!.uses.size > 1);
  if (shared && cx.maxGrowth < shared.weight.byteLength) {
    cx.decline(
      'merge-projections',
      shared.layer,
      'its weight is read elsewhere too: the model would grow',
      group.length,
    );
    return;
  }
  cx.rewrite('merge-projections', first.layer, (edit) => {
    const parts = split(edit, build(edit, group), group, opset);
    group.forEach(({ result }, i) => edit.replace(result, parts[i]!));
  });
}

function build(edit: Edit, group: readonly Projection[]): Value {
  const [{ layer, axes, bias }] = group as readonly [Projection];
  const [input, { hint }] = layer.inputs as readonly [Value, Value];
  const weights = group.map(({ weight }) => weight);
  const weight = edit.constant(hint, joined(weights, axes.weight));
  const row =
    bias &&
    edit.constant(
      `${hint}_bias`,
      joined(
        group.map((each) => each.bias!),
        0,
      ),
    );
  const holdsBias = layer.opType !== 'MatMul';
  const made = edit.node(layer.opType, holdsBias ? [input, weight, row] : [input, weight], layer.attrs);
  return row && !holdsBias ? edit.node('Add', [made, row]) : made;
}

function split(edit: Edit, whole: Value, group: readonly Projection[], opset: number): readonly Value[] {
  const { axes } = group[0]!;
  const sizes = group.map(({ weight }) => weight.shape[axes.weight]!);
  const names = group.map(() => '');
  if (opset < 13) return edit.nodes('Split', [whole], { axis: axes.result, split: sizes }, names);
  return edit.nodes(
    'Split',
    [whole, edit.constant('', Tensor.int64([sizes.length], sizes))],
    { axis: axes.result },
    names,
  );
}
