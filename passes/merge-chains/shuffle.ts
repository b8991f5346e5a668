import { isOp, type Shape, Tensor } from '#core';
import { onlyReader, sameDims } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { permutationOf } from '../_shared/permutation.js';
import { groupAxes } from './around.js';

/** Axes with more elements are not listed. */
const MAX_ELEMENTS = 1024;

/** Channels that groups exchange are one axis in another order. */
export const shuffle: NodeRule = {
  name: 'shuffle',
  summary: 'Reshape, Transpose and Reshape that reorder one axis, as of channels between groups, become Gather',
  ops: ['Reshape', 'Flatten'],
  plan(node, cx) {
    const { types } = cx;
    const turn = node.inputs[0]?.producer;
    const first = turn?.inputs[0]?.producer;
    if (!isOp(turn, 'Transpose') || !isOp(first, 'Reshape') || !first.inputs[0] || first.graph !== node.graph)
      return undefined;
    if (onlyReader(turn.outputs[0]!) !== node || onlyReader(first.outputs[0]!) !== turn) return undefined;
    const [from, apart, to] = [first.inputs[0], first.outputs[0]!, node.outputs[0]!].map((value) => types.shape(value));
    const perm = permutationOf(turn, types);
    const order = from && apart && perm && sameDims(from, to) ? orderOf(from, apart, perm) : undefined;
    if (!order) {
      cx.decline('shuffle', node, 'it does not only reorder the elements of one axis', 3);
      return undefined;
    }
    return (edit) => {
      const indices = edit.constant('', Tensor.int64([order.indices.length], order.indices));
      edit.replace(node.outputs[0]!, edit.node('Gather', [first.inputs[0], indices], { axis: order.axis }));
    };
  },
};

/** The one axis that is divided, turned and joined again, and the order of its elements afterwards. */
function orderOf(
  from: Shape,
  apart: Shape,
  perm: readonly number[],
): { readonly axis: number; readonly indices: readonly number[] } | undefined {
  const groups = groupAxes(from, apart);
  const axis = groups?.findIndex((group) => group.length > 1) ?? -1;
  const parts = groups?.[axis];
  if (!groups || !parts || groups.some((group, at) => at !== axis && group.length !== 1)) return undefined;
  const turned = perm.slice(parts[0]!, parts[0]! + parts.length);
  const staysOutside = perm.every(
    (place, at) => parts.includes(at) === parts.includes(place) && (parts.includes(at) || place === at),
  );
  const sizes = parts.map((part) => apart[part] ?? null);
  const count = sizes.reduce<number>((total, size) => total * (typeof size === 'number' ? size : Number.NaN), 1);
  if (!staysOutside || !(count > 0 && count <= MAX_ELEMENTS)) return undefined;
  const strides = new Map<number, number>();
  let stride = 1;
  for (const part of parts.toReversed()) {
    strides.set(part, stride);
    stride *= apart[part] as number;
  }
  const indices = turned.reduce<readonly number[]>(
    (starts, part) =>
      starts.flatMap((start) =>
        Array.from({ length: apart[part] as number }, (_, i) => start + i * strides.get(part)!),
      ),
    [0],
  );
  return { axis, indices };
}
