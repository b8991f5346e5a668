import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import type { NodeView } from '../ir/extract.js';
import type { Value } from '../ir/value.js';
import { fromFloat64 } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';

/** Waves that a disturbance has over the range of the values: enough that no linear function of them looks like it. */
const WAVES = 997;
const DISTURBED: ReadonlySet<DType> = new Set<DType>(['float16', 'float32', 'float64']);

/**
 * Adds to the graph, unread, what `value` would be if every element were off by up to `reach`:
 * `x + reach · sin(997 · x / M + 1)` with `M = max |x|`. Gives it, or nothing for values that are no floats.
 */
export function addDisturbed(graph: Graph, value: Value, dtype: DType | undefined, reach: number): Value | undefined {
  if (!dtype || !DISTURBED.has(dtype) || value.graph !== graph) return undefined;
  const scalar = (number: number): Value => graph.addInitializer(Tensor.from(fromFloat64(dtype, [], [number])));
  const make = (opType: string, ...inputs: readonly Value[]): Value => graph.addNode({ opType, inputs }).outputs[0]!;
  const least = dtype === 'float16' ? 1e-4 : 1e-30;
  const size = make('Max', make('ReduceMax', make('Abs', value)), scalar(least));
  const phase = make('Add', make('Mul', make('Div', value, size), scalar(WAVES)), scalar(1));
  return make('Add', value, make('Mul', make('Sin', phase), scalar(reach)));
}

/** Nodes that read `value`, as they would be if they read `other`; what makes `other` stays as it is. */
export function readingInstead(value: Value, other: Value): ReadonlyMap<Node, NodeView> {
  const makers = new Set<Node>();
  const stack = [other];
  for (let at = stack.pop(); at; at = stack.pop()) {
    const node = at.producer;
    if (!node || at === value || makers.has(node)) continue;
    makers.add(node);
    for (const input of node.inputs) if (input) stack.push(input);
  }
  const views = new Map<Node, NodeView>();
  for (const use of value.uses) {
    if (use.kind !== 'input' || makers.has(use.node)) continue;
    const inputs = use.node.inputs.map((input) => (input === value ? other : input));
    views.set(use.node, { inputs, attrs: use.node.attrs });
  }
  return views;
}
