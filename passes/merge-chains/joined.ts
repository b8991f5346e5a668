import { constantOf, intAttr, isOp, type Node, Tensor, type Types, type Value } from '#core';
import { knownInts, normalAxis, onlyReader } from '../_shared/facts.js';
import { type NodeRule, passThrough } from '../_shared/node-rules.js';

/** An operand of a Concat, and where it begins along the axis. */
interface Operand {
  readonly value: Value;
  readonly start: number;
  readonly size: number;
}

/** The operands of the Concat that makes a value, as far from the front as their sizes are known. */
function operandsOf(value: Value | undefined, axis: number, types: Types): readonly Operand[] | undefined {
  const concat = value?.producer;
  const rank = value && types.shape(value)?.length;
  if (!isOp(concat, 'Concat') || rank === undefined || normalAxis(intAttr(concat, 'axis'), rank) !== axis)
    return undefined;
  const operands: Operand[] = [];
  let start = 0;
  for (const each of concat.inputs) {
    const size = each && types.shape(each)?.[axis];
    if (!each || typeof size !== 'number') break;
    operands.push({ value: each, start, size });
    start += size;
  }
  return operands;
}

const sliceOfJoined: NodeRule = {
  name: 'slice-of-concat',
  summary: 'Slice of a single operand of a Concat',
  ops: ['Slice'],
  plan(node, { types }) {
    if (!node.inputs[0]) return undefined;
    const rank = types.shape(node.inputs[0])?.length;
    const [starts, ends, axes] = [1, 2, 3].map((index) => knownInts(types, node.inputs[index]));
    const steps = node.inputs[4] ? knownInts(types, node.inputs[4]) : [1];
    if (rank === undefined || starts?.length !== 1 || ends?.length !== 1 || axes?.length !== 1 || steps?.[0] !== 1)
      return undefined;
    const axis = normalAxis(axes[0], rank);
    const [start, end] = [starts[0]!, ends[0]!];
    const operands = axis === undefined ? undefined : operandsOf(node.inputs[0], axis, types);
    const from = operands?.find((each) => start >= each.start && end <= each.start + each.size && start < end);
    if (!from) return undefined;
    if (start === from.start && end === start + from.size) return passThrough(node, from.value);
    if (onlyReader(node.inputs[0]!) !== node) return undefined;
    return (edit) => {
      const bound = (position: number): Value => edit.constant('', Tensor.int64([1], [position - from.start]));
      const inputs = [from.value, bound(start), bound(end), ...node.inputs.slice(3)];
      edit.replace(node.outputs[0]!, edit.node('Slice', inputs));
    };
  },
};

const gatherOfJoined: NodeRule = {
  name: 'gather-of-concat',
  summary: 'Gather of one element of a single operand of a Concat',
  ops: ['Gather'],
  plan(node, { types }) {
    if (!node.inputs[0]) return undefined;
    const rank = types.shape(node.inputs[0])?.length;
    const axis = rank === undefined ? undefined : normalAxis(intAttr(node, 'axis'), rank);
    const index = constantOf(node.inputs[1]);
    const at = index?.size === 1 ? Number(index.ints()[0]) : undefined;
    if (axis === undefined || at === undefined || at < 0 || onlyReader(node.inputs[0]!) !== node) return undefined;
    const from = operandsOf(node.inputs[0], axis, types)?.find(
      (each) => at >= each.start && at < each.start + each.size,
    );
    if (!from) return undefined;
    return (edit) => {
      const place = edit.constant('', Tensor.int64(index!.shape, [at - from.start]));
      edit.replace(node.outputs[0]!, edit.node('Gather', [from.value, place], node.attrs));
    };
  },
};

const splitOfJoined: NodeRule = {
  name: 'split-of-concat',
  summary: 'Split into what was joined',
  ops: ['Split'],
  plan(node, { types }) {
    if (!node.inputs[0]) return undefined;
    const shape = types.shape(node.inputs[0]);
    const axis = shape && normalAxis(intAttr(node, 'axis'), shape.length);
    const operands = axis === undefined ? undefined : operandsOf(node.inputs[0], axis, types);
    if (operands?.length !== node.outputs.length || countOf(node) !== node.outputs.length) return undefined;
    const fits = node.outputs.every((output, at) => types.shape(output)?.[axis!] === operands[at]!.size);
    if (!fits || node.outputs.every((output) => output.uses.size === 0)) return undefined;
    return (edit) => {
      node.outputs.forEach((output, at) => edit.replace(output, operands[at]!.value));
    };
  },
};

function countOf(split: Node): number {
  return split.inputs[0]!.producer!.inputs.length;
}

/** Rules about parts of what was joined. */
export const JOINED_RULES: readonly NodeRule[] = [sliceOfJoined, gatherOfJoined, splitOfJoined];
