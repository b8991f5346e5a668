import {
  intAttr,
  intsAttr,
  isOp,
  type Node,
  type PassContext,
  type Shape,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { knownInts, normalAxis, sameDims } from '../_shared/facts.js';
import { type NodeRule, passThrough, type Plan } from '../_shared/node-rules.js';
import { addReshape, positiveSizes, reshapeTarget } from '../_shared/reshape-target.js';

/** Operators that give the elements another shape and keep their order. */
const RESHAPES = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'];

/** Whether a node only gives its input another shape: Reshape and its kin, and a Transpose that moves axes of size 1 alone. */
export function isReshape(node: Node, types: Types): boolean {
  if (node.domain !== '') return false;
  if (node.opType !== 'Transpose') return RESHAPES.includes(node.opType);
  const shape = types.shape(node.inputs[0]!);
  const perm = intsAttr(node, 'perm');
  if (!shape || !perm) return false;
  const moved = perm.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, at) => at === 0 || axis > moved[at - 1]!);
}

const chain: NodeRule = {
  name: 'reshape-chain',
  summary: 'Reshape, Flatten, Squeeze and Unsqueeze in a row become one Reshape, or nothing',
  ops: [...RESHAPES, 'Transpose'],
  plan(node, cx) {
    const { types } = cx;
    const inner = node.inputs[0]?.producer;
    if (!inner || !isReshape(node, types) || !isReshape(inner, types)) return undefined;
    return undone(node, types) ?? sameKind(node, inner, cx) ?? merged(node, inner, cx);
  },
};

/** A value up the chain that has the shape of the end already. */
function undone(node: Node, types: Types): Plan | undefined {
  const to = types.shape(node.outputs[0]!);
  let at: Node | undefined = node;
  for (let steps = 0; steps < 16 && at && isReshape(at, types); steps++) {
    const value: Value = at.inputs[0]!;
    if (sameDims(types.shape(value), to)) return passThrough(node, value);
    at = value.producer;
  }
  return undefined;
}

/** Whether the inner node goes, or will, because everything that reads it can read around it. */
function isPassing(inner: Node, types: Types): boolean {
  return [...inner.outputs[0]!.uses].every(
    (use) => use.kind === 'input' && use.index === 0 && isReshape(use.node, types),
  );
}

/** Squeeze of Squeeze and Unsqueeze of Unsqueeze, whatever the sizes. */
function sameKind(node: Node, inner: Node, { types }: PassContext): Plan | undefined {
  if (node.opType !== inner.opType || !isOp(node, 'Squeeze', 'Unsqueeze') || !isPassing(inner, types)) return undefined;
  const isSqueeze = node.opType === 'Squeeze';
  const outer = isSqueeze ? node.inputs[0]! : node.outputs[0]!;
  const rank = types.shape(outer)?.length;
  const innerRank = types.shape(isSqueeze ? inner.inputs[0]! : inner.outputs[0]!)?.length;
  if (rank === undefined || innerRank === undefined) return undefined;
  const first = axesOf(node, rank, types);
  const second = axesOf(inner, innerRank, types);
  if (!first || !second) return undefined;
  // The many-axes side counts all axes: of the input of the inner Squeeze, of the output of the outer Unsqueeze.
  const [full, other] = isSqueeze ? [second, first] : [first, second];
  const total = isSqueeze ? innerRank : rank;
  const kept = Array.from({ length: total }, (_, axis) => axis).filter((axis) => !full.includes(axis));
  const axes = [...full, ...other.map((axis) => kept[axis]!)].sort((a, b) => a - b);
  return (edit) => {
    const isInput = (edit.graph.opset('') ?? 0) >= 13;
    const list = isInput ? edit.constant('', Tensor.int64([axes.length], axes)) : undefined;
    edit.replace(node.outputs[0]!, edit.node(node.opType, [inner.inputs[0], list], isInput ? {} : { axes }));
  };
}

/** The axes of a Squeeze or Unsqueeze, counted from the front. */
export function axesOf(node: Node, rank: number, types: Types): readonly number[] | undefined {
  const axes = node.inputs[1] ? knownInts(types, node.inputs[1]) : intsAttr(node, 'axes');
  const normal = axes?.map((axis) => normalAxis(axis, rank));
  return normal?.every((axis) => axis !== undefined) ? (normal as readonly number[]) : undefined;
}

function merged(node: Node, inner: Node, { types }: PassContext): Plan | undefined {
  const opset = node.graph.opset('') ?? 0;
  const to = types.shape(node.outputs[0]!);
  const data = inner.inputs[0]!;
  if (opset < 5 || !to || !isPassing(inner, types)) return undefined;
  const from = types.shape(data);
  const positive = [
    ...neededPositive(inner, from, types),
    ...neededPositive(node, types.shape(node.inputs[0]!), types),
  ];
  const target = reshapeTarget(from, to, { opset, positive });
  return target && ((edit) => edit.replace(node.outputs[0]!, addReshape(edit, data, target)));
}

function neededPositive(node: Node, from: Shape | undefined, types: Types): ReturnType<typeof positiveSizes> {
  const elements = isOp(node, 'Reshape') && node.inputs[1] ? types.elements(node.inputs[1])?.elements : undefined;
  return elements && intAttr(node, 'allowzero') !== 1 ? positiveSizes(from, elements) : [];
}

/** Rules about chains of reshapes. */
export const RESHAPE_RULES: readonly NodeRule[] = [chain];
