import { shapeAttribute, shapeCount, shapeMismatch } from '../../diagnostics/codes/shape.js';
import { add, ceilDiv, type Dim, floorDiv, format, isProven, max, min, mul, sub } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, NodeContext } from '../context.js';
import { pick, stridesOf } from './layout.js';

/** Operators that cut tensors along axes. */
export const SLICE: Family = { Slice: inferSlice, Split: inferSplit };

/** Ends at least this far out mean the end of any axis: exporters write the largest int32 or int64. */
const FAR = 2 ** 31 - 1;

interface Range {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: Dim;
}

/** Slice (1: attributes; 10, 11, 13: inputs): `x[start:end:step]` per axis, as in NumPy. */
function inferSlice(cx: NodeContext): void {
  const shape = cx.shape(0);
  if (!shape) {
    cx.output(0, undefined);
    return;
  }
  const ranges = rangesOf(cx, shape);
  if (!ranges) {
    cx.output(0, unknownSlices(cx, shape));
    return;
  }
  const sizes = [...shape];
  for (const range of ranges) sizes[range.axis] = sliceSize(shape[range.axis] ?? null, range);
  cx.output(0, sizes);
  sliceElements(cx, ranges);
}

function rangesOf(cx: NodeContext, shape: Shape): Range[] | undefined {
  const isLegacy = cx.since < 10;
  const starts = isLegacy ? cx.ints('starts') : cx.list(1);
  const ends = isLegacy ? cx.ints('ends') : cx.list(2);
  const count = starts?.length ?? ends?.length ?? knownLength(cx);
  if (count === undefined) return undefined;
  const axes = isLegacy ? cx.ints('axes') : cx.has(3) ? (cx.numbers(3) ?? null) : undefined;
  if (axes === null) return undefined;
  const steps = isLegacy || !cx.has(4) ? undefined : (cx.list(4) ?? Array<Dim>(count).fill(null));
  if (ends && ends.length !== count) cx.problem(shapeCount(cx.at, 'ends', ends.length, count));
  if (axes && axes.length !== count) cx.problem(shapeCount(cx.at, 'axes', axes.length, count));
  const ranges: Range[] = [];
  for (let index = 0; index < count; index++) {
    const axis = cx.axis(axes ? axes[index] : index, shape.length);
    if (axis === undefined) return undefined;
    const step = steps ? (steps[index] ?? null) : 1;
    if (step === 0) cx.problem(shapeAttribute(cx.at, 'steps', 'a step is 0'));
    ranges.push({ axis, start: starts?.[index] ?? null, end: ends?.[index] ?? null, step: step === 0 ? null : step });
  }
  return ranges;
}

function knownLength(cx: NodeContext): number | undefined {
  for (const index of [1, 2, 3]) {
    const length = cx.shape(index)?.[0];
    if (typeof length === 'number') return length;
  }
  return undefined;
}

/** Rank stays; only axes that are known not to be cut keep their size. */
function unknownSlices(cx: NodeContext, shape: Shape): Shape {
  const axes = cx.since < 10 ? cx.ints('axes') : cx.numbers(3);
  const set = axes && cx.axisSet(axes, shape.length);
  return shape.map((dim, axis) => (set && !set.has(axis) ? dim : null));
}

/**
 * `max(0, ceil((end - start) / step))` with both ends counted from the front and clamped to the axis. An expression is taken to be an
 * index from the front when it is not negative for sizes of at least 1.
 */
function sliceSize(size: Dim, { start, end, step }: Range): Dim {
  if (typeof step !== 'number') return null;
  if (step > 0) {
    const low = clamp(start, size, 0, size);
    const high = clamp(end, size, 0, size);
    return max(ceilDiv(sub(high, low), step), 0);
  }
  const last = sub(size, 1);
  const isLast = typeof start === 'number' && (start === -1 || start >= FAR);
  const high = isLast ? last : clamp(start, size, 0, last);
  const low = clamp(end, size, -1, last);
  return min(max(ceilDiv(sub(high, low), -step), 0), size);
}

/** An index counted from the front, within `[least, most]`. */
function clamp(index: Dim, size: Dim, least: number, most: Dim): Dim {
  if (typeof index === 'number' && index >= FAR) return most;
  if (typeof index === 'number' && index <= -FAR) return least;
  if (isProven(index, '>=', 0, { minimum: 1 })) return min(index, most);
  if (isProven(index, '<', 0, { minimum: 1 })) return max(min(add(index, size), most), least);
  return null;
}

function sliceElements(cx: NodeContext, ranges: readonly Range[]): void {
  const tensor = cx.elements(0);
  if (!tensor) return;
  const shape = [...tensor.shape];
  const strides = stridesOf(shape);
  let offset = 0;
  for (const { axis, start, end, step } of ranges) {
    const size = tensor.shape[axis] ?? 0;
    if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return;
    const count = sliceSize(size, { axis, start, end, step });
    const first = clamp(start, size, 0, step > 0 ? size : size - 1);
    if (typeof count !== 'number' || typeof first !== 'number') return;
    offset += first * (strides[axis] ?? 0);
    strides[axis] = (strides[axis] ?? 0) * step;
    shape[axis] = count;
  }
  cx.outputElements(0, shape, pick(shape, strides, offset, tensor.elements));
}

/** Split (1, 2, 11: attribute `split`; 13: input; 18: `num_outputs`): parts along an axis, equal ones by default. */
function inferSplit(cx: NodeContext): void {
  const shape = cx.shape(0);
  const axis = shape && cx.axis(cx.int('axis') ?? 0, shape.length);
  const count = cx.outputCount;
  if (!shape || axis === undefined) {
    for (let index = 0; index < count; index++) cx.output(index, undefined);
    return;
  }
  const size = shape[axis] ?? null;
  const isGiven = cx.since < 13 ? cx.ints('split') !== undefined || cx.has(1) : cx.has(1);
  const parts = isGiven ? (cx.ints('split') ?? cx.list(1)) : equalParts(cx, size, count);
  if (isGiven && parts) checkParts(cx, parts, size);
  let before = 0;
  for (let index = 0; index < count; index++) {
    const part = parts?.[index] ?? null;
    cx.output(index, shape.with(axis, part));
    if (typeof part === 'number') {
      splitElements(cx, index, axis, before, part);
      before += part;
    } else before = Number.NaN;
  }
}

function checkParts(cx: NodeContext, parts: readonly Dim[], size: Dim): void {
  const total = parts.reduce(add, 0);
  if (isProven(total, '!=', size)) {
    cx.problem(shapeMismatch(cx.at, 'sum of the parts and size of the axis', format(total), format(size)));
  }
}

/** Parts of `ceil(size / count)`, the last one smaller; before version 18 the size has to be a multiple. */
function equalParts(cx: NodeContext, size: Dim, count: number): readonly Dim[] {
  const pieces = cx.since >= 18 ? (cx.int('num_outputs') ?? count) : count;
  if (pieces < 1 || (cx.since >= 18 && pieces !== count)) {
    cx.problem(shapeCount(cx.at, 'outputs', count, pieces));
    return Array<Dim>(count).fill(null);
  }
  if (cx.since >= 18) {
    const part = ceilDiv(size, pieces);
    return [...Array<Dim>(pieces - 1).fill(part), sub(size, mul(part, pieces - 1))];
  }
  if (typeof size === 'number' && size % pieces !== 0) {
    cx.problem(
      shapeMismatch(cx.at, 'size of the split axis and a multiple of the outputs', String(size), String(pieces)),
    );
  }
  return Array<Dim>(count).fill(floorDiv(size, pieces));
}

function splitElements(cx: NodeContext, index: number, axis: number, before: number, part: number): void {
  const tensor = cx.elements(0);
  if (!tensor || Number.isNaN(before)) return;
  const strides = stridesOf(tensor.shape);
  const shape = tensor.shape.with(axis, part);
  cx.outputElements(index, shape, pick(shape, strides, before * (strides[axis] ?? 0), tensor.elements));
}
