import { constantOf, type Dim, type Edit, equal, isOp, type Shape, Tensor, type Types, type Value } from '#core';
import { agree } from './dims.js';
import { FLOOR, LOWEST, maskDepth } from './mask-floor.js';
import type { AttentionReading, Mask } from './read.js';

/**
 * The shape of all masks together when attention can take them, perhaps expanded: at most the rank of the scores, each dim 1 or that of
 * the scores. `undefined` when it cannot; `[]` when there is no mask.
 */
export function maskShape({ masks, q, k }: AttentionReading, types: Types): Shape | undefined {
  let shape: Shape | undefined = [];
  for (const mask of masks) {
    const next = types.shape(mask.kind === 'add' ? mask.value : mask.condition);
    shape = shape && next && broadcast(shape, next);
  }
  const scores = [...q.shape.slice(0, -1), k.shape.at(-2)!];
  if (!shape || shape.length > scores.length) return undefined;
  const skipped = scores.length - shape.length;
  return shape.every((dim, axis) => dim === 1 || agree(dim, scores[axis + skipped]!)) ? shape : undefined;
}

function broadcast(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const dims: Dim[] = [];
  for (let axis = -rank; axis < 0; axis++) {
    const [one, other] = [a.at(axis) ?? 1, b.at(axis) ?? 1];
    if (other !== 1 && one !== 1 && !agree(one, other)) return undefined;
    if (a.length >= -axis && a.at(axis) === null) return undefined;
    dims.push(one === 1 ? other : one);
  }
  return dims;
}

/** One mask that is added to the scores, with the length of queries and of keys as its last dims. */
export function buildMask(edit: Edit, reading: AttentionReading, types: Types): Value | undefined {
  const shape = maskShape(reading, types);
  const [first, ...others] = reading.masks;
  if (!first || !shape) return undefined;
  let mask = asAddition(edit, first, undefined, reading.guarded);
  for (const other of others) mask = asAddition(edit, other, mask, reading.guarded);
  const fitted = fit(edit, mask, shape, reading);
  if (reading.q.shape.length === 4 || Math.max(shape.length, 2) < 3) return fitted;
  return edit.node('Unsqueeze', [fitted, edit.constant('', Tensor.int64([1], [1]))]);
}

function asAddition(edit: Edit, mask: Mask, inner: Value | undefined, guarded: boolean): Value {
  if (mask.kind === 'add') {
    const value = aboveFloor(edit, mask.value, guarded);
    return inner ? edit.node('Add', [inner, value]) : value;
  }
  const kept = inner ?? edit.constant('', Tensor.float32([], [0]));
  const fill = raised(edit, mask.fill);
  return edit.node('Where', mask.keeps ? [mask.condition, kept, fill] : [mask.condition, fill, kept]);
}

/** A row that is hidden as a whole by finite numbers is not to look like one hidden by −∞. */
function aboveFloor(edit: Edit, mask: Value, guarded: boolean): Value {
  const { low, infinite } = maskDepth(mask);
  if (!low) return mask;
  const choice = mask.producer;
  if (isOp(choice, 'Where') && choice.inputs.slice(1).every((branch) => constantOf(branch)?.size === 1)) {
    const [condition, ...branches] = choice.inputs as readonly Value[];
    return edit.node('Where', [condition, ...branches.map((branch) => raised(edit, branch))]);
  }
  const floor = edit.constant('', Tensor.float32([], [FLOOR]));
  if (!guarded || !infinite) return edit.node('Max', [mask, floor]);
  return edit.node('Where', [edit.node('Equal', [mask, edit.constant('', Tensor.float32([], [LOWEST]))]), floor, mask]);
}

/** A constant of one element, not below the floor unless it is −∞. */
function raised(edit: Edit, value: Value): Value {
  const { shape } = constantOf(value)!;
  return maskDepth(value).low ? edit.constant('', Tensor.float32(shape, [FLOOR])) : value;
}

/** Attention broadcasts masks over batch and heads, not over lengths. */
function fit(edit: Edit, mask: Value, shape: Shape, { q, k }: AttentionReading): Value {
  const lengths: readonly [Dim, Dim] = [q.shape.at(-2)!, k.shape.at(-2)!];
  if (shape.length >= 2 && shape.slice(-2).every((dim, i) => agree(dim, lengths[i]!))) return mask;
  const rank = Math.max(shape.length, 2);
  const sizes: (number | Value)[] = Array<number>(rank).fill(1);
  const [rows, columns] = [shape.at(-2) ?? 1, shape.at(-1) ?? 1];
  if (rows === 1 && lengths[0] !== 1) {
    const square = columns !== 1 && equal(lengths[0], lengths[1]);
    sizes[rank - 2] = sizeOf(
      edit,
      lengths[0],
      square ? mask : (q.merged ?? q.folded ?? q.split!),
      square ? shape.length - 1 : q,
    );
  }
  if (columns === 1 && lengths[1] !== 1)
    sizes[rank - 1] = sizeOf(edit, lengths[1], k.merged ?? k.folded ?? k.split!, k);
  return edit.node('Expand', [mask, vector(edit, sizes)]);
}

function sizeOf(edit: Edit, dim: Dim, of: Value, where: number | AttentionReading['q']): number | Value {
  if (typeof dim === 'number') return dim;
  const axis = typeof where === 'number' ? where : of === where.split ? where.shape.length - 2 : 1;
  return edit.node('Shape', [of], { start: axis, end: axis + 1 });
}

/** A list of sizes, those that only the running model knows among them. */
function vector(edit: Edit, sizes: readonly (number | Value)[]): Value {
  if (sizes.every((size) => typeof size === 'number')) return edit.constant('', Tensor.int64([sizes.length], sizes));
  const parts = sizes.map((size) => (typeof size === 'number' ? edit.constant('', Tensor.int64([1], [size])) : size));
  return edit.node('Concat', parts, { axis: 0 });
}
