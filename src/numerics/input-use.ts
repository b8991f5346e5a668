import { add, type Dim, sub } from '../dim/dim.js';
import { functionKey, type Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Use, Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import type { Types } from '../shape/types.js';
import { layoutOf, sinkOf } from './input-sinks.js';

/** What the consumers of a value ask of its elements; gathered by {@link gatherUse}. */
export interface InputUse {
  /** Elements are at most this (the last row of a table, a length). */
  readonly limits: Dim[];
  /** What the elements should be, when they are a list of sizes. */
  sizes?: readonly Dim[];
  /** Constants that elements are compared with. */
  readonly compared: (number | string)[];
  /** Which kinds of reader were met. */
  readonly kinds: Set<UseKind>;
}

/**
 * `index` into a table · `length` of a sequence · `mask` 0 or 1 · `count` a trip count or number of elements · `start`, `end`, `step`
 * of a slice · `axis` · `shape` a list of sizes · `positive`, `nonzero`, `unit` ([0, 1]), `inside` ((-1, 1)) · `above` 1 ·
 * `image` pixels · `wave` samples of sound · `state` of a recurrence · `zero` best left 0 · `compute` any other arithmetic.
 */
export type UseKind =
  | 'index'
  | 'length'
  | 'mask'
  | 'count'
  | 'start'
  | 'end'
  | 'step'
  | 'axis'
  | 'shape'
  | 'positive'
  | 'nonzero'
  | 'unit'
  | 'inside'
  | 'above'
  | 'image'
  | 'wave'
  | 'state'
  | 'zero'
  | 'compute';

/** Longest walk from one input, in values; what lies beyond is not asked. */
const REACH = 2000;

interface Step {
  readonly value: Value;
  /** What was added to the elements on the way here. */
  readonly offset: Dim;
}

/** Follows a value through operators that pass its elements on and collects what the readers ask. O(values reached). */
export function gatherUse(model: Model, start: Value, types: Types): InputUse {
  const use: InputUse = { limits: [], compared: [], kinds: new Set() };
  const seen = new Set<Value>([start]);
  const stack: Step[] = [{ value: start, offset: 0 }];
  const go = (value: Value | undefined, offset: Dim): void => {
    if (!value || seen.has(value) || seen.size > REACH) return;
    seen.add(value);
    stack.push({ value, offset });
  };
  for (let step = stack.pop(); step; step = stack.pop()) {
    for (const each of step.value.uses) visit(each, step, { model, types, use, go });
  }
  return use;
}

interface Walk {
  readonly model: Model;
  readonly types: Types;
  readonly use: InputUse;
  readonly go: (value: Value | undefined, offset: Dim) => void;
}

function visit(at: Use, step: Step, walk: Walk): void {
  if (at.kind === 'output') {
    const { parent } = at.graph;
    if (parent?.opType === 'If') walk.go(parent.outputs[at.index], step.offset);
    return;
  }
  const { node, index } = at;
  const sink = sinkOf(node, index, walk.types);
  if (sink) {
    walk.use.kinds.add(sink.kind);
    if (sink.limit !== undefined) walk.use.limits.push(sub(sink.limit, step.offset));
    if (sink.sizes) walk.use.sizes ??= sink.sizes;
    if (sink.compared) walk.use.compared.push(...sink.compared);
  }
  if (sink?.ends) return;
  const fn = walk.model.functions.get(functionKey({ domain: node.domain, name: node.opType, overload: node.overload }));
  if (fn) walk.go(fn.graph.inputs[index]?.value, step.offset);
  else if (node.opType === 'Loop' || node.opType === 'Scan') enterLoop(node, index, step.offset, walk);
  else passOn(node, index, step.offset, walk);
}

function enterLoop(node: Node, index: number, offset: Dim, walk: Walk): void {
  const body = node.bodies[0]?.graph;
  walk.go(body?.inputs[index]?.value, offset);
}

function passOn(node: Node, index: number, offset: Dim, walk: Walk): void {
  if (layoutOf(node, index)) {
    for (const output of node.outputs) walk.go(output, offset);
    return;
  }
  const shift = shiftOf(node, index);
  if (shift !== undefined) walk.go(node.outputs[0], add(offset, shift));
  else if (node.opType === 'Mul' || node.opType === 'Add' || (node.opType === 'Sub' && index === 0)) {
    walk.go(node.outputs[0], offset);
  }
}

/** The constant that Add or Sub adds to this input. */
function shiftOf(node: Node, index: number): number | undefined {
  if (node.domain !== '' || (node.opType !== 'Add' && node.opType !== 'Sub')) return undefined;
  if (node.opType === 'Sub' && index === 1) return undefined;
  const other = constantOf(node.inputs[1 - index])?.scalar();
  if (other === undefined || !Number.isInteger(other)) return undefined;
  return node.opType === 'Add' ? other : -other;
}
