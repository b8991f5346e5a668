import { shapeBroadcast, shapeCount, shapeNegative } from '../../diagnostics/codes/shape.js';
import { add, type Dim, format, isProven, mul } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import { broadcastShapes } from '../broadcast.js';
import type { Family, NodeContext } from '../context.js';
import { isStatic, MAX_ELEMENTS, showShape } from '../fact.js';
import { broadcastElement } from './elementwise.js';
import { stridesOf } from './layout.js';

/** Operators that make tensors longer. */
export const EXTEND: Family = {
  Concat: inferConcat,
  Expand: inferExpand,
  Pad: inferPad,
  Tile: inferTile,
  'com.microsoft.Pad': inferPad,
};

/** Concat (1: `axis` is 1 by default; 4, 11, 13): the sizes along `axis` add up, all others are equal. */
function inferConcat(cx: NodeContext): void {
  const shapes = cx.node.inputs.flatMap((value, index) => (value ? [cx.shape(index)] : []));
  const rank = shapes.find((shape) => shape !== undefined)?.length;
  const axis = rank === undefined ? undefined : cx.axis(cx.int('axis'), rank);
  if (rank === undefined || axis === undefined) {
    cx.output(0, undefined);
    return;
  }
  let dims: Shape | undefined;
  let total: Dim = 0;
  for (const [index, shape] of shapes.entries()) {
    if (!shape) {
      total = null;
      continue;
    }
    if (cx.shapeOfRank(index, rank) === undefined) {
      cx.output(0, undefined);
      return;
    }
    total = add(total, shape[axis] ?? null);
    dims = dims
      ? dims.map((dim, at) => (at === axis ? dim : cx.unify(dim, shape[at] ?? null, `size of axis ${at}`)))
      : shape;
  }
  cx.output(0, (dims ?? []).with(axis, total));
  concatElements(cx, axis);
}

function concatElements(cx: NodeContext, axis: number): void {
  const shape = cx.outputShape(0);
  if (!isStatic(shape) || shape.reduce((size, dim) => size * dim, 1) > MAX_ELEMENTS) return;
  const outer = shape.slice(0, axis).reduce((size, dim) => size * dim, 1);
  const elements: Dim[] = [];
  for (let at = 0; at < outer; at++) {
    for (let index = 0; index < cx.inputCount; index++) {
      const own = cx.shape(index);
      if (!isStatic(own)) return;
      const chunk = own.slice(axis).reduce((size, dim) => size * dim, 1);
      const items = cx.elements(index)?.elements;
      for (let i = 0; i < chunk; i++) elements.push(items?.[at * chunk + i] ?? null);
    }
  }
  cx.outputElements(0, shape, elements);
}

/** Expand (8, 13): the input and the requested shape broadcast to each other. */
function inferExpand(cx: NodeContext): void {
  const shape = cx.shape(0);
  const length = cx.shape(1)?.[0];
  const target = cx.list(1) ?? (typeof length === 'number' ? Array<Dim>(length).fill(null) : undefined);
  if (!shape || !target) {
    cx.output(0, undefined);
    return;
  }
  const result = broadcastShapes([shape, target]);
  if (!result) cx.problem(shapeBroadcast(cx.at, showShape(shape), showShape(target)));
  cx.output(0, result);
  const tensor = cx.elements(0);
  if (!tensor || !isStatic(result)) return;
  const count = result.reduce((size, dim) => size * dim, 1);
  if (count > MAX_ELEMENTS) return;
  cx.outputElements(
    0,
    result,
    Array.from({ length: count }, (_, at) => broadcastElement(tensor, result, at)),
  );
}

/** Tile (6, 13): each size times its repeat; version 1 repeats one axis `tiles` times. */
function inferTile(cx: NodeContext): void {
  const shape = cx.shape(0);
  if (cx.since < 6) {
    const axis = cx.scalar(2);
    const at = shape && typeof axis === 'number' ? cx.axis(axis, shape.length) : undefined;
    if (shape && at !== undefined) cx.output(0, shape.with(at, mul(shape[at] ?? null, cx.scalar(1))));
    else
      cx.output(
        0,
        shape?.map(() => null),
      );
    return;
  }
  const repeats = cx.list(1);
  const length = shape?.length ?? cx.shape(1)?.[0];
  if (typeof length !== 'number') {
    cx.output(0, undefined);
    return;
  }
  if (repeats && shape && repeats.length !== shape.length) {
    cx.problem(shapeCount(cx.at, 'repeats', repeats.length, shape.length));
  }
  cx.output(
    0,
    Array.from({ length }, (_, axis) => mul(shape?.[axis] ?? null, repeats?.[axis] ?? null)),
  );
  tileElements(cx);
}

function tileElements(cx: NodeContext): void {
  const tensor = cx.elements(0);
  const shape = cx.outputShape(0);
  if (!tensor || !isStatic(shape)) return;
  const count = shape.reduce((size, dim) => size * dim, 1);
  if (count > MAX_ELEMENTS) return;
  const strides = stridesOf(tensor.shape);
  const elements = Array.from({ length: count }, (_, flat) => {
    let rest = flat;
    let at = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      at += ((rest % size) % (tensor.shape[axis] ?? 1)) * (strides[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    return tensor.elements[at] ?? null;
  });
  cx.outputElements(0, shape, elements);
}

/** Pad (com.microsoft 1: input; 1: `paddings`; 2: `pads`; 11: input; 18: `axes`): `begin + size + end` per axis; negative ones cut. */
function inferPad(cx: NodeContext): void {
  const shape = cx.shape(0);
  if (!shape) {
    cx.output(0, undefined);
    return;
  }
  const axes = cx.has(3) ? cx.numbers(3) : shape.map((_, axis) => axis);
  const set = axes && [...axes].map((axis) => cx.axis(axis, shape.length));
  const pads = cx.has(1) ? cx.list(1) : cx.ints(cx.since >= 2 ? 'pads' : 'paddings');
  if (set && pads && pads.length !== 2 * set.length) {
    cx.problem(shapeCount(cx.at, 'pads', pads.length, 2 * set.length));
  }
  if (!set || !pads || pads.length !== 2 * set.length) {
    cx.output(0, set ? shape.map((dim, axis) => (set.includes(axis) ? null : dim)) : shape.map(() => null));
    return;
  }
  const sizes = [...shape];
  set.forEach((axis, index) => {
    if (axis === undefined) return;
    const padded = add(add(sizes[axis] ?? null, pads[index] ?? null), pads[index + set.length] ?? null);
    const isNegative = isProven(padded, '<', 0);
    if (isNegative) cx.problem(shapeNegative(cx.at, `axis ${axis} of the padded tensor`, format(padded)));
    sizes[axis] = isNegative ? null : padded;
  });
  cx.output(0, sizes);
}
