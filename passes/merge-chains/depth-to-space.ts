import { type Dim, isOp, mul, type Shape } from '#core';
import { onlyReader, sameDims } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { permutationOf } from '../_shared/permutation.js';

/** An operator that moves blocks between channels and pixels, by how the six axes in between are read. */
interface Form {
  readonly opType: string;
  readonly mode?: string;
  /** The axes that hold the two sides of a block. */
  readonly blocks: readonly [number, number];
  /** Channels, height and width among the six axes. */
  readonly axes: readonly [number, number, number];
}

const FORMS: ReadonlyMap<string, Form> = new Map([
  ['0,3,4,1,5,2', { opType: 'DepthToSpace', mode: 'DCR', blocks: [1, 2], axes: [3, 4, 5] }],
  ['0,1,4,2,5,3', { opType: 'DepthToSpace', mode: 'CRD', blocks: [2, 3], axes: [1, 4, 5] }],
  ['0,3,5,1,2,4', { opType: 'SpaceToDepth', blocks: [3, 5], axes: [1, 2, 4] }],
]);

/** Blocks of pixels become channels, or channels blocks of pixels. */
export const depthToSpace: NodeRule = {
  name: 'depth-to-space',
  summary: 'Reshape, Transpose and Reshape that move blocks of pixels become DepthToSpace or SpaceToDepth',
  ops: ['Reshape'],
  plan(node, { types }) {
    const turn = node.inputs[0]?.producer;
    const first = turn?.inputs[0]?.producer;
    if (!isOp(turn, 'Transpose') || !isOp(first, 'Reshape') || !first.inputs[0] || first.graph !== node.graph)
      return undefined;
    if (onlyReader(turn.outputs[0]!) !== node || onlyReader(first.outputs[0]!) !== turn) return undefined;
    const form = FORMS.get(permutationOf(turn, types)?.join() ?? '');
    const [from, apart, to] = [first.inputs[0], first.outputs[0]!, node.outputs[0]!].map((value) => types.shape(value));
    const block = form && apart?.[form.blocks[0]];
    if (!form || !from || !apart || !to || typeof block !== 'number' || apart[form.blocks[1]] !== block)
      return undefined;
    // Modes are of version 11; onnxruntime has kernels for float32 in all versions.
    if (types.dtype(node.outputs[0]!) !== 'float32' || (node.graph.opset('') ?? 0) < 11) return undefined;
    if (!isMove(form, from, apart, to, block)) return undefined;
    const attrs = { blocksize: block, ...(form.mode !== undefined && { mode: form.mode }) };
    return (edit) => edit.replace(node.outputs[0]!, edit.node(form.opType, [first.inputs[0]], attrs));
  },
};

/** Whether the Reshapes divide and join just what the operator does. */
function isMove({ opType, axes }: Form, from: Shape, apart: Shape, to: Shape, block: number): boolean {
  const [channels, height, width] = axes.map((axis): Dim => apart[axis] ?? null) as [Dim, Dim, Dim];
  const deep = [apart[0]!, mul(channels, block * block), height, width];
  const wide = [apart[0]!, channels, mul(height, block), mul(width, block)];
  const [before, after] = opType === 'DepthToSpace' ? [deep, wide] : [wide, deep];
  return sameDims(from, before) && sameDims(to, after);
}
