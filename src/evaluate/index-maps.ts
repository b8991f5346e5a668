import { elementCount } from '../tensor/array.js';
import { allocate, type Elements, type Writable } from './elements.js';
import { invalid } from './stop.js';

/** Row-major strides of a shape, in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * shape[axis + 1]!;
  return strides;
}

/**
 * For every position of `shape`, in row-major order, `start` plus the sum of its coordinates times `strides`: how one tensor is read in
 * the order of another. O(elements).
 */
export function offsets(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  let map = Int32Array.of(start);
  let length = 1;
  for (const [axis, size] of shape.entries()) {
    const stride = strides[axis]!;
    const next = new Int32Array(length * size);
    for (let i = 0, at = 0; i < length; i++) {
      for (let j = 0, offset = map[i]!; j < size; j++, offset += stride) next[at++] = offset;
    }
    map = next;
    length *= size;
  }
  return map;
}

/** The shape that operands of these shapes are broadcast to. @throws Stop `invalid` */
export function broadcastShape(...shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = shapes.reduce((most, shape) => Math.max(most, shape.length), 0);
  return Array.from({ length: rank }, (_, axis) => {
    let size = 1;
    for (const shape of shapes) {
      const dim = shape[axis - rank + shape.length] ?? 1;
      if (dim === size || dim === 1) continue;
      if (size !== 1) throw invalid(`shapes ${shapes.map((each) => `[${each.join(', ')}]`).join(' and ')} do not fit`);
      size = dim;
    }
    return size;
  });
}

/** Where each position of `to` reads a tensor of shape `from` that is broadcast; `undefined` when in its own order. */
export function broadcastMap(from: readonly number[], to: readonly number[]): Int32Array | undefined {
  if (elementCount(from) === elementCount(to)) return undefined;
  const own = stridesOf(from);
  const lead = to.length - from.length;
  return offsets(
    to,
    to.map((_, axis) => (axis < lead || from[axis - lead] === 1 ? 0 : own[axis - lead]!)),
  );
}

/** The elements at these places, as a tensor of this shape; places below 0 stay 0 (empty). */
export function take({ dtype, data }: Elements, places: Int32Array, shape: readonly number[]): Elements {
  const made = allocate(dtype, places.length);
  if (data instanceof Float64Array) {
    const into = made as Float64Array;
    for (let i = 0; i < places.length; i++) if (places[i]! >= 0) into[i] = data[places[i]!]!;
  } else {
    const into = made as Writable;
    for (let i = 0; i < places.length; i++) if (places[i]! >= 0) into[i] = data[places[i]!];
  }
  return { dtype, shape, data: made };
}

/** A tensor broadcast to a shape. */
export function broadcastTo(elements: Elements, shape: readonly number[]): Elements {
  const map = broadcastMap(elements.shape, shape);
  return map ? take(elements, map, shape) : { ...elements, shape };
}

/** A tensor with its axes in another order: axis i of the result is axis `perm[i]`. */
export function permute(elements: Elements, perm: readonly number[]): Elements {
  const { shape } = elements;
  const strides = stridesOf(shape);
  const target = perm.map((axis) => shape[axis]!);
  if (target.includes(undefined as unknown as number) || perm.length !== shape.length)
    throw invalid(`perm [${perm.join(', ')}] of a tensor of rank ${shape.length}`);
  const places = offsets(
    target,
    perm.map((axis) => strides[axis]!),
  );
  return take(elements, places, target);
}

/** An axis counted from the front. @throws Stop `invalid` when the rank has no such axis */
export function axisOf(axis: number, rank: number): number {
  const found = axis < 0 ? axis + rank : axis;
  if (!(found >= 0 && found < rank)) throw invalid(`axis ${axis} of a tensor of rank ${rank}`);
  return found;
}

/** A tensor seen as rows: element j of row i is at `rows[i] + places[j]`. */
export interface Rows {
  /** Positions along the other axes, in row-major order. */
  readonly rows: Int32Array;
  /** Positions along the axes of a row, in row-major order. */
  readonly places: Int32Array;
}

/** The rows along some axes (counted from the front). */
export function rowsAlong(shape: readonly number[], axes: readonly number[]): Rows {
  const strides = stridesOf(shape);
  const pick = (wanted: boolean): Int32Array => {
    const own = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === wanted);
    return offsets(
      own.map((axis) => shape[axis]!),
      own.map((axis) => strides[axis]!),
    );
  };
  return { rows: pick(false), places: pick(true) };
}
