import { elementCount } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import { type Elements, type Writable } from './elements.js';
import { axisOf, stridesOf, take } from './index-maps.js';
import { invalid } from './stop.js';

/** Where position `at` of a padded axis reads an axis of `dim` elements; -1 for the constant. */
function source(mode: string, at: number, dim: number): number {
  if (at >= 0 && at < dim) return at;
  if (mode === 'constant' || dim === 0) return -1;
  if (mode === 'edge') return at < 0 ? 0 : dim - 1;
  if (mode === 'wrap') return ((at % dim) + dim) % dim;
  if (mode !== 'reflect') throw invalid(`mode ${mode}`);
  const period = Math.max(1, 2 * (dim - 1));
  const folded = ((at % period) + period) % period;
  return dim === 1 ? 0 : Math.min(folded, period - folded);
}

/** A tensor padded (or cut, where negative) at the begin and end of every axis. */
export function padded(
  call: Call,
  x: Elements,
  begin: readonly number[],
  end: readonly number[],
  mode = 'constant',
  value?: Elements,
): Elements {
  const shape = x.shape.map((dim, axis) => Math.max(0, dim + begin[axis]! + end[axis]!));
  call.spend(elementCount(shape));
  const strides = stridesOf(x.shape);
  let places: Int32Array = Int32Array.of(0);
  for (const [axis, size] of shape.entries()) {
    const steps = Int32Array.from({ length: size }, (_, at) => source(mode, at - begin[axis]!, x.shape[axis]!));
    const next = new Int32Array(places.length * size);
    places.forEach((start, i) => {
      for (let j = 0; j < size; j++) {
        next[i * size + j] = start < 0 || steps[j]! < 0 ? -1 : start + steps[j]! * strides[axis]!;
      }
    });
    places = next;
  }
  const made = take(x, places, shape);
  const fill = value?.data[0];
  if (fill !== undefined) places.forEach((place, i) => place < 0 && ((made.data as Writable)[i] = fill));
  return made;
}

/** Pad-1 to 25: pads, value and axes are attributes before opset 11. */
function pad(call: Call): readonly Elements[] {
  const x = call.input(0);
  const rank = x.shape.length;
  const old = call.opset < 11 && call.node.domain === '';
  const pads = old ? (call.intList('pads') ?? call.intList('paddings')) : call.ints(1);
  if (!pads) throw invalid('the pads are missing');
  const axes = (old ? undefined : call.ints(3))?.map((axis) => axisOf(axis, rank)) ?? [...x.shape.keys()];
  if (pads.length !== 2 * axes.length) throw invalid(`${pads.length} pads for ${axes.length} axes`);
  const [begin, end] = [Array<number>(rank).fill(0), Array<number>(rank).fill(0)];
  axes.forEach((axis, i) => {
    begin[axis] = pads[i]!;
    end[axis] = pads[axes.length + i]!;
  });
  const value = old
    ? ({ dtype: x.dtype, shape: [], data: Float64Array.of(call.maybeFloat('value') ?? 0) } as const)
    : call.inputs[2];
  return [padded(call, x, begin, end, call.text('mode'), value)];
}

/** A window around the centre of some axes, padded with 0 where it is larger. */
function centerCropPad(call: Call): readonly Elements[] {
  const x = call.input(0);
  const sizes = call.ints(1) ?? [];
  const axes = (call.intList('axes') ?? [...x.shape.keys()]).map((axis) => axisOf(axis, x.shape.length));
  const [begin, end] = [x.shape.map(() => 0), x.shape.map(() => 0)];
  axes.forEach((axis, i) => {
    const change = sizes[i]! - x.shape[axis]!;
    begin[axis] = change < 0 ? -Math.floor(-change / 2) : Math.floor(change / 2);
    end[axis] = change - begin[axis]!;
  });
  return [padded(call, x, begin, end)];
}

/** Operators that pad. */
export const PADDING: Kernels = { CenterCropPad: centerCropPad, Pad: pad };
