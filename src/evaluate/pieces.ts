import { elementCount } from '../tensor/array.js';
import { allocate, type Elements, type Writable } from './elements.js';
import { offsets, stridesOf, take } from './index-maps.js';
import { invalid, unsupported } from './stop.js';

/** Tensors joined along an axis; they agree in all others. @throws Stop `invalid` */
export function concatenate(parts: readonly Elements[], axis: number): Elements {
  const first = parts[0];
  if (!first) throw invalid('nothing to concatenate');
  const along = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first.shape.with(axis, along);
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  const data = allocate(first.dtype, elementCount(shape)) as Writable;
  let start = 0;
  for (const part of parts) {
    if (part.dtype !== first.dtype) throw invalid(`${part.dtype} beside ${first.dtype}`);
    if (part.shape.with(axis, along).join() !== shape.join()) throw invalid(`shapes differ beside axis ${axis}`);
    const run = part.shape[axis]! * inner;
    for (let i = 0; i < outer; i++) {
      const [from, to] = [i * run, i * along * inner + start];
      for (let j = 0; j < run; j++) data[to + j] = part.data[from + j];
    }
    start += run;
  }
  return { dtype: first.dtype, shape, data: data as Elements['data'] };
}

/** The piece of `size` positions from `start` along an axis. */
export function piece(elements: Elements, axis: number, start: number, size: number): Elements {
  const strides = stridesOf(elements.shape);
  const shape = elements.shape.with(axis, size);
  return take(elements, offsets(shape, strides, start * strides[axis]!), shape);
}

/** Position `index` of an axis, without that axis. */
export function slab(elements: Elements, axis: number, index: number): Elements {
  const { shape, ...rest } = piece(elements, axis, index, 1);
  return { ...rest, shape: shape.toSpliced(axis, 1) };
}

/** Tensors of one shape side by side along a new axis. */
export function stack(parts: readonly Elements[], axis: number): Elements {
  if (parts.length === 0) throw unsupported('an empty list of tensors of unknown shape');
  return concatenate(
    parts.map((part) => ({ ...part, shape: part.shape.toSpliced(axis, 0, 1) })),
    axis,
  );
}
