import { isOp, type Node, type NumericArray, Tensor, type Value } from '#core';
import { broadcast } from './arrays.js';
import { carrierOf } from './carriers.js';
import { composed, diagonal, type FeatureMap, mapAlong, widened } from './feature-map.js';
import { writeLinear } from './linear-writers.js';
import { staticArray } from './static-array.js';
import {
  added,
  addShift,
  type Change,
  copyNode,
  featureVector,
  makeConstant,
  rankOf,
  refuse,
  type Weights,
} from './weight-edit.js';

/** How deep weights are looked for above a value. */
const DEPTH = 200;

/**
 * The value with its features changed, made by the operators that write it: weights, biases and tables are changed, what only hands
 * features on is made anew. The value itself stays for whoever else reads it.
 * @throws ResonnxError `rewrite/refused` where something that is not linear in weights writes it
 */
export function writeThrough(w: Weights, value: Value, axis: number, change: Change, depth = 0): Value {
  if (depth > DEPTH) refuse(value, 'the weights that write the value are too far away');
  const constant = staticArray(value, w.types);
  if (constant) return changedConstant(w, value, constant, axis, change);
  if (w.alone && depth > 0 && value.uses.size > 1) refuse(value, `"${value.hint}" has other readers`);
  const scaled = throughFactor(w, value, axis, change, depth);
  if (scaled) return scaled;
  if (carrierOf(value, axis, w.types)) {
    return carryChange(w, value, axis, change, (operand, at, own) => writeThrough(w, operand, at, own, depth + 1));
  }
  return writeLinear(w, value, axis, change);
}

function changedConstant(w: Weights, value: Value, array: NumericArray, axis: number, { map, shift }: Change): Value {
  const shape = array.shape.map((dim, at) => (at === axis && dim === 1 ? map.from : dim));
  if (shape[axis] !== map.from) refuse(value, `a constant has ${String(shape[axis])} features, not ${map.from}`);
  const mapped = mapAlong(broadcast(widened(array), shape), axis, map);
  return makeConstant(w, value, shift ? added(mapped, axis, shift) : mapped, 'mapped');
}

/** Changes an operand of a carrier, whose features lie on `axis`. */
export type WriteOperand = (operand: Value, axis: number, change: Change) => Value;

/**
 * The carrier that makes a value, once more on operands that are changed by `write`.
 * @throws ResonnxError `rewrite/refused` where an operand is the same for every feature and not constant, or a computed shape names how
 * many features there are
 */
export function carryChange(w: Weights, value: Value, axis: number, change: Change, write: WriteOperand): Value {
  const node = value.producer!;
  const carrier = carrierOf(value, axis, w.types)!;
  const { map, shift } = change;
  const inputs = [...node.inputs];
  let left = carrier.kind === 'scale' ? undefined : shift;
  for (const edge of carrier.edges) {
    const operand = node.inputs[edge.index]!;
    const own: Change = { map, shift: left };
    inputs[edge.index] =
      edge.axis === undefined ? spreadOperand(w, operand, axis, value, own) : write(operand, edge.axis, own);
    if (carrier.kind === 'sum') left = undefined;
  }
  if (map.from !== map.to) resizeShape(w, node, inputs, axis, value, map);
  const copy = copyNode(node, inputs, node.outputs.indexOf(value));
  return carrier.kind === 'scale' ? addShift(w, copy, axis, shift, value) : copy;
}

/** An operand that is the same for every feature: a constant is written out for each. */
function spreadOperand(w: Weights, operand: Value, axis: number, value: Value, change: Change): Value {
  const array = staticArray(operand, w.types) ?? refuse(value, 'a computed number is added to every feature alike');
  const rank = rankOf(w, value);
  const padded = { ...array, shape: [...Array<number>(rank - array.shape.length).fill(1), ...array.shape] };
  return changedConstant(w, operand, padded, axis, change);
}

/** Reshape and Expand name sizes: that of the features changes. */
function resizeShape(
  w: Weights,
  node: Node,
  inputs: (Value | undefined)[],
  axis: number,
  value: Value,
  map: FeatureMap,
): void {
  if (!isOp(node, 'Reshape', 'Expand')) return;
  const target = staticShape(w, node.inputs[1]);
  if (!target) refuse(value, 'a shape that is computed names the number of features');
  const at = axis - (rankOf(w, value) - target.length);
  const named = target[at];
  if (named === undefined || named <= 0 || named === 1) return;
  const shape = target.map((dim, i) => (i === at ? map.to : dim));
  inputs[1] = w.edit.constant('shape', Tensor.int64([shape.length], shape));
}

function staticShape(w: Weights, value: Value | undefined): readonly number[] | undefined {
  const elements = value && w.types.elements(value)?.elements;
  return elements?.every((item) => typeof item === 'number') ? (elements as readonly number[]) : undefined;
}

/** λ·x with a static λ per feature: the factor joins the map. */
function throughFactor(w: Weights, value: Value, axis: number, change: Change, depth: number): Value | undefined {
  const node = value.producer;
  const [a, b] = node?.inputs ?? [];
  if (!isOp(node, 'Mul', 'Div') || !a || !b) return undefined;
  const factorFirst = node.opType === 'Mul' && staticArray(b, w.types) === undefined;
  const [x, factor] = factorFirst ? [b, a] : [a, b];
  const vector = featureVector(w, factor, axis, rankOf(w, value), change.map.from);
  if (!vector || rankOf(w, x) !== rankOf(w, value)) return undefined;
  const scale = node.opType === 'Div' ? vector.map((element) => 1 / element) : vector;
  return writeThrough(w, x, axis, { map: composed(diagonal(scale), change.map), shift: change.shift }, depth + 1);
}
