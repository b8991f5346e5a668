import { type Dim, equal, isOp, mul, type Node, type Shape, type Types, type Value } from '#core';
import { onlyReader, sameDim, sameDims } from '../_shared/facts.js';
import { type NodeRule, type Plan } from '../_shared/node-rules.js';
import { permutationOf } from '../_shared/permutation.js';
import { isPointwise } from '../_shared/pointwise.js';
import { addReshape, reshapeTarget } from '../_shared/reshape-target.js';
import { isReshape } from './reshape.js';

/** Longest chain of elementwise operators that is looked through. */
const MAX_CHAIN = 8;

const RESHAPES = ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'];

/** Elementwise operators do not care for the shape: the reshapes around them meet. */
export const aroundElementwise: NodeRule = {
  name: 'reshape-around-elementwise',
  summary: 'reshapes in front of and behind elementwise operators become one in front, or none',
  ops: RESHAPES,
  plan(node, { types }) {
    const chain: Node[] = [];
    let at = node.inputs[0]?.producer;
    while (at && chain.length < MAX_CHAIN && isPointwise(at, types) && onlyReader(at.outputs[0]!)) {
      chain.push(at);
      at = at.inputs[0]?.producer;
    }
    const last = chain.at(-1);
    if (!at || !last || !isReshape(at, types) || onlyReader(at.outputs[0]!) !== last || at.graph !== node.graph)
      return undefined;
    const [data, to] = [at.inputs[0]!, types.shape(node.outputs[0]!)];
    const opset = node.graph.opset('') ?? 0;
    const from = types.shape(data);
    const isSame = sameDims(from, to);
    const target = to && !isSame && opset >= 5 ? reshapeTarget(from, to, { opset }) : undefined;
    if (!isSame && !target) return undefined;
    return (edit) => {
      let value: Value = target ? addReshape(edit, data, target) : data;
      for (const each of chain.toReversed()) {
        value = edit.node(each.opType, [value, ...each.inputs.slice(1)], each.attrs, { name: each.name });
      }
      edit.replace(node.outputs[0]!, value);
    };
  },
};

/** A reshape that only divides axes of a Transpose can as well divide them before it, where it meets the reshape that is there. */
export const aroundTranspose: NodeRule = {
  name: 'reshape-around-transpose',
  summary: 'reshapes in front of and behind a Transpose become one in front, where the second divides axes only',
  ops: RESHAPES,
  plan(node, { types }) {
    const transpose = node.inputs[0]?.producer;
    if (!isOp(transpose, 'Transpose') || onlyReader(node.inputs[0]!) !== node) return undefined;
    const first = transpose.inputs[0]?.producer;
    if (!first || !isReshape(first, types) || onlyReader(transpose.inputs[0]!) !== transpose) return undefined;
    return first.graph === node.graph && transpose.graph === node.graph
      ? divideBefore(node, transpose, first, types)
      : undefined;
  },
};

function divideBefore(node: Node, transpose: Node, first: Node, types: Types): Plan | undefined {
  const opset = node.graph.opset('') ?? 0;
  const perm = permutationOf(transpose, types);
  const [turned, to] = [types.shape(node.inputs[0]!), types.shape(node.outputs[0]!)];
  const groups = turned && to && groupAxes(turned, to);
  if (opset < 5 || !perm || !groups) return undefined;
  // Axis i of the Transpose's output is axis perm[i] of its input: its parts go there, and come back in order.
  const order = perm.map((axis, at) => ({ axis, group: groups[at]! })).toSorted((a, b) => a.axis - b.axis);
  const places = order.flatMap(({ group }) => group);
  const divided = places.map((axis) => to[axis] ?? null);
  const data = first.inputs[0]!;
  const target = reshapeTarget(types.shape(data), divided, { opset });
  const back = to.map((_, axis) => places.indexOf(axis));
  if (!target) return undefined;
  return (edit) => {
    const reshaped = addReshape(edit, data, target);
    edit.replace(node.outputs[0]!, edit.node('Transpose', [reshaped], { perm: back }));
  };
}

/** For each axis of `from` the axes of `to` that it is divided into, in order; `undefined` when axes are joined. */
export function groupAxes(from: Shape, to: Shape): readonly (readonly number[])[] | undefined {
  const groups: number[][] = [];
  let at = 0;
  for (const dim of from) {
    const group: number[] = [];
    let size: Dim = 1;
    while (!sameDim(size, dim)) {
      if (at >= to.length || dim === 0) return undefined;
      size = mul(size, to[at] ?? null);
      if (size === null) return undefined;
      group.push(at++);
    }
    groups.push(group);
  }
  while (at < to.length && equal(to[at] ?? null, 1)) groups.at(-1)?.push(at++);
  return at === to.length && groups.length > 0 ? groups : undefined;
}
