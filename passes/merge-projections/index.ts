import {
  constantOf,
  type Edit,
  type Graph,
  isFloat,
  isOp,
  type Model,
  type Node,
  opsetOf,
  type Pass,
  type PassContext,
  Tensor,
  type Value,
} from '#core';
import { joinedColumns } from './columns.js';

/** A product of the shared input with a constant matrix `[K, N]`, and the row of `N` numbers that is added to it. */
interface Projection {
  readonly product: Node;
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  /** What takes the place of product and sum. */
  readonly result: Value;
  readonly nodes: readonly Node[];
}

/**
 * Products of one value with several constant matrices, as of queries, keys and values, become one product that is split. Only where
 * that makes fewer nodes: three of them, or two with a bias each. It comes last: other passes look for single products.
 */
export const mergeProjections: Pass = {
  name: 'merge-projections',
  summary: 'products of one value with several constant matrices become one product and a Split',
  semantics: 'equivalent',
  run(model: Model, cx) {
    for (const graph of model.graphs()) {
      if (graph.role.kind === 'function') continue;
      for (const group of groupsOf(graph, cx)) merge(group, cx);
    }
  },
};

/** Projections of the same value, all with a bias or all without. */
function groupsOf(graph: Graph, cx: PassContext): readonly (readonly Projection[])[] {
  const groups = new Map<string, Projection[]>();
  for (const node of graph.topo()) {
    const found = isOp(node, 'MatMul') ? projectionOf(node, cx) : undefined;
    if (!found) continue;
    const key = [node.inputs[0]!.id, found.weight.dtype, found.weight.shape[0], found.bias !== undefined].join();
    groups.set(key, [...(groups.get(key) ?? []), found]);
  }
  return [...groups.values()].filter(([first, ...others]) => others.length >= (first?.bias ? 1 : 2));
}

function projectionOf(product: Node, { types }: PassContext): Projection | undefined {
  const [x, w] = product.inputs as readonly [Value, Value];
  const weight = constantOf(w);
  const rank = types.shape(x)?.length;
  if (!weight || weight.shape.length !== 2 || !isFloat(weight.dtype) || rank === undefined || rank < 2)
    return undefined;
  const result = product.outputs[0]!;
  const [use, ...others] = result.uses;
  const sum = use?.kind === 'input' && others.length === 0 ? use.node : undefined;
  const bare = { product, weight, bias: undefined, result, nodes: [product] };
  if (!isOp(sum, 'Add') || sum.graph !== product.graph) return bare;
  const bias = constantOf(sum.inputs[0] === result ? sum.inputs[1] : sum.inputs[0]);
  const isRow = bias?.shape.length === 1 && bias.shape[0] === weight.shape[1];
  return isRow ? { product, weight, bias, result: sum.outputs[0]!, nodes: [product, sum] } : bare;
}

function merge(group: readonly Projection[], cx: PassContext): void {
  const [first] = group as readonly [Projection];
  const opset = opsetOf(first.product) ?? 0;
  if (opset < 7) return;
  const shared = group.find(({ product }) => isShared(product.inputs[1]!));
  if (shared && cx.maxGrowth < shared.weight.byteLength) {
    cx.decline('merge-projections', shared.product, 'its weight is read elsewhere too: the model would grow');
    return;
  }
  cx.rewrite('merge-projections', first.product, (edit) => {
    const parts = build(edit, group, opset);
    group.forEach(({ result }, i) => edit.replace(result, parts[i]!));
  });
}

function isShared(weight: Value): boolean {
  return weight.uses.size > 1;
}

function build(edit: Edit, group: readonly Projection[], opset: number): readonly Value[] {
  const [first] = group as readonly [Projection];
  const weights = group.map(({ weight }) => weight);
  const hint = first.product.inputs[1]!.hint;
  let merged = edit.node('MatMul', [first.product.inputs[0], edit.constant(hint, joinedColumns(weights))]);
  if (first.bias) {
    const rows = group.map(({ bias }) => reshapedToRow(bias!));
    const row = joinedColumns(rows);
    const bias = new Tensor(row.dtype, [row.shape[1]!], row.data);
    merged = edit.node('Add', [merged, edit.constant(`${hint}_bias`, bias)]);
  }
  const sizes = weights.map(({ shape }) => shape[1]!);
  const names = group.map(() => '');
  if (opset < 13) return edit.nodes('Split', [merged], { axis: -1, split: sizes }, names);
  return edit.nodes('Split', [merged, edit.constant('', Tensor.int64([sizes.length], sizes))], { axis: -1 }, names);
}

function reshapedToRow(bias: Tensor): Tensor {
  return new Tensor(bias.dtype, [1, bias.size], bias.data);
}
