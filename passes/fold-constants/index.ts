import { byteLength, type Graph, isDeterministic, type Model, type Node, type Pass, type PassContext, Tensor, type Value } from '#core';
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
      const folds = chooseFolds(graph, foldable(model, graph, cx), (value) => sizeOf(value, cx), budget);
      budget -= folds.growth;
      await fold(graph, folds.values, cx);
    }
  },
};

/** Operators whose results are constant in name only, or meant to stay as they are. */
const KEPT = new Set(['DequantizeLinear', 'QuantizeLinear', 'DynamicQuantizeLinear', 'Constant']);

function foldable(model: Model, graph: Graph, cx: PassContext): ReadonlySet<Node> {
  const found = new Set<Node>();
  const isConstant = (value: Value | undefined): boolean =>
    value === undefined || value.constant !== undefined || (value.producer !== undefined && found.has(value.producer));
  for (const node of graph.topo()) {
    if (node.domain !== '' || node.bodies.length > 0 || KEPT.has(node.opType) || !isDeterministic(node)) continue;
    if (model.functions.has(`${node.domain}::${node.opType}::${node.overload}`)) continue;
    const known = node.outputs.every((value) => cx.types.elements(value)?.elements.every((dim) => typeof dim === 'number'));
    if (known || (node.inputs.length > 0 && node.inputs.every(isConstant))) found.add(node);
  }
  return found;
}

/** Bytes of a value; infinite while its shape is unknown. */
function sizeOf(value: Value, cx: PassContext): number {
  const { dtype, shape } = cx.types.tensor(value) ?? {};
  if (!dtype || !shape || !shape.every((dim) => typeof dim === 'number')) return Infinity;
  return byteLength(dtype, shape.reduce((size: number, dim) => size * (dim as number), 1));
}

async function fold(graph: Graph, values: readonly Value[], cx: PassContext): Promise<void> {
  const known = new Map<Value, Tensor>();
  for (const value of values) {
    const tensor = followed(value, cx);
    if (tensor) known.set(value, tensor);
  }
  const others = values.filter((value) => !known.has(value));
  if (others.length > 0 && cx.evaluator) {
    const tensors = await cx.evaluator.evaluate(graph, others);
    others.forEach((value, i) => tensors[i] && known.set(value, tensors[i]));
  }
  for (const [value, tensor] of known) {
    const node = value.producer!;
    if (node.alive && value.uses.size > 0) cx.rewrite('fold', node, (edit) => edit.replace(value, graph.addInitializer(tensor)));
  }
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
