import { elementCount } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import { type Elements, floats, integers, numbers, sizeOf } from './elements.js';
import { stridesOf } from './index-maps.js';
import { neighbourWeights } from './resize-coordinates.js';
import { roundHalfEven } from './special-functions.js';
import { windowTable } from './windows.js';
import { invalid } from './stop.js';

/** How GridSample reads one axis of `size` elements. */
interface Axis {
  readonly size: number;
  readonly padding: string;
  /** Ends of the axis, in its own coordinates. */
  readonly low: number;
  readonly high: number;
}

function reflected(x: number, { low, high }: Axis): number {
  const range = high - low;
  if (range === 0) return low;
  const turns = Math.abs(x - low) % (2 * range);
  return low + (turns > range ? 2 * range - turns : turns);
}

/** A coordinate as the padding moves it into the image; unchanged for zeros, and for borders where the neighbours of cubics are moved. */
function padded(x: number, axis: Axis, mode: string): number {
  if (x >= axis.low && x <= axis.high) return x;
  if (axis.padding === 'border') return mode === 'cubic' ? x : Math.min(Math.max(x, 0), axis.size - 1);
  return axis.padding === 'reflection' ? reflected(x, axis) : x;
}

/** The element that a neighbour stands for; -1 for none. */
function placeOf(index: number, axis: Axis): number {
  if (index >= 0 && index < axis.size) return index;
  if (axis.padding === 'zeros') return -1;
  const moved = axis.padding === 'border' ? index : Math.trunc(reflected(index, axis));
  return Math.min(Math.max(moved, 0), axis.size - 1);
}

/** Neighbours of a coordinate along one axis, with their weights. */
function neighbours(x: number, axis: Axis, mode: string): readonly (readonly [place: number, weight: number])[] {
  const at = padded(mode === 'nearest' ? roundHalfEven(x) : x, axis, mode);
  if (mode === 'nearest') return [[placeOf(Math.trunc(at), axis), 1]];
  const left = Math.floor(at);
  const filter = { mode, nearest: '', cubicA: -0.75, antialias: false };
  const weights = neighbourWeights(filter, at - left, 1);
  return weights.map((weight, i) => [placeOf(left - weights.length / 2 + 1 + i, axis), weight] as const);
}

const MODES: Readonly<Record<string, string>> = { bilinear: 'linear', bicubic: 'cubic' };

/** GridSample-16 to 22: coordinates of the grid go from -1 to 1, the last axis first. */
function gridSample(call: Call): readonly Elements[] {
  const [x, grid] = [call.input(0), call.input(1)];
  const [batch, channels, ...sizes] = x.shape as [number, number, ...number[]];
  const rank = sizes.length;
  const mode = MODES[call.text('mode')] ?? call.text('mode');
  const align = call.int('align_corners') !== 0;
  const axes = sizes.map((size): Axis => {
    return { size, padding: call.text('padding_mode'), low: align ? 0 : -0.5, high: align ? size - 1 : size - 0.5 };
  });
  const points = elementCount(grid.shape.slice(1, -1));
  const [strides, coordinates, data] = [stridesOf(sizes), numbers(grid), numbers(x)];
  const image = elementCount(sizes);
  call.spend(batch * points * channels * 4 ** rank);
  const made = new Float64Array(batch * channels * points);
  for (let at = 0; at < batch * points; at++) {
    let taps: (readonly [number, number])[] = [[0, 1]];
    axes.forEach((axis, i) => {
      const given = coordinates[at * rank + (rank - 1 - i)]!;
      const position = align ? ((given + 1) / 2) * (axis.size - 1) : ((given + 1) * axis.size - 1) / 2;
      const own = neighbours(position, axis, mode);
      taps = taps.flatMap(([place, weight]) =>
        own.map(([next, factor]) => {
          return [place < 0 || next < 0 ? -1 : place + next * strides[i]!, weight * factor] as const;
        }),
      );
    });
    const n = Math.floor(at / points);
    for (let c = 0; c < channels; c++) {
      let sum = 0;
      for (const [place, weight] of taps) if (place >= 0) sum += weight * data[(n * channels + c) * image + place]!;
      made[(n * channels + c) * points + (at % points)] = sum;
    }
  }
  return [floats(x.dtype, [batch, channels, ...grid.shape.slice(1, -1)], made)];
}

/** Blocks laid back over an image, added where they overlap. */
function col2Im(call: Call): readonly Elements[] {
  const x = call.input(0);
  const [sizes, kernel] = [integers(call.input(1)), integers(call.input(2))];
  const ones = kernel.map(() => 1);
  const [strides, dilations] = [call.intList('strides') ?? ones, call.intList('dilations') ?? ones];
  const pads = call.intList('pads') ?? [...kernel, ...kernel].fill(0);
  const [begin, end] = [pads.slice(0, kernel.length), pads.slice(kernel.length)];
  const positions = sizes.map((size, i) => {
    const span = (kernel[i]! - 1) * dilations[i]! + 1;
    return Math.floor((size + begin[i]! + end[i]! - span) / strides[i]!) + 1;
  });
  const table = windowTable(call, { sizes, kernel, positions, strides, dilations, begin, end });
  const [image, images] = [elementCount(sizes), sizeOf(x) / table.length];
  if (!Number.isInteger(images)) throw invalid('the blocks do not fit the image');
  call.spend(sizeOf(x));
  const made = new Float64Array(images * image);
  numbers(x).forEach((value, i) => {
    const place = table[i % table.length]!;
    if (place >= 0) made[Math.floor(i / table.length) * image + place]! += value;
  });
  const batch = x.shape[0]!;
  return [floats(x.dtype, [batch, images / batch, ...sizes], made)];
}

/** What MaxPool gave put back to where it came from; 0 elsewhere. */
function maxUnpool(call: Call): readonly Elements[] {
  const [x, places] = [call.input(0), call.input(1)];
  const kernel = call.intList('kernel_shape') ?? [];
  const strides = call.intList('strides') ?? kernel.map(() => 1);
  const pads = call.intList('pads') ?? [...kernel, ...kernel].fill(0);
  const spatial = kernel.map(
    (size, i) => (x.shape[2 + i]! - 1) * strides[i]! + size - pads[i]! - pads[kernel.length + i]!,
  );
  const natural = [...x.shape.slice(0, 2), ...spatial];
  const shape = call.ints(2) ?? natural;
  call.spend(elementCount(shape));
  const made = new Float64Array(elementCount(shape));
  const [own, target] = [stridesOf(natural), stridesOf(shape)];
  const source = numbers(x);
  integers(places).forEach((place, i) => {
    let at = 0;
    natural.forEach((dim, axis) => (at += (Math.floor(place / own[axis]!) % dim) * target[axis]!));
    made[at] = source[i]!;
  });
  return [floats(x.dtype, shape, made)];
}

/** Operators that read or write images at given places. */
export const SAMPLING: Kernels = { Col2Im: col2Im, GridSample: gridSample, MaxUnpool: maxUnpool };
