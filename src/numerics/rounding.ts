import { evaluate } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { isConvolution, isMatrixProduct, isNormalization, isReduction } from '../schema/traits.js';
import { inferTypes, type Types } from '../shape/types.js';
import { elementCount } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';
import type { Binding } from './inputs.js';
import type { Region } from './region.js';
import { derivedTolerance, unitRoundoff } from './tolerance.js';

/** Paths are not taken to be deeper than this: errors of a long chain do not add up in one direction. */
const DEEPEST = 30;

/**
 * How far the two sides of a region may lie apart, relative to the largest element: from the dtype, the longest sum, and the number of
 * operators, see {@link derivedTolerance}.
 */
export function roundingFloor({ before, after }: Region, binding: Binding): number {
  const dtype = coarsest(before);
  return Math.max(floorOf(before, dtype, binding, DEEPEST), floorOf(after, dtype, binding, DEEPEST));
}

/** The same for one operator of a model, the one with the longest sum. */
export function sumFloor(model: Model, binding: Binding): number {
  return floorOf(model, coarsest(model), binding, 1);
}

function floorOf(model: Model, dtype: DType | undefined, binding: Binding, deepest: number): number {
  if (!dtype) return 0;
  const types = typesOf(model);
  let [reduction, depth] = [1, 0];
  for (const node of model.graph.nodes.values()) {
    depth++;
    reduction = Math.max(reduction, longestSum(node, types, binding));
  }
  return derivedTolerance({ dtype, reduction, depth: Math.min(depth, deepest), scale: 1 }).relative;
}

/** What a model rounds to. Of two sides that of the first one counts: a second one that rounds more is not excused by it. */
function coarsest(model: Model): DType | undefined {
  const types = typesOf(model);
  let dtype: DType | undefined;
  for (const node of model.graph.nodes.values()) {
    for (const value of node.outputs) dtype = coarser(dtype, types.dtype(value));
  }
  return dtype;
}

const inferred = new WeakMap<Model, Types>();

/** Types of a model that nobody changes any more. */
export function typesOf(model: Model): Types {
  const types = inferred.get(model) ?? inferTypes(model);
  inferred.set(model, types);
  return types;
}

function coarser(a: DType | undefined, b: DType | undefined): DType | undefined {
  if (!a || !b) return a ?? b;
  return unitRoundoff(b) > unitRoundoff(a) ? b : a;
}

/** Terms of the longest sum of a node; 1 when there is none. */
function longestSum(node: Node, types: Types, binding: Binding): number {
  const shape = node.inputs[0] && types.shape(node.inputs[0]);
  if (isConvolution(node)) {
    const weight = node.inputs[1] && types.shape(node.inputs[1]);
    return weight ? elementCount(weight.slice(1).map((dim) => evaluate(dim, binding) ?? 1)) : 1;
  }
  if (!isMatrixProduct(node) && !isReduction(node) && !isNormalization(node)) return 1;
  return evaluate(shape?.at(-1) ?? null, binding) ?? 1;
}
