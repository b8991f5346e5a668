import { intsAttr, type Node, type Types } from '#core';

/** The axes of a Transpose in the order of its output; the default reverses them. `undefined` when it is not known or none. */
export function permutationOf(node: Node, types: Types): readonly number[] | undefined {
  const given = intsAttr(node, 'perm');
  if (given) return given.every((_, axis) => given.includes(axis)) ? given : undefined;
  if (node.attrs.has('perm')) return undefined;
  const rank = types.shape(node.inputs[0]!)?.length;
  return rank === undefined ? undefined : Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
}
