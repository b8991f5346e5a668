import {
  attributesKey,
  constantOf,
  floatAttr,
  hasReference,
  intAttr,
  isFloat,
  isOp,
  type Node,
  type Tensor,
  type Types,
  type Value,
} from '#core';
import { onlyReader } from '../_shared/facts.js';
import { isPointwise } from '../_shared/pointwise.js';

/** A linear layer with constant parameters whose output channels may stand beside those of another layer of the same input. */
export interface Projection {
  readonly layer: Node;
  readonly weight: Tensor;
  /** One number per output channel. */
  readonly bias: Tensor | undefined;
  /** The axis of the weight along which its output channels lie, and that of the result. */
  readonly axes: { readonly weight: number; readonly result: number };
  /** What takes the place of layer and bias. */
  readonly result: Value;
  readonly nodes: readonly Node[];
  /** Equal for layers that may become one. */
  readonly key: string;
}

/** The layer that a node is; its bias may be a node of its own behind a product. */
export function projectionOf(node: Node, types: Types): Projection | undefined {
  if (!isOp(node, 'MatMul', 'Gemm', 'Conv') || !node.inputs[0] || hasReference(node)) return undefined;
  const weight = constantOf(node.inputs[1]);
  if (!weight || !isFloat(weight.dtype) || weight.size === 0) return undefined;
  const found = node.opType === 'MatMul' ? product(node, weight, types) : layer(node, weight);
  if (!found) return undefined;
  const { axes, bias } = found;
  const kept = weight.shape.map((dim, axis) => (axis === axes.weight ? '' : dim)).join();
  const key = [node.opType, node.inputs[0].id, weight.dtype, kept, bias !== undefined, attributesKey(node.attrs)];
  return { layer: node, weight, ...found, key: key.join(' ') };
}

type Found = Omit<Projection, 'layer' | 'weight' | 'key'>;

function product(node: Node, weight: Tensor, types: Types): Found | undefined {
  const rank = types.shape(node.inputs[0]!)?.length;
  if (weight.shape.length !== 2 || rank === undefined || rank < 2) return undefined;
  const axes = { weight: 1, result: -1 };
  const result = node.outputs[0]!;
  const sum = onlyReader(result);
  const bare = { axes, bias: undefined, result, nodes: [node] };
  if (!isOp(sum, 'Add') || sum.graph !== node.graph) return bare;
  const bias = constantOf(sum.inputs[0] === result ? sum.inputs[1] : sum.inputs[0]);
  const isRow = bias?.shape.length === 1 && bias.shape[0] === weight.shape[1];
  return isRow ? { axes, bias, result: sum.outputs[0]!, nodes: [node, sum] } : bare;
}

/** Gemm and Conv hold their bias; beta must leave it as it is, channels of groups do not read the same input. */
function layer(node: Node, weight: Tensor): Found | undefined {
  const isGemm = node.opType === 'Gemm';
  const axis = isGemm && intAttr(node, 'transB') !== 1 ? 1 : 0;
  const bias = constantOf(node.inputs[2]);
  const isRow = bias?.shape.length === 1 && bias.shape[0] === weight.shape[axis];
  if (node.inputs[2] && !isRow) return undefined;
  if (isGemm ? floatAttr(node, 'beta') === 0 : intAttr(node, 'group') !== 1) return undefined;
  return { axes: { weight: axis, result: 1 }, bias, result: node.outputs[0]!, nodes: [node] };
}

/** Whether the same pointwise operator is all that reads each of them: it can be applied to all at once. */
export function haveSameReader(group: readonly Projection[], types: Types): boolean {
  const readers = group.map(({ result }) => onlyReader(result));
  const [first] = readers;
  if (!first || !isPointwise(first, types)) return false;
  return readers.every(
    (node, at) =>
      node?.op === first.op &&
      node.graph === first.graph &&
      node.inputs[0] === group[at]!.result &&
      node.inputs.length === first.inputs.length &&
      node.inputs.every((value, index) => index === 0 || value === first.inputs[index]) &&
      attributesKey(node.attrs) === attributesKey(first.attrs),
  );
}
