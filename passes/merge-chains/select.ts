import {
  constantOf,
  intAttr,
  isOp,
  type Node,
  type PassContext,
  stringAttr,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { knownInts, normalAxis, onlyReader, sameDim, sameDims } from '../_shared/facts.js';
import { type NodeRule, passThrough, type Plan } from '../_shared/node-rules.js';
import { readSlice, type SlicedAxis } from '../_shared/slices.js';

const nested: NodeRule = {
  name: 'nested-operands',
  summary: 'Concat in Concat along the same axis, Max in Max, Min in Min, become one node',
  ops: ['Concat', 'Max', 'Min'],
  plan(node, { types }) {
    const rank = types.shape(node.outputs[0]!)?.length;
    const at = node.inputs.findIndex((value) => value !== undefined && isNested(node, value, rank));
    if (at < 0) return undefined;
    const inner = node.inputs[at]!.producer!;
    return (edit) => edit.graph.setInputs(node, node.inputs.toSpliced(at, 1, ...inner.inputs));
  },
};

function isNested(node: Node, value: Value, rank: number | undefined): boolean {
  const inner = value.producer;
  if (!isOp(inner, node.opType) || inner.graph !== node.graph || onlyReader(value) !== node) return false;
  if (node.opType !== 'Concat') return (node.graph.opset('') ?? 0) >= 8;
  const [a, b] = [intAttr(node, 'axis'), intAttr(inner, 'axis')];
  return a !== undefined && (a === b || (rank !== undefined && normalAxis(a, rank) === normalAxis(b, rank)));
}

const splitConcat: NodeRule = {
  name: 'concat-of-split',
  summary: 'Concat of all parts of a Split, or of slices that cover an axis, in order, is what was split',
  ops: ['Concat'],
  plan(node, { types }) {
    const axis = intAttr(node, 'axis');
    const whole: Value | undefined = node.inputs[0]?.producer?.inputs[0];
    const rank = whole ? types.shape(whole)?.length : undefined;
    if (!whole || axis === undefined || rank === undefined) return undefined;
    const split = node.inputs[0]?.producer;
    if (isOp(split, 'Split')) {
      const isAll =
        node.inputs.length === split.outputs.length && node.inputs.every((value, i) => value === split.outputs[i]);
      return isAll && normalAxis(intAttr(split, 'axis'), rank) === normalAxis(axis, rank)
        ? passThrough(node, whole)
        : undefined;
    }
    return coversAxis(node, whole, normalAxis(axis, rank), types) ? passThrough(node, whole) : undefined;
  },
};

function coversAxis(node: Node, whole: Value, axis: number | undefined, types: Types): boolean {
  let at: SlicedAxis['end'] = 0;
  for (const value of node.inputs) {
    const slice = value?.producer;
    const cut = isOp(slice, 'Slice') && slice.inputs[0] === whole ? readSlice(slice, types) : undefined;
    const [only] = cut ?? [];
    if (!only || cut?.length !== 1 || only.axis !== axis || only.step !== 1 || !sameDim(only.start, at)) return false;
    at = only.end;
  }
  return sameDim(at, types.shape(whole)?.[axis ?? -1] ?? null);
}

const gatherNd: NodeRule = {
  name: 'gather-nd-of-one-axis',
  summary: 'GatherND with constant places along the first axis becomes Gather',
  ops: ['GatherND'],
  plan(node) {
    const places = constantOf(node.inputs[1]);
    if (!places || places.size === 0 || places.shape.at(-1) !== 1 || (intAttr(node, 'batch_dims') ?? 0) !== 0)
      return undefined;
    const indices = new Tensor(places.dtype, places.shape.slice(0, -1), places.data);
    return (edit) => {
      edit.replace(node.outputs[0]!, edit.node('Gather', [node.inputs[0], edit.constant('', indices)], { axis: 0 }));
    };
  },
};

const gatherChain: NodeRule = {
  name: 'gather-chain',
  summary: 'Gather of Gather along one axis with constant indices becomes one Gather',
  ops: ['Gather'],
  plan(node, { types }) {
    const inner = node.inputs[0]?.producer;
    if (!isOp(inner, 'Gather') || onlyReader(inner.outputs[0]!) !== node) return undefined;
    const rank = types.shape(inner.inputs[0]!)?.length;
    const indices = constantOf(inner.inputs[1]);
    const picked = knownInts(types, node.inputs[1]);
    const shape = types.elements(node.inputs[1]!)?.shape;
    if (rank === undefined || indices?.shape.length !== 1 || !picked || !shape) return undefined;
    const axis = normalAxis(intAttr(inner, 'axis'), rank);
    if (axis === undefined || axis !== normalAxis(intAttr(node, 'axis'), rank)) return undefined;
    const list = indices.ints();
    const chosen = picked.map((index) => list.at(index));
    if (chosen.some((index) => index === undefined) || picked.some((index) => index < -list.length)) return undefined;
    return (edit) => {
      const merged = edit.constant('', Tensor.int64(shape, chosen as bigint[]));
      edit.replace(node.outputs[0]!, edit.node('Gather', [inner.inputs[0], merged], { axis }));
    };
  },
};

const padChain: NodeRule = {
  name: 'pad-chain',
  summary: 'Pad of Pad with the same constant becomes one Pad',
  ops: ['Pad'],
  plan(node, { types }) {
    const inner = node.inputs[0]?.producer;
    if (!isOp(inner, 'Pad') || onlyReader(inner.outputs[0]!) !== node || !node.inputs[1] || !inner.inputs[1])
      return undefined;
    const isPlain = (each: Node): boolean => (stringAttr(each, 'mode') ?? 'constant') === 'constant' && !each.inputs[3];
    const [a, b] = [knownInts(types, node.inputs[1]), knownInts(types, inner.inputs[1])];
    if (!isPlain(node) || !isPlain(inner) || !a || a.length !== b?.length) return undefined;
    if ([...a, ...b].some((size) => size < 0) || padValue(node) === undefined) return undefined;
    if (!Object.is(padValue(node), padValue(inner))) return undefined;
    const pads = a.map((size, i) => size + b[i]!);
    return (edit) => {
      const sizes = edit.constant('', Tensor.int64([pads.length], pads));
      edit.replace(node.outputs[0]!, edit.node('Pad', [inner.inputs[0], sizes, node.inputs[2]], node.attrs));
    };
  },
};

function padValue(node: Node): number | undefined {
  return node.inputs[2] ? constantOf(node.inputs[2])?.scalar() : 0;
}

/** A part of length 1 whose axis is dropped, or an element whose axis is put back, is one Gather. */
const element: NodeRule = {
  name: 'slice-squeeze',
  summary: 'Squeeze of a Slice of one element, and Unsqueeze of a Gather of one, become one Gather',
  ops: ['Squeeze', 'Unsqueeze', 'Reshape'],
  plan(node, cx) {
    const inner = node.inputs[0]?.producer;
    if (!inner || onlyReader(inner.outputs[0]!) !== node) return undefined;
    if (isOp(inner, 'Slice')) return squeezedSlice(node, inner, cx);
    return isOp(inner, 'Gather') ? unsqueezedGather(node, inner, cx) : undefined;
  },
};

function squeezedSlice(node: Node, slice: Node, { types }: PassContext): Plan | undefined {
  const shape = types.shape(slice.inputs[0]!);
  const cut = readSlice(slice, types);
  const [only] = cut ?? [];
  if (!shape || !only || cut?.length !== 1 || typeof only.start !== 'number' || only.step !== 1) return undefined;
  const { axis, start } = only;
  const isOne = typeof only.end === 'number' && only.end === start + 1;
  if (!isOne || !sameDims(types.shape(node.outputs[0]!), shape.toSpliced(axis, 1))) return undefined;
  return (edit) => {
    const index = edit.constant('', Tensor.int64([], [start]));
    edit.replace(node.outputs[0]!, edit.node('Gather', [slice.inputs[0], index], { axis }));
  };
}

function unsqueezedGather(node: Node, gather: Node, { types }: PassContext): Plan | undefined {
  const shape = types.shape(gather.inputs[0]!);
  const axis = shape && normalAxis(intAttr(gather, 'axis'), shape.length);
  const index = constantOf(gather.inputs[1]);
  if (axis === undefined || !shape || index?.shape.length !== 0) return undefined;
  if (!sameDims(types.shape(node.outputs[0]!), shape.with(axis, 1))) return undefined;
  return (edit) => {
    const list = edit.constant('', Tensor.int64([1], index.ints()));
    edit.replace(node.outputs[0]!, edit.node('Gather', [gather.inputs[0], list], { axis }));
  };
}

/** Rules about operators that select and join. */
export const SELECT_RULES: readonly NodeRule[] = [nested, splitConcat, gatherNd, gatherChain, padChain, element];
