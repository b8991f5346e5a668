import { shapeNegative } from '../diagnostics/codes/shape.js';
import { type Dim, add, ceilDiv, floorDiv, format, isProven, mul, sub } from '../dim/dim.js';
import type { NodeContext } from './context.js';

/** How a window slides along one spatial axis. */
export interface AxisWindow {
  /** Elements of the kernel along this axis, dilation aside. */
  readonly kernel: Dim;
  readonly stride: number;
  readonly dilation: number;
  /** Padding before and after; of no meaning under `SAME_*`, where it follows from the rest. */
  readonly begin: number;
  readonly end: number;
  /** `auto_pad` is SAME_UPPER or SAME_LOWER: the padding is what makes the output as long as the strides allow. */
  readonly same: boolean;
}

/**
 * The windows that attributes `strides`, `dilations`, `pads` and `auto_pad` describe, one per spatial axis; kernel sizes come
 * from the caller. `undefined` when a list is not as long as there are spatial axes, or a stride or dilation is not positive.
 */
export function readWindows(
  cx: Pick<NodeContext, 'ints' | 'string'>,
  kernel: readonly Dim[],
): readonly AxisWindow[] | undefined {
  const rank = kernel.length;
  const strides = cx.ints('strides') ?? kernel.map(() => 1);
  const dilations = cx.ints('dilations') ?? kernel.map(() => 1);
  const mode = cx.string('auto_pad') ?? 'NOTSET';
  const none = [...kernel, ...kernel].map(() => 0);
  const pads = mode === 'NOTSET' ? (cx.ints('pads') ?? none) : none;
  if (strides.length !== rank || dilations.length !== rank || pads.length !== 2 * rank) return undefined;
  if ([...strides, ...dilations].some((step) => step < 1)) return undefined;
  return kernel.map((size, i) => ({
    kernel: size,
    stride: strides[i] ?? 1,
    dilation: dilations[i] ?? 1,
    begin: pads[i] ?? 0,
    end: pads[rank + i] ?? 0,
    same: mode.startsWith('SAME'),
  }));
}

/** What the kernel spans with its gaps: `(kernel - 1) * dilation + 1`. */
export function span(window: AxisWindow): Dim {
  return add(mul(sub(window.kernel, 1), window.dilation), 1);
}

/**
 * Positions of a window that lies wholly inside the padded axis: `floor((input + begin + end - span) / stride) + 1`;
 * `ceil(input / stride)` under `auto_pad` SAME. Conv 1-22, pools with `ceil_mode` 0.
 */
export function positions(input: Dim, window: AxisWindow): Dim {
  if (window.same) return ceilDiv(input, window.stride);
  const room = sub(add(input, window.begin + window.end), span(window));
  return add(floorDiv(room, window.stride), 1);
}

/**
 * Positions with `ceil_mode` 1: the last window may hang over the end, but must start before the padding there. Of
 * `ceil((input + begin + end - span) / stride) + 1` and `ceil((input + begin) / stride)` the smaller one, which for padding
 * below the span is `ceil((input + begin + min(0, end + stride - span)) / stride)`. MaxPool 10-22, AveragePool 10-22, LpPool 18-22.
 */
export function ceilPositions(input: Dim, window: AxisWindow): Dim {
  if (window.same) return ceilDiv(input, window.stride);
  const size = span(window);
  if (typeof size !== 'number') return null;
  const overhang = Math.min(0, window.end + window.stride - size);
  return ceilDiv(add(input, window.begin + overhang), window.stride);
}

/**
 * What a window that is scattered from every element of the axis covers:
 * `stride * (input - 1) + output_padding + span - begin - end`; `input * stride` under SAME, but unknown where the window is shorter than
 * the stride: onnxruntime then gives what the window covers, less than the standard says. ConvTranspose 1-22, MaxUnpool 9-22.
 */
export function coverage(input: Dim, window: AxisWindow, outputPadding: number): Dim {
  const reach = add(span(window), outputPadding);
  if (window.same) return isProven(reach, '>=', window.stride) ? mul(input, window.stride) : null;
  const steps = mul(sub(input, 1), window.stride);
  return add(add(steps, reach), -window.begin - window.end);
}

/** The size; one that is proven negative, as that of a window larger than what it slides over, is reported and unknown. */
export function nonNegative(cx: NodeContext, size: Dim, axis: number): Dim {
  if (!isProven(size, '<', 0)) return size;
  cx.problem(shapeNegative(cx.at, `spatial axis ${axis} of the output`, format(size)));
  return null;
}
