import {
  constantOf,
  type Dim,
  equal,
  intAttr,
  intsAttr,
  isOp,
  type Node,
  type Shape,
  type Types,
  type Value,
} from '#core';

/** Part `index` of `count` equal parts of the last axis of a value `[batch, length, count · heads · size]`. */
export interface Packed {
  readonly source: Value;
  readonly index: number;
  readonly count: number;
}

/**
 * Reads where `[batch, heads, length, size]` comes from when queries, keys and values are computed as one: reshaped to
 * `[batch, length, parts, heads, size]`, turned to `[parts, batch, heads, length, size]`, and taken apart along the first axis.
 */
export function packedOf(value: Value, shape: Shape, types: Types): Packed | undefined {
  const part = partOf(value, types);
  const turn = part?.stack.producer;
  if (!part || !isOp(turn, 'Transpose') || intsAttr(turn, 'perm')?.join() !== '2,0,3,1,4') return undefined;
  const unfold = turn.inputs[0]?.producer;
  const source = isOp(unfold, 'Reshape') ? unfold.inputs[0] : undefined;
  const [folded, from] = [types.shape(turn.inputs[0]!), source && types.shape(source)];
  if (!source || folded?.length !== 5 || from?.length !== 3 || shape.length !== 4) return undefined;
  const [batch, heads, length, size] = shape as readonly [Dim, Dim, Dim, Dim];
  const count = folded[2];
  if (typeof heads !== 'number' || typeof size !== 'number' || typeof count !== 'number') return undefined;
  const fits = [batch, length, count, heads, size].every((dim, axis) => equal(dim, folded[axis]!));
  const packs = [batch, length, count * heads * size].every((dim, axis) => equal(dim, from[axis]!));
  return fits && packs && part.index < count ? { source, index: part.index, count } : undefined;
}

interface Part {
  readonly stack: Value;
  readonly index: number;
}

/** The stack whose part along the first axis a value is. */
function partOf(value: Value, types: Types): Part | undefined {
  const node = value.producer;
  if (node?.op === 'Gather') return gathered(node);
  if ((node?.op === 'Squeeze' || node?.op === 'Reshape') && node.inputs[0]) {
    const [before, after] = [types.shape(node.inputs[0]), types.shape(value)];
    const drops = before?.length === 5 && after?.length === 4 && before[0] === 1;
    return drops && after.every((dim, axis) => equal(dim, before[axis + 1]!)) ? partOf5(node.inputs[0]) : undefined;
  }
  return partOf5(value);
}

function gathered(node: Node): Part | undefined {
  const [stack, at] = node.inputs;
  const index = constantOf(at);
  const number = index?.shape.length === 0 ? index.scalar() : undefined;
  return stack && intAttr(node, 'axis') === 0 && number !== undefined && number >= 0
    ? { stack, index: number }
    : undefined;
}

/** A part that still has the axis, by Split into single parts or Slice of one. */
function partOf5(value: Value): Part | undefined {
  const { def } = value;
  if (def.kind !== 'node') return undefined;
  const { node } = def;
  const stack = node.inputs[0]!;
  if (node.op === 'Split') {
    const sizes = constantOf(node.inputs[1])?.floats();
    const single = sizes ? sizes.every((size) => size === 1) : intAttr(node, 'num_outputs') === node.outputs.length;
    return intAttr(node, 'axis') === 0 && single ? { stack, index: def.index } : undefined;
  }
  if (node.op !== 'Slice') return undefined;
  const [start, end, axis, step] = [1, 2, 3, 4].map((i) => constantOf(node.inputs[i])?.scalar());
  const single = start !== undefined && start >= 0 && end === start + 1 && axis === 0 && (step ?? 1) === 1;
  return single && (!node.inputs[4] || step === 1) ? { stack, index: start } : undefined;
}
