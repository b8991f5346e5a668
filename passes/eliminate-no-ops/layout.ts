import {
  broadcastShapes,
  intAttr,
  intsAttr,
  isOp,
  type Node,
  type PassContext,
  type Shape,
  stringAttr,
  type Value,
} from '#core';
import { haveSameShape, knownInts, normalAxis, sameDims } from '../_shared/facts.js';
import { type NodeRule, passThrough } from '../_shared/node-rules.js';
import { permutationOf } from '../_shared/permutation.js';

/** Reshape and its kin keep elements and their order: the same shape is the same tensor. Expand and Tile repeat nothing then. */
const sameShape: NodeRule = {
  name: 'same-shape',
  summary: 'Reshape, Flatten, Squeeze, Unsqueeze, Expand or Tile to the shape that is there',
  ops: ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Expand', 'Tile'],
  plan: (node, { types }) =>
    haveSameShape(types, node.inputs[0], node.outputs[0]) ? passThrough(node, node.inputs[0]) : undefined,
};

const transpose: NodeRule = {
  name: 'transpose-in-place',
  summary: 'Transpose that moves nothing but axes of size 1, to the shape that is there',
  ops: ['Transpose'],
  plan(node, { types }) {
    const shape = types.shape(node.inputs[0]!);
    const perm = permutationOf(node, types);
    if (!perm) return undefined;
    if (perm.every((axis, at) => axis === at)) return passThrough(node, node.inputs[0]);
    if (!shape || !keepsOrder(perm, shape)) return undefined;
    return sameDims(
      shape,
      perm.map((axis) => shape[axis] ?? null),
    )
      ? passThrough(node, node.inputs[0])
      : undefined;
  },
};

/** Whether the axes that are not of size 1 stay in order. */
function keepsOrder(perm: readonly number[], shape: Shape): boolean {
  const moved = perm.filter((axis) => shape[axis] !== 1);
  return moved.every((axis, at) => at === 0 || axis > moved[at - 1]!);
}

/** With steps of 1, as many elements as there are must be all of them in order. */
const slice: NodeRule = {
  name: 'slice-of-all',
  summary: 'Slice that takes everything',
  ops: ['Slice'],
  plan(node, { types }) {
    const steps = node.inputs[4] ? knownInts(types, node.inputs[4]) : [];
    if (!steps?.every((step) => step === 1)) return undefined;
    return haveSameShape(types, node.inputs[0], node.outputs[0]) ? passThrough(node, node.inputs[0]) : undefined;
  },
};

const pad: NodeRule = {
  name: 'pad-by-nothing',
  summary: 'Pad that adds nothing',
  ops: ['Pad'],
  plan(node, { types }) {
    const pads = node.inputs[1]
      ? knownInts(types, node.inputs[1])
      : (intsAttr(node, 'pads') ?? intsAttr(node, 'paddings'));
    return pads?.every((size) => size === 0) ? passThrough(node, node.inputs[0]) : undefined;
  },
};

const onePart: NodeRule = {
  name: 'one-part',
  summary: 'Split into one part, Concat, Sum, Mean, Min or Max of one operand',
  ops: ['Split', 'Concat', 'Sum', 'Mean', 'Min', 'Max'],
  plan(node, { types }) {
    if (node.opType === 'Split') {
      const isWhole = node.outputs.length === 1 && haveSameShape(types, node.inputs[0], node.outputs[0]);
      return isWhole ? passThrough(node, node.inputs[0]) : undefined;
    }
    return node.inputs.length === 1 ? passThrough(node, node.inputs[0]) : undefined;
  },
};

const emptyPart: NodeRule = {
  name: 'empty-part',
  summary: 'operands of Concat that are empty along its axis',
  ops: ['Concat'],
  plan(node, { types }) {
    const axis = intAttr(node, 'axis');
    if (axis === undefined || node.inputs.length < 2) return undefined;
    const isEmpty = (value: Value | undefined): boolean => {
      const shape = value && types.shape(value);
      return shape !== undefined && shape.length > 0 && shape[normalAxis(axis, shape.length) ?? -1] === 0;
    };
    const left = node.inputs.filter((value) => !isEmpty(value));
    if (left.length === node.inputs.length || left.length === 0) return undefined;
    return (edit) => edit.graph.setInputs(node, left);
  },
};

const gatherAll: NodeRule = {
  name: 'gather-of-all',
  summary: 'Gather of every index in order',
  ops: ['Gather'],
  plan(node, { types }) {
    const [data, indices] = node.inputs;
    const shape = types.shape(data!);
    const axis = shape && normalAxis(intAttr(node, 'axis'), shape.length);
    const picked = knownInts(types, indices);
    if (axis === undefined || !picked || types.shape(indices!)?.length !== 1 || shape?.[axis] !== picked.length)
      return undefined;
    const isAll = picked.every((index, at) => index === at || index === at - picked.length);
    return isAll ? passThrough(node, data) : undefined;
  },
};

/** At scale 1 every mode samples the elements themselves; cropping may look elsewhere. */
const resize: NodeRule = {
  name: 'resize-in-place',
  summary: 'Resize or Upsample to the size that is there',
  ops: ['Resize', 'Upsample'],
  plan(node, { types }) {
    if (stringAttr(node, 'coordinate_transformation_mode') === 'tf_crop_and_resize') return undefined;
    const isWhole = scalesOf(node, { types })?.every((scale) => scale === 1);
    return isWhole ? passThrough(node, node.inputs[0]) : undefined;
  },
};

function scalesOf(node: Node, { types }: Pick<PassContext, 'types'>): readonly number[] | undefined {
  const [, second, scales, sizes] = node.inputs;
  if (sizes) return haveSameShape(types, node.inputs[0], node.outputs[0]) ? [1] : undefined;
  if (node.opType === 'Resize' && scales) return knownInts(types, scales);
  if (second && node.inputs.length === 2) return knownInts(types, second);
  const attr = node.attrs.get('scales');
  return attr?.type === 'FLOATS' ? attr.value : undefined;
}

const singleBlock: NodeRule = {
  name: 'single-block',
  summary: 'DepthToSpace and SpaceToDepth with blocks of 1, GlobalAveragePool of one position',
  semantics: 'equivalent', // an average starts at +0, so that −0 becomes +0
  ops: ['DepthToSpace', 'SpaceToDepth', 'GlobalAveragePool'],
  plan(node, { types }) {
    if (node.opType !== 'GlobalAveragePool')
      return intAttr(node, 'blocksize') === 1 ? passThrough(node, node.inputs[0]) : undefined;
    const shape = types.shape(node.inputs[0]!);
    return shape?.slice(2).every((dim) => dim === 1) ? passThrough(node, node.inputs[0]) : undefined;
  },
};

/** Operators that broadcast all of their operands against each other, from opset 7 on (8 where there may be any number). */
const BROADCASTING = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pow',
  'Mod',
  'And',
  'Or',
  'Xor',
  'Equal',
  'Greater',
  'GreaterOrEqual',
  'Less',
  'LessOrEqual',
  'Where',
  'Min',
  'Max',
  'Sum',
  'Mean',
  'BitwiseAnd',
  'BitwiseOr',
  'BitwiseXor',
  'BitShift',
];

const expandBeforeBroadcast: NodeRule = {
  name: 'expand-before-broadcast',
  summary: 'Expand or Tile in front of an operator that broadcasts to the same shape by itself',
  ops: BROADCASTING,
  plan(node, { types }) {
    if ((node.graph.opset('') ?? 0) < 8) return undefined;
    const whole = types.shape(node.outputs[0]!);
    const at = node.inputs.findIndex((value) => {
      const expand = value?.producer;
      if (!isOp(expand, 'Expand', 'Tile') || !whole) return false;
      const shapes = node.inputs.map((each) => each && types.shape(each === value ? expand.inputs[0]! : each));
      return shapes.every((shape) => shape !== undefined) && sameDims(broadcastShapes(shapes as Shape[]), whole);
    });
    const expand = node.inputs[at]?.producer;
    return expand && ((edit) => edit.graph.setInput(node, at, expand.inputs[0]));
  },
};

/** A product of stacks of matrices broadcasts the leading axes. */
const expandBeforeProduct: NodeRule = {
  name: 'expand-before-product',
  summary: 'Expand or Tile of leading axes in front of MatMul, which broadcasts them by itself',
  ops: ['MatMul'],
  plan(node, { types }) {
    const whole = types.shape(node.outputs[0]!);
    if (!node.inputs[0] || !node.inputs[1]) return undefined;
    for (const [at, value] of node.inputs.entries()) {
      const expand = value?.producer;
      const other = types.shape(node.inputs[1 - at]!);
      const [from, to] = [expand?.inputs[0] && types.shape(expand.inputs[0]), value && types.shape(value)];
      if (!isOp(expand, 'Expand', 'Tile') || !whole || !other || !from || !to) continue;
      if (from.length < 2 || other.length < 2 || !sameDims(from.slice(-2), to.slice(-2))) continue;
      const lead = broadcastShapes([from.slice(0, -2), other.slice(0, -2)]);
      if (lead && sameDims(lead, whole.slice(0, -2))) return (edit) => edit.graph.setInput(node, at, expand.inputs[0]);
    }
    return undefined;
  },
};

/** Rules about operators that move elements. */
export const LAYOUT_RULES: readonly NodeRule[] = [
  sameShape,
  transpose,
  slice,
  pad,
  onePart,
  emptyPart,
  gatherAll,
  resize,
  singleBlock,
  expandBeforeBroadcast,
  expandBeforeProduct,
];
