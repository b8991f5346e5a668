import {
  type Attributes,
  constantOf,
  type Edit,
  fromFloat64,
  type Node,
  type NumericArray,
  pathOf,
  recipeCodes,
  ResonnxError,
  Tensor,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { broadcast, zip } from './arrays.js';
import { type FeatureMap, mapAlong, widened } from './feature-map.js';
import { staticArray } from './static-array.js';

/** What a rewrite of weights works with. Constants that were made once for a weight and a map are used again. */
export interface Weights {
  readonly edit: Edit;
  readonly types: Types;
  readonly made: Map<string, Value>;
  /** A value that others read as well is not made a second time: that would cost more than it saves. */
  readonly alone?: boolean;
}

/** y' = y·A + c: what is asked of a value's features. */
export interface Change {
  readonly map: FeatureMap;
  /** Added to every vector of features after the map. */
  readonly shift?: Float64Array | undefined;
}

/** Ends a rewrite with the reason why it cannot be done right. @throws ResonnxError `rewrite/refused` */
export function refuse(at: Value | Node, why: string, hint?: string): never {
  const node = 'opType' in at ? at : at.producer;
  const place = node ? { path: pathOf(node), op: node.op } : { path: 'main', slot: (at as Value).hint };
  throw new ResonnxError([recipeCodes.refused(place, why, hint)]);
}

/** A constant of the dtype of `like`, cast once from float64. */
export function makeConstant(w: Weights, like: Value, array: NumericArray, suffix: string): Value {
  const dtype = w.types.dtype(like) ?? constantOf(like)?.dtype ?? 'float32';
  return w.edit.constant(`${like.hint}_${suffix}`, Tensor.from(fromFloat64(dtype, array.shape, toFloat64(array))));
}

/** The array plus a vector along one axis. */
export function added(array: NumericArray, axis: number, vector: Float64Array): NumericArray {
  const spread = along(vector, axis, array.shape.length);
  return zip((a, b) => a + b, array, broadcast(spread, array.shape));
}

/** A vector as an array that is broadcast along `axis` of a value of this rank. */
export function along(vector: Float64Array, axis: number, rank: number): NumericArray {
  const shape = [vector.length, ...Array<number>(rank - 1 - axis).fill(1)];
  return { dtype: 'float64', shape, data: vector };
}

/** Whether nothing is added. */
export function isZero(shift: Float64Array | undefined): boolean {
  return !shift || shift.every((element) => element === 0);
}

/** Axes of a value. @throws ResonnxError `rewrite/refused` when they are not known */
export function rankOf(w: Weights, value: Value): number {
  return w.types.shape(value)?.length ?? refuse(value, 'the rank of a value is not known');
}

/** Adds a vector to the features of a value. */
export function addShift(w: Weights, value: Value, axis: number, shift: Float64Array | undefined, like: Value): Value {
  if (isZero(shift)) return value;
  const vector = along(shift!, axis, rankOf(w, like));
  return w.edit.node('Add', [value, makeConstant(w, like, vector, 'shift')]);
}

/** The node once more with other inputs; gives output `at` of it. */
export function copyNode(
  node: Node,
  inputs: readonly (Value | undefined)[],
  at = 0,
  attrs: Attributes = node.attrs,
): Value {
  const copy = node.graph.addNode({
    opType: node.opType,
    domain: node.domain,
    overload: node.overload,
    name: node.name,
    inputs,
    outputs: node.outputs.map((value) => value.hint),
    attrs,
    origin: node.origin,
    near: node,
  });
  return copy.outputs[at]!;
}

/** A weight along one of its axes, mapped; once for all who share it. */
export function mappedWeight(w: Weights, weight: Value, axis: number, map: FeatureMap): Value {
  const key = `${weight.id}:${axis}:${idOf(map)}`;
  const known = w.made.get(key);
  if (known) return known;
  const array = staticArray(weight, w.types) ?? refuse(weight, 'a weight is computed when the model runs');
  if (array.shape[axis] !== map.from)
    refuse(weight, `a weight has ${String(array.shape[axis])} features, not ${map.from}`);
  const made = makeConstant(w, weight, mapAlong(widened(array), axis, map), 'mapped');
  w.made.set(key, made);
  return made;
}

const ids = new WeakMap<FeatureMap, number>();
let lastId = 0;

function idOf(map: FeatureMap): number {
  const id = ids.get(map) ?? ++lastId;
  ids.set(map, id);
  return id;
}

/** The elements of a static operand that differ by feature alone, `size` of them. */
export function featureVector(
  w: Pick<Weights, 'types'>,
  operand: Value,
  axis: number,
  rank: number,
  size: number,
): Float64Array | undefined {
  const array = staticArray(operand, w.types);
  if (!array || array.shape.length > rank) return undefined;
  const at = axis - (rank - array.shape.length);
  if (array.shape.some((dim, i) => i !== at && dim !== 1)) return undefined;
  const elements = toFloat64(array);
  if (elements.length === size) return Float64Array.from(elements);
  return elements.length === 1 ? new Float64Array(size).fill(elements[0]!) : undefined;
}

/** Runs an edit that may be refused, and undoes it when it is: gives its value, or the reason. */
export function attempt(w: Weights, make: () => Value): Value | ResonnxError {
  const before = new Map(w.made);
  let result: Value | undefined;
  try {
    w.edit.graph.model.transaction(() => {
      result = make();
    });
    return result!;
  } catch (cause) {
    if (!(cause instanceof ResonnxError)) throw cause;
    w.made.clear();
    for (const [key, value] of before) w.made.set(key, value);
    return cause;
  }
}
