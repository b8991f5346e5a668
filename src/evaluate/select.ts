import { elementCount } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import { type Elements, integers, sizeOf } from './elements.js';
import { axisOf, offsets, rowsAlong, stridesOf, take } from './index-maps.js';
import { reshaped } from './layout.js';
import { invalid } from './stop.js';

/** The operands of a slice: attributes before opset 10. */
function bounds(call: Call): readonly (readonly number[] | undefined)[] {
  if (call.opset < 10) return [call.intList('starts'), call.intList('ends'), call.intList('axes'), undefined];
  return [call.ints(1), call.ints(2), call.ints(3), call.ints(4)];
}

/** Slice-1 to 13: bounds are clamped as NumPy clamps them. */
function slice(call: Call): readonly Elements[] {
  const x = call.input(0);
  const [starts = [], ends = [], given, steps] = bounds(call);
  const axes = (given ?? [...starts.keys()]).map((axis) => axisOf(axis, x.shape.length));
  const strides = stridesOf(x.shape);
  const shape = [...x.shape];
  const moves = [...strides];
  let origin = 0;
  axes.forEach((axis, i) => {
    const [dim, step] = [x.shape[axis]!, steps?.[i] ?? 1];
    if (step === 0) throw invalid('a step of 0');
    const [low, high] = step > 0 ? [0, dim] : [-1, dim - 1];
    const bound = (at: number): number => Math.min(Math.max(at < 0 ? at + dim : at, low), high);
    const [from, to] = [bound(starts[i]!), bound(ends[i]!)];
    shape[axis] = Math.max(0, Math.ceil((to - from) / step));
    if (shape[axis]! > 0) origin += from * strides[axis]!;
    moves[axis] = strides[axis]! * step;
  });
  call.spend(elementCount(shape));
  return [take(x, offsets(shape, moves, origin), shape)];
}

/** An index counted from the front. @throws Stop `invalid` when it is out of range */
export function indexOf(index: number, dim: number): number {
  const found = index < 0 ? index + dim : index;
  if (!(found >= 0 && found < dim)) throw invalid(`index ${index} of ${dim}`);
  return found;
}

function gather(call: Call): readonly Elements[] {
  const [x, indices] = [call.input(0), call.input(1)];
  const axis = axisOf(call.int('axis'), x.shape.length);
  const dim = x.shape[axis]!;
  const shape = x.shape.toSpliced(axis, 1, ...indices.shape);
  call.spend(elementCount(shape));
  const inner = elementCount(x.shape.slice(axis + 1));
  const outer = elementCount(x.shape.slice(0, axis));
  const chosen = integers(indices).map((index) => indexOf(index, dim));
  const places = new Int32Array(elementCount(shape));
  let at = 0;
  for (let i = 0; i < outer; i++) {
    for (const index of chosen) {
      const from = (i * dim + index) * inner;
      for (let j = 0; j < inner; j++) places[at++] = from + j;
    }
  }
  return [take(x, places, shape)];
}

function gatherElements(call: Call): readonly Elements[] {
  const [x, indices] = [call.input(0), call.input(1)];
  call.spend(sizeOf(indices));
  return [take(x, elementPlaces(x.shape, indices, call.int('axis')), indices.shape)];
}

/** Where each index of GatherElements and ScatterElements points to in a tensor of shape `shape`. */
export function elementPlaces(shape: readonly number[], indices: Elements, axis: number): Int32Array {
  const at = axisOf(axis, shape.length);
  const strides = stridesOf(shape);
  const places = offsets(indices.shape, strides.with(at, 0));
  integers(indices).forEach((index, i) => (places[i]! += indexOf(index, shape[at]!) * strides[at]!));
  return places;
}

/** Where the tuples of indices of GatherND and ScatterND point to, and how many elements there belong together. */
export function tuplePlaces(
  shape: readonly number[],
  indices: Elements,
  batch: number,
): { readonly starts: Int32Array; readonly run: number; readonly tail: readonly number[] } {
  const width = indices.shape.at(-1) ?? 0;
  const strides = stridesOf(shape);
  const tail = shape.slice(batch + width);
  const values = integers(indices);
  const count = elementCount(indices.shape.slice(0, -1));
  const perBatch = count / elementCount(shape.slice(0, batch));
  const block = elementCount(shape.slice(batch));
  const starts = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    let at = Math.floor(i / perBatch) * block;
    for (let k = 0; k < width; k++) {
      at += indexOf(values[i * width + k]!, shape[batch + k]!) * strides[batch + k]!;
    }
    starts[i] = at;
  }
  return { starts, run: elementCount(tail), tail };
}

function gatherNd(call: Call): readonly Elements[] {
  const [x, indices] = [call.input(0), call.input(1)];
  const { starts, run, tail } = tuplePlaces(x.shape, indices, call.maybeInt('batch_dims') ?? 0);
  const shape = [...indices.shape.slice(0, -1), ...tail];
  call.spend(elementCount(shape));
  const places = new Int32Array(starts.length * run);
  starts.forEach((start, i) => {
    for (let j = 0; j < run; j++) places[i * run + j] = start + j;
  });
  return [take(x, places, shape)];
}

/** The slices, or elements, at which the condition holds. */
function compress(call: Call): readonly Elements[] {
  const axis = call.maybeInt('axis');
  const given = call.input(0);
  const x = axis === undefined ? reshaped(given, [sizeOf(given)]) : given;
  const along = axisOf(axis ?? 0, x.shape.length);
  const kept = integers(call.input(1)).flatMap((holds, i) => (holds && i < x.shape[along]! ? [i] : []));
  const shape = x.shape.with(along, kept.length);
  const strides = stridesOf(x.shape);
  const places = offsets(shape, strides.with(along, 0));
  const { rows, places: steps } = rowsAlong(shape, [along]);
  for (const row of rows) steps.forEach((step, i) => (places[row + step]! += kept[i]! * strides[along]!));
  return [take(x, places, shape)];
}

/** Each row backward up to its length. */
function reverseSequence(call: Call): readonly Elements[] {
  const x = call.input(0);
  const lengths = call.ints(1) ?? [];
  const [batch, time] = [call.int('batch_axis'), call.int('time_axis')];
  const strides = stridesOf(x.shape);
  call.spend(sizeOf(x));
  const places = offsets(x.shape, strides);
  return [
    take(
      x,
      places.map((place) => {
        const row = Math.floor(place / strides[batch]!) % x.shape[batch]!;
        const step = Math.floor(place / strides[time]!) % x.shape[time]!;
        const length = lengths[row]!;
        return step < length ? place + (length - 1 - 2 * step) * strides[time]! : place;
      }),
      x.shape,
    ),
  ];
}

/** Operators that pick elements by position. */
export const SELECTION: Kernels = {
  Compress: compress,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ReverseSequence: reverseSequence,
  Slice: slice,
};
