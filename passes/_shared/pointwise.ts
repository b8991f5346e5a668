import { constantOf, isBroadcasting, isElementwiseUnary, type Node, type Types, type Value } from '#core';

/** Elementwise operators that look at more than one element, or whose second operand is no parameter. */
const EXCLUDED = new Set(['BitCast', 'CastLike', 'Identity', 'RegexFullMatch', 'StringConcat', 'SwiGLU']);

/** Whether a node works on each element of its first input by itself, its other operands being constant single numbers. */
export function isPointwise(node: Node, types: Types): boolean {
  if (node.domain !== '' || node.bodies.length > 0 || EXCLUDED.has(node.opType) || node.outputs.length !== 1)
    return false;
  if (!isElementwiseUnary(node) && !isBroadcasting(node)) return false;
  if (isBroadcasting(node) && (node.graph.opset('') ?? 0) < 7) return false;
  const isParameter = (value: Value | undefined): boolean =>
    value === undefined || (constantOf(value) !== undefined && types.shape(value)?.length === 0);
  return node.inputs.slice(1).every(isParameter);
}
