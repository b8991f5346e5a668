import { constantOf, type Dim, equal, type Graph, isOp, type Node, type Shape, Tensor, type Types } from '#core';
import { onlyReader } from '../_shared/facts.js';
import { transposedTensor } from '../_shared/transposed-tensor.js';

/** Whether axis `i` of the original being axis `perm[i]` moves the last axis to where convolutions have their channels. */
export function movesChannelsFirst(perm: readonly number[]): boolean {
  const spatial = perm.slice(1, -1);
  return (
    perm.length >= 3 && perm.length <= 5 && perm[0] === 0 && perm.at(-1) === 1 && spatial.every((to, i) => to === i + 2)
  );
}

/**
 * The kernel `[N, K, 1, …]` of the convolution that a product of `[batch, …, K]` and a constant matrix `[K, N]` is when channels come
 * first; a text says why it is none. onnxruntime's Conv refuses images without pixels, which a product takes: sizes must be above 0.
 */
export function pointwiseKernel(node: Node, rank: number, types: Types): Tensor | string {
  const weight = constantOf(node.inputs[1]);
  const shape = node.inputs[0] && types.shape(node.inputs[0]);
  if (weight?.shape.length !== 2 || weight.size === 0) return 'what a product multiplies by is no constant matrix';
  if (weight.dtype !== 'float32') return `a product is of ${weight.dtype}`;
  if (shape?.length !== rank) return 'what a product reads has other axes';
  if (!shape.slice(1, -1).every((dim) => isPositive(dim, node.graph, types)))
    return 'what a product reads may be empty, which Conv does not take';
  const turned = transposedTensor(weight, [1, 0]);
  return new Tensor(weight.dtype, [...turned.shape, ...Array<number>(rank - 2).fill(1)], turned.data);
}

/** A size that some convolution of the graph already has to take is not 0 in any run that succeeds. */
function isPositive(dim: Dim, graph: Graph, types: Types): boolean {
  if (typeof dim === 'number') return dim > 0;
  if (dim === null) return false;
  for (const node of graph.nodes.values()) {
    if (!isOp(node, 'Conv') || !node.inputs[0]) continue;
    const shape: Shape = types.shape(node.inputs[0]) ?? [];
    if (shape.slice(2).some((each) => each !== null && equal(each, dim))) return true;
  }
  return false;
}

/** The addition of one constant number per channel that alone reads a product: as a convolution both are one. */
export function biasOf(product: Node): Node | undefined {
  const value = product.outputs[0]!;
  const reader = onlyReader(value);
  if (!isOp(reader, 'Add')) return undefined;
  const bias = constantOf(reader.inputs.find((input) => input !== value));
  const width = constantOf(product.inputs[1])?.shape[1];
  return bias && bias.shape.at(-1) === width && bias.size === width ? reader : undefined;
}
