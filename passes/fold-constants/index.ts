import {
  byteLength,
  type Graph,
  isDeterministic,
  type Model,
  type Node,
  type Pass,
  type PassContext,
  Tensor,
  type Value,
} from '#core';
import { chooseFolds } from './choose.js';

/**
 * What depends on constants alone is computed now. Small integers are followed in place; everything else is computed by one session of
 * the runtime for all nodes of a graph. Random and stateful operators are never folded, nor are DequantizeLinear and its kin, whose
 * purpose is to keep weights small. Folding stays within the growth budget: where a result is larger than the constants that it frees,
 * the node stays and what feeds it is folded.
 */
export const foldConstants: Pass = {
  name: 'fold-constants',
  summary: 'compute what depends on constants alone, within the growth budget',
  semantics: 'equivalent',
  async run(model: Model, cx) {
    let budget = cx.maxGrowth;
    for (const graph of [...model.graphs()]) {
      if (graph.role.kind === 'function') continue;
      foldFollowed(graph, cx);
      const folds = chooseFolds(graph, foldable(model, graph), (value) => sizeOf(value, cx), budget);
      budget -= folds.growth;
      await fold(graph, folds.values, cx);
    }
  },
};

/** Sizes and what is computed from them: known although the inputs are not constant. */
function foldFollowed(graph: Graph, cx: PassContext): void {
  for (const node of graph.topo()) {
    if (node.domain !== '' || KEPT.has(node.opType) || node.inputs.every((value) => value?.constant)) continue;
    const tensors = node.outputs.map((value) => followed(value, cx));
    if (!tensors.every((tensor) => tensor !== undefined)) continue;
    cx.rewrite('fold-size', node, (edit) => {
      node.outputs.forEach((value, i) => value.uses.size > 0 && edit.replace(value, edit.constant('', tensors[i]!)));
    });
  }
}

/** Operators whose results are constant in name only, or meant to stay as they are. */
const KEPT = new Set(['DequantizeLinear', 'QuantizeLinear', 'DynamicQuantizeLinear', 'Constant']);

function foldable(model: Model, graph: Graph): ReadonlySet<Node> {
  const found = new Set<Node>();
  const isConstant = (value: Value | undefined): boolean =>
    value === undefined || value.constant !== undefined || (value.producer !== undefined && found.has(value.producer));
  for (const node of graph.topo()) {
    if (node.domain !== '' || node.bodies.length > 0 || KEPT.has(node.opType) || !isDeterministic(node)) continue;
    if (model.functions.has(`${node.domain}::${node.opType}::${node.overload}`)) continue;
    if (node.inputs.length > 0 && node.inputs.every(isConstant)) found.add(node);
  }
  return found;
}

/** Bytes of a value; infinite while its shape is unknown. */
function sizeOf(value: Value, cx: PassContext): number {
  const { dtype, shape } = cx.types.tensor(value) ?? {};
  if (!dtype || !shape || !shape.every((dim) => typeof dim === 'number')) return Infinity;
  return byteLength(
    dtype,
    shape.reduce((size: number, dim) => size * (dim as number), 1),
  );
}

async function fold(graph: Graph, values: readonly Value[], cx: PassContext): Promise<void> {
  if (values.length === 0) return;
  const small = values.map((value) => followed(value, cx));
  const others = values.filter((_, i) => !small[i]);
  const computed = others.length > 0 ? await cx.evaluator?.evaluate(graph, others) : [];
  const tensors = new Map(others.map((value, i) => [value, computed?.[i]]));
  values.forEach((value, i) => {
    const tensor = small[i] ?? tensors.get(value);
    const node = value.producer!;
    if (tensor && node.alive && value.uses.size > 0)
      cx.rewrite('fold', node, (edit) => edit.replace(value, edit.constant('', tensor)));
  });
}

/** A small integer or boolean tensor whose elements inference knows. */
function followed(value: Value, cx: PassContext): Tensor | undefined {
  const known = cx.types.elements(value);
  if (!known || !known.elements.every((dim) => typeof dim === 'number' && Number.isSafeInteger(dim))) return undefined;
  const elements = known.elements as readonly number[];
  if (elements.some((element) => Math.abs(element) === Number.MAX_SAFE_INTEGER)) return undefined;
  const { dtype, shape } = known;
  if (dtype === 'int64') return Tensor.int64(shape, elements);
  if (dtype === 'int32') return Tensor.from({ dtype, shape, data: Int32Array.from(elements) });
  return dtype === 'bool' ? Tensor.from({ dtype, shape, data: Uint8Array.from(elements) }) : undefined;
}
