import { cloneModel } from '../ir/copy.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { isMixing, isNormalization } from '../schema/traits.js';
import { inferTypes, type Types } from '../shape/types.js';
import { fromFloat64 } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';
import { createRandom } from './random.js';
import { unitRoundoff } from './tolerance.js';

const NOISY: ReadonlySet<DType> = new Set<DType>(['float16', 'float32', 'float64']);

/**
 * The model with its floating point inputs and the results of all operators that sum, look up or normalize multiplied by 1 ± one unit
 * in the last place. The product is rounded again, so each element moves by zero to two units: what it gives differs from what the
 * model gives by as much as rounding in another order would make it differ. `variant` chooses the signs.
 * Source: Parker, Monte Carlo Arithmetic, UCLA technical report CSD-970002, 1997 (random rounding to estimate rounding error).
 */
export function noisyModel(model: Model, variant: number, shapes?: Parameters<typeof inferTypes>[1]): Model {
  const copy = cloneModel(model);
  const types = inferTypes(copy, shapes);
  const random = createRandom(variant, 'noise');
  const targets: Value[] = [];
  for (const slot of copy.graph.inputs) if (slot.value.def.kind === 'input') targets.push(slot.value);
  for (const node of copy.graph.topo()) if (rounds(node)) targets.push(...node.outputs.slice(0, 1));
  for (const value of targets) disturb(copy.graph, value, types, random.uniform() < 0.5);
  return copy;
}

function rounds(node: Node): boolean {
  if (node.opType === 'Gather') return node.inputs[0]?.constant !== undefined;
  return isMixing(node) || isNormalization(node) || node.opType === 'Softmax';
}

function disturb(graph: Graph, value: Value, types: Types, up: boolean): void {
  const dtype = types.dtype(value);
  const readers = [...value.uses];
  if (!dtype || !NOISY.has(dtype) || readers.length === 0) return;
  const unit = 2 * unitRoundoff(dtype);
  const factor = graph.addInitializer(Tensor.from(fromFloat64(dtype, [], [up ? 1 + unit : 1 - unit])));
  const product = graph.addNode({ opType: 'Mul', inputs: [value, factor] }).outputs[0]!;
  for (const use of readers) {
    if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, product);
    else use.graph.setOutput(use.index, product);
  }
}
