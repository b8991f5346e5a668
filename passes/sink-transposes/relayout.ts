import {
  type Attribute,
  type Attributes,
  constantOf,
  type Edit,
  intAttr,
  intsAttr,
  isBroadcasting,
  isElementwiseUnary,
  type Node,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { knownInts, normalAxis } from '../_shared/facts.js';
import { isTransposable } from '../_shared/transposed-tensor.js';
import { movesChannelsFirst, pointwiseKernel } from './pointwise-conv.js';

/** How a node computes the same when axis `i` of its tensors has become axis `perm[i]`. */
export interface Relayout {
  /** Inputs that have the axes in question; constants among them can be permuted at once. */
  readonly moved: readonly number[];
  /** Attributes of the new node. */
  readonly attrs: Attributes;
  /** Inputs that become new constants. */
  readonly constants: ReadonlyMap<number, Tensor>;
  /** Where another operator does the work in the other layout: its name, and constants that are in that layout already. */
  readonly becomes?: { readonly opType: string; readonly operands: ReadonlyMap<number, Tensor> };
}

/** Elementwise operators that look at more than one element, or whose second operand is no parameter. */
const EXCLUDED = new Set(['BitCast', 'CastLike', 'Identity', 'RegexFullMatch', 'SwiGLU', 'StringConcat']);

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
];

/** What it takes to permute the axes of all tensors of a node; `undefined` when the operator cares for their order. */
export function relayoutOf(node: Node, perm: readonly number[], types: Types): Relayout | undefined {
  if (node.domain !== '' || node.bodies.length > 0 || hasReference(node)) return undefined;
  const rank = perm.length;
  if (!node.outputs.every((value) => value.uses.size === 0 || types.shape(value)?.length === rank)) return undefined;
  if (EXCLUDED.has(node.opType)) return undefined;
  if (isElementwiseUnary(node)) return unary(node, rank, types);
  if (isBroadcasting(node)) return broadcasting(node, rank, types);
  const opset = node.graph.opset('') ?? 0;
  switch (node.opType) {
    case 'Concat':
      return withAxis(
        node,
        perm,
        node.inputs.map((_, index) => index),
        types,
      );
    case 'Gather':
      return listed(node, perm, types);
    case 'Split':
    case 'ArgMax':
    case 'ArgMin':
      return withAxis(node, perm, [0], types);
    case 'Softmax':
    case 'LogSoftmax':
    case 'Hardmax':
      return opset >= 13 ? withAxis(node, perm, [0], types) : undefined;
    case 'Pad':
      return pad(node, perm, types);
    case 'Slice':
      return slice(node, perm, types);
    case 'MatMul':
      return product(node, perm, types);
    case 'QuantizeLinear':
    case 'DequantizeLinear':
      return types.shape(node.inputs[1]!)?.length === 0 ? plain(node, [0]) : undefined;
    default:
      return REDUCTIONS.includes(node.opType) && intAttr(node, 'keepdims') === 1
        ? reduction(node, perm, types)
        : undefined;
  }
}

/** A product over the last axis is a convolution over the second one. */
function product(node: Node, perm: readonly number[], types: Types): Relayout | undefined {
  if (!movesChannelsFirst(perm)) return undefined;
  const kernel = pointwiseKernel(node, perm.length, types);
  if (typeof kernel === 'string') return undefined;
  const attrs = new Map<string, Attribute>([
    ['kernel_shape', { type: 'INTS', value: kernel.shape.slice(2).map(BigInt) }],
  ]);
  return { moved: [0], attrs, constants: new Map(), becomes: { opType: 'Conv', operands: new Map([[1, kernel]]) } };
}

function hasReference(node: Node): boolean {
  return [...node.attrs.values()].some((attr) => attr.type === 'REFERENCE');
}

function plain(node: Node, moved: readonly number[]): Relayout {
  return { moved, attrs: node.attrs, constants: new Map() };
}

/** Parameters beside the input are single numbers. */
function unary(node: Node, rank: number, types: Types): Relayout | undefined {
  const isParameter = (value: Value | undefined): boolean => !value || types.shape(value)?.length === 0;
  if (types.shape(node.inputs[0]!)?.length !== rank || !node.inputs.slice(1).every(isParameter)) return undefined;
  return plain(node, [0]);
}

/** Operands of full rank are permuted, constants of lower rank too; single numbers stay. */
function broadcasting(node: Node, rank: number, types: Types): Relayout | undefined {
  if ((node.graph.opset('') ?? 0) < 7) return undefined;
  const moved: number[] = [];
  const constants = new Map<number, Tensor>();
  for (const [index, value] of node.inputs.entries()) {
    const shape = value && types.shape(value);
    if (!shape) return undefined;
    if (shape.length === rank) moved.push(index);
    else if (shape.length > 0) {
      const tensor = constantOf(value);
      if (!tensor || !isTransposable(tensor)) return undefined;
      const full = [...Array<number>(rank - shape.length).fill(1), ...tensor.shape];
      constants.set(index, new Tensor(tensor.dtype, full, tensor.data));
    }
  }
  return moved.length > 0 ? { moved, attrs: node.attrs, constants } : undefined;
}

function withAxis(node: Node, perm: readonly number[], moved: readonly number[], types: Types): Relayout | undefined {
  const rank = perm.length;
  const axis = normalAxis(intAttr(node, 'axis'), rank);
  if (axis === undefined || !moved.every((index) => types.shape(node.inputs[index]!)?.length === rank))
    return undefined;
  return { moved, attrs: withInts(node, { axis: perm[axis]! }), constants: new Map() };
}

/** Rows are chosen by a list. Along the last axis single elements would be copied, which is slower than two Transposes. */
function listed(node: Node, perm: readonly number[], types: Types): Relayout | undefined {
  const axis = normalAxis(intAttr(node, 'axis'), perm.length);
  const isLast = axis !== undefined && perm[axis] === perm.length - 1 && axis !== perm.length - 1;
  return types.shape(node.inputs[1]!)?.length === 1 && !isLast ? withAxis(node, perm, [0], types) : undefined;
}

function reduction(node: Node, perm: readonly number[], types: Types): Relayout | undefined {
  const axes = reducedAxes(node, perm.length, types);
  return (
    axes &&
    withAxes(
      node,
      axes.map((axis) => perm[axis]!),
    )
  );
}

/** The axes that a reduction drops or keeps as 1, counted from the front; none given is all. */
export function reducedAxes(node: Node, rank: number, types: Types): readonly number[] | undefined {
  if (types.shape(node.inputs[0]!)?.length !== rank || intAttr(node, 'noop_with_empty_axes') === 1) return undefined;
  const given = node.inputs[1] ? knownInts(types, node.inputs[1]) : (intsAttr(node, 'axes') ?? []);
  const axes = given?.length === 0 ? Array.from({ length: rank }, (_, axis) => axis) : given;
  const normal = axes?.map((axis) => normalAxis(axis, rank));
  return normal?.every((axis) => axis !== undefined) ? (normal as readonly number[]) : undefined;
}

/** A reduction over other axes, or a Gather along another axis. */
export function withAxes(node: Node, axes: readonly number[]): Relayout {
  if (node.opType === 'Gather') return { moved: [0], attrs: withInts(node, { axis: axes[0]! }), constants: new Map() };
  const sorted = axes.toSorted((a, b) => a - b);
  if (!node.inputs[1]) return { moved: [0], attrs: withInts(node, { axes: sorted }), constants: new Map() };
  return { moved: [0], attrs: node.attrs, constants: new Map([[1, Tensor.int64([sorted.length], sorted)]]) };
}

/** The axes that a reduction, or a Gather of one element, takes away. */
export function droppedAxes(node: Node, rank: number, types: Types): readonly number[] | undefined {
  if (node.domain !== '' || hasReference(node)) return undefined;
  if (node.opType !== 'Gather') return REDUCTIONS.includes(node.opType) ? reducedAxes(node, rank, types) : undefined;
  const axis = normalAxis(intAttr(node, 'axis'), rank);
  const isElement = constantOf(node.inputs[1])?.shape.length === 0;
  return isElement && axis !== undefined && types.shape(node.inputs[0]!)?.length === rank ? [axis] : undefined;
}

function pad(node: Node, perm: readonly number[], types: Types): Relayout | undefined {
  const rank = perm.length;
  const isInput = (node.graph.opset('') ?? 0) >= 11;
  const pads = isInput ? knownInts(types, node.inputs[1]) : intsAttr(node, 'pads');
  if (pads?.length !== 2 * rank || node.inputs[3] || types.shape(node.inputs[0]!)?.length !== rank) return undefined;
  const moved = pads.map(() => 0);
  perm.forEach((to, axis) => {
    moved[to] = pads[axis]!;
    moved[rank + to] = pads[rank + axis]!;
  });
  if (!isInput) return { moved: [0], attrs: withInts(node, { pads: moved }), constants: new Map() };
  return { moved: [0], attrs: node.attrs, constants: new Map([[1, Tensor.int64([2 * rank], moved)]]) };
}

function slice(node: Node, perm: readonly number[], types: Types): Relayout | undefined {
  const rank = perm.length;
  if ((node.graph.opset('') ?? 0) < 10 || types.shape(node.inputs[0]!)?.length !== rank) return undefined;
  const count = types.shape(node.inputs[1]!)?.[0];
  const axes = node.inputs[3]
    ? knownInts(types, node.inputs[3])
    : typeof count === 'number'
      ? Array.from({ length: count }, (_, at) => at)
      : undefined;
  const normal = axes?.map((axis) => normalAxis(axis, rank));
  if (!normal?.every((axis) => axis !== undefined)) return undefined;
  const list = (normal as readonly number[]).map((axis) => perm[axis]!);
  return { moved: [0], attrs: node.attrs, constants: new Map([[3, Tensor.int64([list.length], list)]]) };
}

function withInts(node: Node, values: Readonly<Record<string, number | readonly number[]>>): Attributes {
  const attrs = new Map<string, Attribute>(node.attrs);
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'number') attrs.set(name, { type: 'INT', value: BigInt(value) });
    else attrs.set(name, { type: 'INTS', value: (value as readonly number[]).map(BigInt) });
  }
  return attrs;
}

/** Adds the node in the other layout. `permuted` gives inputs in that layout, `constant` permutes a full-rank constant. */
export function addRelaidOut(
  edit: Edit,
  node: Node,
  { moved, attrs, constants, becomes }: Relayout,
  permuted: (value: Value) => Value,
  permutedTensor: (tensor: Tensor) => Tensor,
): readonly Value[] {
  const isList = (tensor: Tensor): boolean => tensor.shape.length === 1;
  const inputs: (Value | undefined)[] = node.inputs.map((value, index) => {
    const operand = becomes?.operands.get(index);
    if (operand) return edit.constant(value?.hint ?? '', operand);
    const tensor = constants.get(index);
    if (tensor) return edit.constant('', isList(tensor) ? tensor : permutedTensor(tensor));
    return value && moved.includes(index) ? permuted(value) : value;
  });
  for (const [index, tensor] of constants) if (index >= inputs.length) inputs[index] = edit.constant('', tensor);
  return edit.nodes(
    becomes?.opType ?? node.opType,
    inputs,
    attrs,
    node.outputs.map(() => ''),
    { name: node.name },
  );
}
