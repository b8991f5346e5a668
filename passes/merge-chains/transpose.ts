import { isOp } from '#core';
import { type NodeRule, passThrough } from '../_shared/node-rules.js';
import { permutationOf } from '../_shared/permutation.js';

/** Two Transposes in a row. */
export const transposeChain: NodeRule = {
  name: 'transpose-chain',
  summary: 'Transpose of Transpose becomes one Transpose, or nothing',
  ops: ['Transpose'],
  plan(node, { types }) {
    const inner = node.inputs[0]?.producer;
    if (!isOp(inner, 'Transpose')) return undefined;
    const [second, first] = [permutationOf(node, types), permutationOf(inner, types)];
    if (!first || first.length !== second?.length) return undefined;
    const perm = second.map((axis) => first[axis]!);
    if (perm.every((axis, at) => axis === at)) return passThrough(node, inner.inputs[0]);
    return (edit) => edit.replace(node.outputs[0]!, edit.node('Transpose', [inner.inputs[0]], { perm }));
  },
};
