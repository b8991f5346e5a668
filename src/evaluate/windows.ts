import { elementCount } from '../tensor/array.js';
import type { Call } from './call.js';
import { stridesOf } from './index-maps.js';
import { invalid } from './stop.js';

/** How a window moves over the spatial axes of a tensor. */
export interface Windows {
  /** Sizes of the tensor, of the window, and of its positions. */
  readonly sizes: readonly number[];
  readonly kernel: readonly number[];
  readonly positions: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
}

/** What a place outside of the tensor is marked with in {@link windowTable}. */
export const PADDING_PLACE = -1;
/** Beyond the padding, where only rounding up the number of positions leads. */
export const BEYOND = -2;

/** Padding that gives as many positions as the input divided by the stride; the odd one after (SAME_UPPER) or before. */
function samePadding(total: number, upper: boolean): readonly [number, number] {
  const [less, more] = [Math.floor(total / 2), Math.ceil(total / 2)];
  return upper ? [less, more] : [more, less];
}

/** The windows of a convolution or pool from its attributes. `kernel` is that of the weights where the node does not say. */
export function windowsOf(call: Call, sizes: readonly number[], kernel: readonly number[]): Windows {
  const rank = sizes.length;
  const ones = Array<number>(rank).fill(1);
  const strides = call.intList('strides') ?? ones;
  const dilations = call.intList('dilations') ?? ones;
  const mode = call.text('auto_pad');
  const pads = call.intList('pads') ?? [];
  const up = call.maybeInt('ceil_mode') === 1;
  const [begin, end, positions]: [number[], number[], number[]] = [[], [], []];
  for (let axis = 0; axis < rank; axis++) {
    const [size, stride] = [sizes[axis]!, strides[axis]!];
    const span = (kernel[axis]! - 1) * dilations[axis]! + 1;
    const same = mode === 'SAME_UPPER' || mode === 'SAME_LOWER';
    const given = mode === 'VALID' ? [0, 0] : [pads[axis] ?? 0, pads[rank + axis] ?? 0];
    const total = Math.max(0, (Math.ceil(size / stride) - 1) * stride + span - size);
    const [before, after] = same ? samePadding(total, mode === 'SAME_UPPER') : (given as [number, number]);
    const room = (size + before + after - span) / stride;
    let count = (up ? Math.ceil(room) : Math.floor(room)) + 1;
    if (up && (count - 1) * stride >= size + before) count--;
    if (!(count >= 0)) throw invalid(`a window of ${span} over ${size}`);
    begin.push(before);
    end.push(after);
    positions.push(count);
  }
  return { sizes, kernel, positions, strides, dilations, begin, end };
}

/** The windows by which ConvTranspose spreads an input over its output: `sizes` is that of the output. */
export function spreadingWindows(call: Call, inputs: readonly number[], kernel: readonly number[]): Windows {
  const rank = inputs.length;
  const ones = Array<number>(rank).fill(1);
  const strides = call.intList('strides') ?? ones;
  const dilations = call.intList('dilations') ?? ones;
  const extra = call.intList('output_padding') ?? [];
  const pads = call.intList('pads') ?? [];
  const asked = call.intList('output_shape');
  const mode = call.text('auto_pad');
  const same = mode === 'SAME_UPPER' || mode === 'SAME_LOWER';
  const [begin, end, sizes]: [number[], number[], number[]] = [[], [], []];
  for (let axis = 0; axis < rank; axis++) {
    const span = (kernel[axis]! - 1) * dilations[axis]! + 1;
    const full = strides[axis]! * (inputs[axis]! - 1) + (extra[axis] ?? 0) + span;
    const target = asked?.at(axis - rank) ?? (same ? inputs[axis]! * strides[axis]! : undefined);
    const given: readonly [number, number] = mode === 'VALID' ? [0, 0] : [pads[axis] ?? 0, pads[rank + axis] ?? 0];
    const [before, after] =
      target === undefined ? given : samePadding(Math.max(0, full - target), mode === 'SAME_UPPER');
    begin.push(before);
    end.push(after);
    sizes.push(target ?? full - before - after);
  }
  return { sizes, kernel, positions: inputs, strides, dilations, begin, end };
}

/**
 * Where each element of the window (rows) falls at each of its positions (columns): the offset within the spatial axes, or
 * {@link PADDING_PLACE}, or {@link BEYOND}. O(kernel × positions).
 */
export function windowTable(call: Call, windows: Windows): Int32Array {
  const { sizes, kernel, positions, strides, dilations, begin, end } = windows;
  const [taps, count] = [elementCount(kernel), elementCount(positions)];
  call.spend(taps * count);
  const steps = [stridesOf(sizes), stridesOf(kernel), stridesOf(positions)] as const;
  const table = new Int32Array(taps * count);
  for (let tap = 0; tap < taps; tap++) {
    for (let position = 0; position < count; position++) {
      let offset = 0;
      for (let axis = 0; axis < sizes.length; axis++) {
        const p = Math.floor(position / steps[2][axis]!) % positions[axis]!;
        const t = Math.floor(tap / steps[1][axis]!) % kernel[axis]!;
        const at = p * strides[axis]! - begin[axis]! + t * dilations[axis]!;
        if (at >= sizes[axis]! + end[axis]!) offset = BEYOND;
        else if ((at < 0 || at >= sizes[axis]!) && offset !== BEYOND) offset = PADDING_PLACE;
        else if (offset >= 0) offset += at * steps[0][axis]!;
      }
      table[tap * count + position] = offset;
    }
  }
  return table;
}
