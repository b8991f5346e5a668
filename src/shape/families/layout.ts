import { shapeAttribute, shapeMismatch } from '../../diagnostics/codes/shape.js';
import { type Dim, divideExact, floorDiv, format, isProven, mul, product } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, NodeContext } from '../context.js';

/** Operators that give the elements of their input under another order of axes or another rank. */
export const LAYOUT: Family = {
  DepthToSpace: inferDepthToSpace,
  Flatten: inferFlatten,
  Identity: (cx) => cx.same(0, 0),
  SpaceToDepth: inferSpaceToDepth,
  Squeeze: inferSqueeze,
  Transpose: inferTranspose,
  Unsqueeze: inferUnsqueeze,
};

/** `y.shape[i] = x.shape[perm[i]]`; `perm` reverses by default. */
function inferTranspose(cx: NodeContext): void {
  const shape = cx.shape(0);
  const perm = cx.ints('perm') ?? shape?.map((_, axis) => shape.length - 1 - axis);
  if (perm && new Set(perm).size !== perm.length) {
    cx.problem(shapeAttribute(cx.at, 'perm', `[${perm.join(', ')}] names an axis twice`));
  }
  if (!perm || (shape && shape.length !== perm.length)) {
    if (shape && perm) cx.shapeOfRank(0, perm.length);
    cx.output(0, undefined);
    return;
  }
  cx.output(0, shape ? perm.map((axis) => shape[cx.axis(axis, shape.length) ?? 0] ?? null) : perm.map(() => null));
  const tensor = cx.elements(0);
  if (!tensor) return;
  const strides = stridesOf(tensor.shape);
  const to = perm.map((axis) => tensor.shape[axis] ?? 1);
  const source = perm.map((axis) => strides[axis] ?? 0);
  cx.outputElements(0, to, pick(to, source, 0, tensor.elements));
}

/** Elements between neighbours along each axis, row-major. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides: number[] = [];
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}

/** The elements at `offset + Σ index[axis] * strides[axis]` for every index of `shape`, row-major. */
export function pick(
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
  from: readonly Dim[],
): Dim[] {
  const count = shape.reduce((size, dim) => size * dim, 1);
  return Array.from({ length: count }, (_, flat) => {
    let rest = flat;
    let at = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      at += (rest % size) * (strides[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    return from[at] ?? null;
  });
}

/** Attribute `axes` before version 13, input 1 since. `null`: given, but unknown. */
function axesOf(cx: NodeContext): readonly number[] | null | undefined {
  if (cx.since < 13) return cx.ints('axes');
  return cx.has(1) ? (cx.numbers(1) ?? null) : undefined;
}

/** Removes axes of size 1: those given, or all of them. */
function inferSqueeze(cx: NodeContext): void {
  const shape = cx.shape(0);
  const axes = axesOf(cx);
  if (shape && axes === null) {
    const count = cx.shape(1)?.[0];
    const rank = typeof count === 'number' ? shape.length - count : -1;
    cx.output(0, rank >= 0 ? Array<Dim>(rank).fill(null) : undefined);
    return;
  }
  cx.output(0, shape && squeezed(cx, shape, axes ?? undefined));
  cx.sameElements(0);
}

function squeezed(cx: NodeContext, shape: Shape, axes: readonly number[] | undefined): Shape | undefined {
  if (!axes) {
    const isSure = shape.every((dim) => typeof dim === 'number' || isProven(dim, '!=', 1));
    return isSure ? shape.filter((dim) => dim !== 1) : undefined;
  }
  const set = cx.axisSet(axes, shape.length);
  for (const axis of set ?? []) {
    const dim = shape[axis] ?? null;
    if (isProven(dim, '!=', 1)) cx.problem(shapeMismatch(cx.at, `size of the squeezed axis ${axis}`, format(dim), '1'));
  }
  return set && shape.filter((_, axis) => !set.has(axis));
}

/** Inserts axes of size 1; `axes` count in the output. */
function inferUnsqueeze(cx: NodeContext): void {
  const shape = cx.shape(0);
  const axes = axesOf(cx);
  if (!shape || !axes) {
    const count = cx.shape(1)?.[0];
    cx.output(0, shape && typeof count === 'number' ? Array<Dim>(shape.length + count).fill(null) : undefined);
    return;
  }
  const rank = shape.length + axes.length;
  const set = cx.axisSet(axes, rank);
  if (!set || set.size !== axes.length) {
    if (set) cx.problem(shapeAttribute(cx.at, 'axes', `[${axes.join(', ')}] names an axis twice`));
    cx.output(0, undefined);
    return;
  }
  let next = 0;
  cx.output(
    0,
    Array.from({ length: rank }, (_, axis) => (set.has(axis) ? 1 : (shape[next++] ?? null))),
  );
  cx.sameElements(0);
}

/** `[prod(shape[:axis]), prod(shape[axis:])]`. */
function inferFlatten(cx: NodeContext): void {
  const shape = cx.shape(0);
  const given = cx.int('axis') ?? 1;
  if (!shape) {
    cx.output(0, [null, null]);
    return;
  }
  const axis = given === shape.length ? given : cx.axis(given, shape.length);
  if (axis === undefined) cx.output(0, [null, null]);
  else cx.output(0, [product(shape.slice(0, axis)), product(shape.slice(axis))]);
  cx.sameElements(0);
}

/** `[N, C, H, W]` to `[N, C/b², H·b, W·b]` with `b` = `blocksize`. */
function inferDepthToSpace(cx: NodeContext): void {
  const block = cx.int('blocksize');
  const shape = cx.shapeOfRank(0, 4);
  if (!shape || !block) {
    cx.output(0, [null, null, null, null]);
    return;
  }
  const [n = null, c = null, h = null, w = null] = shape;
  cx.output(0, [n, exactly(cx, c, block * block), mul(h, block), mul(w, block)]);
}

/** `[N, C, H, W]` to `[N, C·b², H/b, W/b]` with `b` = `blocksize`. */
function inferSpaceToDepth(cx: NodeContext): void {
  const block = cx.int('blocksize');
  const shape = cx.shapeOfRank(0, 4);
  if (!shape || !block) {
    cx.output(0, [null, null, null, null]);
    return;
  }
  const [n = null, c = null, h = null, w = null] = shape;
  cx.output(0, [n, mul(c, block * block), exactly(cx, h, block), exactly(cx, w, block)]);
}

/** `dim / divisor`, which the operator needs to leave no remainder. */
function exactly(cx: NodeContext, dim: Dim, divisor: number): Dim {
  if (typeof dim === 'number' && dim % divisor !== 0) {
    cx.problem(shapeMismatch(cx.at, `size that must be a multiple of ${divisor}`, String(dim), `k*${divisor}`));
    return null;
  }
  return divideExact(dim, divisor) ?? floorDiv(dim, divisor);
}
