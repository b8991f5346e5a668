import { isOp, type Node, Tensor, type Types, type Value } from '#core';
import { haveSameShape, onlyReader, uniformValue } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';

/** A value and the number that it is compared with. */
interface Limit {
  readonly value: Value;
  readonly number: number;
}

/** What Min or Max of two operands cuts at one number, without widening it; Relu is a Max. */
function limitOf(node: Node | undefined, opType: string, types: Types): Limit | undefined {
  if (opType === 'Max' && isOp(node, 'Relu') && node.inputs[0]) return { value: node.inputs[0], number: 0 };
  if (!isOp(node, opType) || node.inputs.length !== 2 || (node.graph.opset('') ?? 0) < 8) return undefined;
  const [a, b] = node.inputs;
  if (!a || !b) return undefined;
  for (const [value, bound] of [
    [a, b],
    [b, a],
  ] as const) {
    const number = uniformValue(bound);
    if (number !== undefined && Number.isFinite(number) && haveSameShape(types, value, node.outputs[0]))
      return { value, number };
  }
  return undefined;
}

/** Max and Min with numbers, one behind the other; NaN stays NaN, −0 may stay where +0 came out. */
export const minMax: NodeRule = {
  name: 'min-max',
  summary: 'Min of Max, or Max of Min, with two numbers become Clip; Max with 0 becomes Relu',
  ops: ['Min', 'Max'],
  plan(node, { types }) {
    const output = node.outputs[0]!;
    if (types.dtype(output) !== 'float32') return undefined;
    const outer = limitOf(node, node.opType, types);
    const inner = outer && limitOf(outer.value.producer, node.opType === 'Min' ? 'Max' : 'Min', types);
    if (outer && inner && onlyReader(outer.value) === node && (node.graph.opset('') ?? 0) >= 11) {
      const [low, high] = node.opType === 'Min' ? [inner.number, outer.number] : [outer.number, inner.number];
      if (low > high) return undefined;
      return (edit) => {
        const bounds = [low, high].map((bound) => edit.constant('', Tensor.float32([], [bound])));
        edit.replace(output, edit.node('Clip', [inner.value, ...bounds]));
      };
    }
    if (!outer || node.opType !== 'Max' || outer.number !== 0) return undefined;
    return (edit) => edit.replace(output, edit.node('Relu', [outer.value]));
  },
};

const OPPOSITE: Readonly<Record<string, string>> = {
  Less: 'GreaterOrEqual',
  Greater: 'LessOrEqual',
  LessOrEqual: 'Greater',
  GreaterOrEqual: 'Less',
};

/** Integers alone: a comparison with NaN is false, and so is its opposite. */
export const notComparison: NodeRule = {
  name: 'not-comparison',
  summary: 'Not of a comparison of integers becomes the opposite comparison',
  ops: ['Not'],
  plan(node, { types }) {
    const inner = node.inputs[0]?.producer;
    if (!isOp(inner, ...Object.keys(OPPOSITE)) || onlyReader(inner.outputs[0]!) !== node) return undefined;
    const dtype = inner.inputs[0] && types.dtype(inner.inputs[0]);
    if (!dtype?.includes('int') || (node.graph.opset('') ?? 0) < 12) return undefined;
    return (edit) => edit.replace(node.outputs[0]!, edit.node(OPPOSITE[inner.opType]!, inner.inputs));
  },
};
