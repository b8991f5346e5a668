import { type Edit, intAttr, intsAttr, isOp, type Node, type Shape, Tensor, type Types, type Value } from '#core';
import { knownInts, normalAxis, onlyReader, sameDims } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';

const REDUCTIONS = [
  'ReduceL1',
  'ReduceL2',
  'ReduceLogSum',
  'ReduceLogSumExp',
  'ReduceMax',
  'ReduceMean',
  'ReduceMin',
  'ReduceProd',
  'ReduceSum',
  'ReduceSumSquare',
  'ArgMax',
  'ArgMin',
];

/** A reduction whose axes are known. */
export interface Reduction {
  readonly node: Node;
  readonly data: Value;
  readonly axes: readonly number[];
  readonly keeps: boolean;
  readonly shape: Shape;
}

/** Reads a reduction whose axes are known. */
export function readReduction(node: Node | undefined, types: Types): Reduction | undefined {
  if (!isOp(node, ...REDUCTIONS)) return undefined;
  const data = node.inputs[0]!;
  const shape = types.shape(data);
  const keepdims = intAttr(node, 'keepdims');
  const isArg = node.opType.startsWith('Arg');
  const single = isArg ? intAttr(node, 'axis') : undefined;
  const given = isArg ? (single === undefined ? undefined : [single]) : givenAxes(node, types);
  if (!shape || !given || keepdims === undefined) return undefined;
  if (given.length === 0 && intAttr(node, 'noop_with_empty_axes') === 1) return undefined;
  const axes = given.length === 0 ? shape.map((_, axis) => axis) : given.map((axis) => normalAxis(axis, shape.length));
  if (!axes.every((axis) => axis !== undefined)) return undefined;
  return { node, data, axes: (axes as number[]).toSorted((a, b) => a - b), keeps: keepdims === 1, shape };
}

function givenAxes(node: Node, types: Types): readonly number[] | undefined {
  if (node.inputs[1]) return knownInts(types, node.inputs[1]);
  return node.attrs.get('axes')?.type === 'REFERENCE' ? undefined : (intsAttr(node, 'axes') ?? []);
}

/** The same reduction with other axes or another `keepdims`. */
function addReduction(edit: Edit, { node, data, axes }: Reduction, keeps: boolean): Value {
  const attrs: Record<string, number | readonly number[] | undefined> = { keepdims: keeps ? 1 : 0 };
  if (node.opType.startsWith('Arg')) {
    attrs['axis'] = axes[0];
    if (node.attrs.has('select_last_index')) attrs['select_last_index'] = intAttr(node, 'select_last_index');
    return edit.node(node.opType, [data], attrs);
  }
  const opset = edit.graph.opset('') ?? 0;
  const isInput = opset >= 18 || (opset >= 13 && node.opType === 'ReduceSum');
  const list = isInput ? edit.constant('', Tensor.int64([axes.length], axes)) : undefined;
  return edit.node(node.opType, [data, list], isInput ? attrs : { ...attrs, axes });
}

/** Axes that a reduction keeps as 1 only to lose them, or drops only to get them back. */
export const reduceReshape: NodeRule = {
  name: 'reduce-reshape',
  summary: 'a reduction whose axes are dropped or put back behind it does so itself',
  ops: ['Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'],
  plan(node, { types }) {
    const reduction = readReduction(node.inputs[0]?.producer, types);
    if (!reduction || onlyReader(node.inputs[0]!) !== node) return undefined;
    const { axes, keeps, shape } = reduction;
    const wanted = keeps
      ? shape.filter((_, axis) => !axes.includes(axis))
      : shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
    if (!sameDims(types.shape(node.outputs[0]!), wanted)) return undefined;
    return (edit) => edit.replace(node.outputs[0]!, addReduction(edit, reduction, !keeps));
  },
};

/** A reduction of a value that lost axes of size 1 can reduce the value that has them. */
export const reduceSqueezed: NodeRule = {
  name: 'reduce-squeezed',
  summary: 'a reduction behind Squeeze reduces what was squeezed, where that gives the same shape',
  ops: REDUCTIONS.filter((op) => !op.startsWith('Arg')),
  plan(node, { types }) {
    const outer = readReduction(node, types);
    const squeeze = outer?.data.producer;
    const to = types.shape(node.outputs[0]!);
    if (!outer || !to || !isOp(squeeze, 'Squeeze') || onlyReader(outer.data) !== node) return undefined;
    const data = squeeze.inputs[0]!;
    const shape = types.shape(data);
    const dropped = shape && droppedAxes(squeeze, shape.length, types);
    if (!shape || !dropped) return undefined;
    const left = shape.map((_, axis) => axis).filter((axis) => !dropped.includes(axis));
    const axes = outer.axes.map((axis) => left[axis]!);
    for (const keeps of [false, true]) {
      const sizes = shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      const result = keeps ? sizes : sizes.filter((_, axis) => !axes.includes(axis));
      if (!sameDims(result, to)) continue;
      return (edit) => edit.replace(node.outputs[0]!, addReduction(edit, { ...outer, data, axes, shape }, keeps));
    }
    return undefined;
  },
};

function droppedAxes(squeeze: Node, rank: number, types: Types): readonly number[] | undefined {
  const given = squeeze.inputs[1] ? knownInts(types, squeeze.inputs[1]) : intsAttr(squeeze, 'axes');
  const axes = given?.map((axis) => normalAxis(axis, rank));
  return axes?.every((axis) => axis !== undefined) ? axes : undefined;
}

/** Reductions for which doing one group of axes after another is doing all of them. */
const NESTED = new Set(['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceL1']);

/** Reductions of a reduction. */
export const reduceChain: NodeRule = {
  name: 'reduce-chain',
  summary: 'two reductions of one kind in a row become one',
  ops: [...NESTED],
  plan(node, { types }) {
    const outer = readReduction(node, types);
    const inner = outer && readReduction(outer.data.producer, types);
    if (!outer || !inner || inner.node.opType !== node.opType || onlyReader(outer.data) !== node) return undefined;
    if (inner.keeps !== outer.keeps) return undefined;
    const left = inner.shape.map((_, axis) => axis).filter((axis) => inner.keeps || !inner.axes.includes(axis));
    const axes = [...new Set([...inner.axes, ...outer.axes.map((axis) => left[axis]!)])].sort((a, b) => a - b);
    return (edit) => edit.replace(node.outputs[0]!, addReduction(edit, { ...inner, axes }, outer.keeps));
  },
};

/** A pool over all positions is a mean over them. */
export const poolReshape: NodeRule = {
  name: 'pool-reshape',
  summary: 'GlobalAveragePool whose spatial axes are dropped behind it is a reduction',
  ops: ['Reshape', 'Squeeze', 'Flatten'],
  plan(node, { types }) {
    const pool = node.inputs[0]?.producer;
    if (!isOp(pool, 'GlobalAveragePool') || onlyReader(node.inputs[0]!) !== node) return undefined;
    const data = pool.inputs[0]!;
    const shape = types.shape(data);
    if (!shape || shape.length < 3 || !sameDims(types.shape(node.outputs[0]!), shape.slice(0, 2))) return undefined;
    const axes = shape.slice(2).map((_, at) => at + 2);
    const opset = node.graph.opset('') ?? 0;
    return (edit) => {
      const list = opset >= 18 ? edit.constant('', Tensor.int64([axes.length], axes)) : undefined;
      const attrs = { keepdims: 0, ...(opset < 18 && { axes }) };
      edit.replace(node.outputs[0]!, edit.node('ReduceMean', [data, list], attrs));
    };
  },
};
