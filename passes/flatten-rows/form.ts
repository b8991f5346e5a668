import {
  type Attribute,
  type Attributes,
  constantOf,
  type Dim,
  hasReference,
  intAttr,
  isBroadcasting,
  isElementwiseUnary,
  isOp,
  type Node,
  type Shape,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { knownInts, normalAxis, onlyReader, sameDims } from '../_shared/facts.js';

/** How a node computes the same when all leading axes of its tensors have become one. */
export interface FlatForm {
  /** Inputs that have the axes in question. */
  readonly moved: readonly number[];
  readonly attrs: Attributes;
  /** Inputs that become new constants. */
  readonly constants: ReadonlyMap<number, Tensor>;
}

/** Elementwise operators that look at more than one element, or whose second operand is no parameter. */
const EXCLUDED = new Set(['BitCast', 'CastLike', 'Identity', 'RegexFullMatch', 'SwiGLU', 'StringConcat', 'PRelu']);

/** Whether a shape has these leading dims and a last one of known size. */
export function isStack(shape: Shape | undefined, lead: Shape): boolean {
  const width = shape?.at(-1);
  return shape !== undefined && typeof width === 'number' && width > 0 && sameDims(shape.slice(0, -1), lead);
}

/** What it takes to have the leading axes `lead` of all tensors of a node as one; `undefined` when the operator cares for them. */
export function flatForm(node: Node, lead: Shape, types: Types): FlatForm | undefined {
  if (node.domain !== '' || node.bodies.length > 0 || hasReference(node) || EXCLUDED.has(node.opType)) return undefined;
  if (!node.inputs[0]) return undefined;
  if (!node.outputs.every((value) => value.uses.size === 0 || isStack(types.shape(value), lead))) return undefined;
  if (isElementwiseUnary(node)) return unary(node, lead, types);
  if (isBroadcasting(node)) return broadcasting(node, lead, types);
  switch (node.opType) {
    case 'MatMul':
      return node.inputs[1] && types.shape(node.inputs[1])?.length === 2
        ? onFirst(node, lead, types, node.attrs)
        : undefined;
    case 'Reshape':
      return restacked(node, lead, types);
    case 'Softmax':
    case 'LogSoftmax':
      return (node.graph.opset('') ?? 0) >= 13 ? alongLast(node, [0], lead, types) : undefined;
    case 'Split':
      return alongLast(node, [0], lead, types);
    case 'Concat':
      return alongLast(node, [...node.inputs.keys()], lead, types);
    case 'LayerNormalization':
    case 'RMSNormalization':
      return norm(node, lead, types);
    default:
      return undefined;
  }
}

function onFirst(node: Node, lead: Shape, types: Types, attrs: Attributes): FlatForm | undefined {
  return isStack(types.shape(node.inputs[0]!), lead) ? { moved: [0], attrs, constants: new Map() } : undefined;
}

function unary(node: Node, lead: Shape, types: Types): FlatForm | undefined {
  const isParameter = (value: Value | undefined): boolean => !value || types.shape(value)?.length === 0;
  return node.inputs.slice(1).every(isParameter) ? onFirst(node, lead, types, node.attrs) : undefined;
}

/** Operands with the leading dims become flat; rows and single numbers stay, also where they have axes of size 1 in front. */
function broadcasting(node: Node, lead: Shape, types: Types): FlatForm | undefined {
  if ((node.graph.opset('') ?? 0) < 7) return undefined;
  const moved: number[] = [];
  const constants = new Map<number, Tensor>();
  for (const [index, value] of node.inputs.entries()) {
    const shape = value && types.shape(value);
    if (!shape) return undefined;
    if (shape.length <= 1) continue;
    const tensor = constantOf(value);
    if (tensor && tensor.shape.slice(0, -1).every((dim) => dim === 1))
      constants.set(index, new Tensor(tensor.dtype, tensor.shape.slice(-1), tensor.data));
    else if (!tensor && isStack(shape, lead)) moved.push(index);
    else return undefined;
  }
  return moved.length > 0 ? { moved, attrs: node.attrs, constants } : undefined;
}

/** Operators along the last axis. */
function alongLast(node: Node, moved: readonly number[], lead: Shape, types: Types): FlatForm | undefined {
  if (normalAxis(intAttr(node, 'axis'), lead.length + 1) !== lead.length) return undefined;
  const areStacks = moved.every((index) => isStack(types.shape(node.inputs[index]!), lead));
  if (!areStacks || moved.some((index) => constantOf(node.inputs[index]))) return undefined;
  return { moved, attrs: withAxis(node, 1), constants: new Map() };
}

/** Statistics of a norm are outputs with another last axis: nobody may read them. */
function norm(node: Node, lead: Shape, types: Types): FlatForm | undefined {
  const isRow = (value: Value | undefined): boolean => !value || types.shape(value)?.length === 1;
  if (!node.inputs.slice(1).every(isRow) || node.outputs.slice(1).some((value) => value.uses.size > 0))
    return undefined;
  return alongLast(node, [0], lead, types) && onFirst(node, lead, types, withAxis(node, -1));
}

/** What is a Reshape already is one to two axes instead. */
function restacked(node: Node, lead: Shape, types: Types): FlatForm | undefined {
  const width = types.shape(node.outputs[0]!)?.at(-1);
  if (typeof width !== 'number' || isStack(types.shape(node.inputs[0]!), lead)) return undefined;
  const attrs = new Map([...node.attrs].filter(([name]) => name !== 'allowzero'));
  return { moved: [], attrs, constants: new Map([[1, Tensor.int64([2], [-1, width])]]) };
}

function withAxis(node: Node, axis: number): Attributes {
  return new Map<string, Attribute>([...node.attrs, ['axis', { type: 'INT', value: BigInt(axis) }]]);
}

/** The addition of a constant row that alone reads a product of float32: with two axes both are one Gemm. */
export function biasOf(node: Node, types: Types): Node | undefined {
  const product = node.outputs[0]!;
  const reader =
    isOp(node, 'MatMul') && node.inputs[0] && types.dtype(product) === 'float32' ? onlyReader(product) : undefined;
  if (!isOp(reader, 'Add') || reader.graph !== node.graph) return undefined;
  const bias = constantOf(reader.inputs.find((input) => input !== product));
  const width: Dim = (node.inputs[1] && types.shape(node.inputs[1])?.[1]) ?? null;
  return bias && bias.size === bias.shape.at(-1) && bias.size === width ? reader : undefined;
}

/** The sizes by which a Reshape can make its result from a flat operand: all are numbers but at most one. */
export function targetFromFlat(node: Node, types: Types): readonly number[] | undefined {
  const to = types.shape(node.outputs[0]!);
  if (!isOp(node, 'Reshape') || !to || knownInts(types, node.inputs[1])?.length === 0) return undefined;
  if (to.some((dim) => dim === 0) || to.filter((dim) => typeof dim !== 'number').length > 1) return undefined;
  return to.map((dim) => (typeof dim === 'number' ? dim : -1));
}
