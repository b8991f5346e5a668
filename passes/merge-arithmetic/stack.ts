import { type DType, intAttr, isFloat, isOp, type Node, type Types, type Value } from '#core';
import { normalAxis, onlyReader, sameDims } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { readReduction } from './reduce.js';

/** The operator on separate operands that a reduction of stacked ones is. */
const SEPARATE: Readonly<Record<string, { readonly two: string; readonly many: string }>> = {
  ReduceSum: { two: 'Add', many: 'Sum' },
  ReduceMax: { two: 'Max', many: 'Max' },
  ReduceMin: { two: 'Min', many: 'Min' },
};

/** Element types that runtimes add and compare; reductions know smaller ones, too. */
const WIDE: ReadonlySet<DType> = new Set(['float16', 'float32', 'float64', 'int32', 'int64']);

/** Values that are stacked along a new axis only to be reduced over it. */
export const reducedStack: NodeRule = {
  name: 'reduced-stack',
  summary: 'the sum, maximum or minimum over an axis along which values were stacked is Add, Sum, Max or Min',
  ops: Object.keys(SEPARATE),
  plan(node, { types }) {
    const reduction = readReduction(node, types);
    const concat = reduction?.data.producer;
    const [axis] = reduction?.axes ?? [];
    if (!reduction || !isOp(concat, 'Concat') || reduction.axes.length !== 1 || axis === undefined) return undefined;
    if (onlyReader(reduction.data) !== node || normalAxis(intAttr(concat, 'axis'), reduction.shape.length) !== axis)
      return undefined;
    const whole = types.shape(node.outputs[0]!);
    const parts = concat.inputs.map((value) => partOf(value, axis, types));
    if (reduction.keeps || !whole || parts.length < 2 || (node.graph.opset('') ?? 0) < 8) return undefined;
    if (!parts.every((part) => part && sameDims(types.shape(part), whole))) return undefined;
    const { two, many } = SEPARATE[node.opType]!;
    const dtype = types.dtype(node.outputs[0]!);
    if (!dtype || !WIDE.has(dtype) || (many === 'Sum' && parts.length > 2 && !isFloat(dtype))) return undefined;
    return (edit) => edit.replace(node.outputs[0]!, edit.node(parts.length === 2 ? two : many, parts));
  },
};

/** What an operand was before it got the axis. */
function partOf(value: Value | undefined, axis: number, types: Types): Value | undefined {
  const maker: Node | undefined = value?.producer;
  if (!isOp(maker, 'Unsqueeze', 'Reshape')) return undefined;
  const after = types.shape(value!);
  const before = types.shape(maker.inputs[0]!);
  return after?.[axis] === 1 && sameDims(before, after.toSpliced(axis, 1)) ? maker.inputs[0] : undefined;
}
