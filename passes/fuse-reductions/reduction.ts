import {
  type Edit,
  intAttr,
  intsAttr,
  type Match,
  type Node,
  op,
  optional,
  any,
  type OpPattern,
  type Pat,
  type Types,
  type Value,
} from '#core';
import { knownInts, normalAxis } from '../_shared/facts.js';

/** The sum of a value over some axes, which {@link axesOf} reads. */
export function sumOf(value: Pat): OpPattern {
  return op.ReduceSum(value, optional(any('axes')), { noop_with_empty_axes: (noop) => noop !== 1 });
}

/** The largest of a value over some axes. */
export function maxOf(value: Pat): OpPattern {
  return op.ReduceMax(value, optional(any('axes')), { noop_with_empty_axes: (noop) => noop !== 1 });
}

/** The axes of a reduction as they are given, empty for all; `undefined` when they are not constant. */
function givenAxes(node: Node, types: Types): readonly number[] | undefined {
  return node.inputs[1] ? knownInts(types, node.inputs[1]) : (intsAttr(node, 'axes') ?? []);
}

/** The axes of a reduction, none negative, ascending; `undefined` when they or the rank are unknown. */
export function axesOf(node: Node, types: Types): readonly number[] | undefined {
  const rank = types.shape(node.inputs[0]!)?.length;
  const given = givenAxes(node, types);
  if (rank === undefined || !given) return undefined;
  if (given.length === 0) return Array.from({ length: rank }, (_, axis) => axis);
  const axes = given.map((axis) => normalAxis(axis, rank));
  return axes.every((axis) => axis !== undefined) ? (axes as number[]).toSorted((a, b) => a - b) : undefined;
}

/** Whether the operator can be built with the axes of `node`: as an attribute before opset 18 they must be constant. */
export function canMove(m: Match, reduction: OpPattern): boolean {
  const node = m.node(reduction);
  return (node.graph.opset('') ?? 0) >= 18 || givenAxes(node, m.types) !== undefined;
}

/** Another reduction over the axes of `node`. */
export function build(edit: Edit, opType: string, data: Value, node: Node, types: Types): Value {
  const keepdims = intAttr(node, 'keepdims');
  if ((edit.graph.opset('') ?? 0) >= 18) return edit.node(opType, [data, node.inputs[1]], { keepdims });
  const axes = givenAxes(node, types) ?? [];
  return edit.node(opType, [data], { keepdims, ...(axes.length > 0 && { axes }) });
}
