import { type Dim, add, mul, sub } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, Infer, NodeContext } from '../context.js';
import { type AxisWindow, coverage, nonNegative, positions, readWindows } from '../window.js';

/** Where a convolution finds what it needs, and how its data lie. */
interface ConvolutionSpec {
  /** Index of the weights, `[M, C/group, k_1 … k_n]` unless {@link opaqueKernel}. */
  readonly w: number;
  /** Data are `[N, spatial…, C]`; also when the attribute `channels_last` says so. */
  readonly channelsLast?: boolean;
  /** The kernel is known from `kernel_shape` alone. */
  readonly opaqueKernel?: boolean;
}

interface Operands {
  readonly batch: Dim;
  readonly channels: Dim;
  readonly spatial: readonly Dim[];
  readonly kernel: readonly Dim[];
  readonly w: Shape;
  readonly channelsLast: boolean;
}

/** Unknown dims, one per spatial axis. */
function unknown(count: number): Dim[] {
  return Array.from({ length: count }, () => null);
}

/** The dims that a convolution computes with, from whichever of data, weights and `kernel_shape` says the rank. */
function operands(cx: NodeContext, spec: ConvolutionSpec): Operands | undefined {
  const x = cx.shape(0);
  const w = cx.shape(spec.w);
  const declared = cx.ints('kernel_shape');
  const rank = (x ?? w)?.length ?? (declared === undefined ? undefined : declared.length + 2);
  if (rank === undefined || rank < 2) return undefined;
  const channelsLast = spec.channelsLast ?? cx.int('channels_last') === 1;
  const free = unknown(rank - 2);
  const spatial = x === undefined ? free : channelsLast ? x.slice(1, -1) : x.slice(2);
  const own = spec.opaqueKernel === true || w === undefined ? free : w.slice(2);
  if ((declared ?? own).length !== rank - 2 || own.length !== rank - 2) return undefined;
  const kernel = own.map((size, i) => cx.unify(declared?.[i] ?? null, size, `kernel_shape and W along axis ${i}`));
  const channels = (channelsLast ? x?.at(-1) : x?.[1]) ?? null;
  return { batch: x?.[0] ?? null, channels, spatial, kernel, w: w ?? [], channelsLast };
}

function layout({ batch, channelsLast }: Operands, channels: Dim, spatial: readonly Dim[]): Shape {
  return channelsLast ? [batch, ...spatial, channels] : [batch, channels, ...spatial];
}

/**
 * Conv 1-22, DeformConv 19-22, ConvInteger 10, QLinearConv 10 (W is input 3), com.microsoft.FusedConv 1: `[N, M, o_1 … o_n]` with
 * `o = floor((i + begin + end - ((k - 1) * dilation + 1)) / stride) + 1`, or `ceil(i / stride)` under SAME. Channels-last kinds
 * (NhwcConv, NhwcFusedConv, com.ms.internal.nhwc, `channels_last`) give `[N, o_1 … o_n, M]`.
 */
function convolution(spec: ConvolutionSpec): Infer {
  return (cx) => {
    const found = operands(cx, spec);
    if (found === undefined) return;
    if (spec.opaqueKernel !== true) {
      cx.unify(found.channels, mul(found.w[1] ?? null, cx.int('group') ?? null), 'channels of X and W');
    }
    const windows = readWindows(cx, found.kernel);
    const spatial = found.spatial.map((size, i) => {
      const window = windows?.[i];
      return window === undefined ? null : nonNegative(cx, positions(size, window), i);
    });
    cx.output(0, layout(found, found.w[0] ?? null, spatial));
  };
}

function transposedSize(cx: NodeContext, i: number, size: Dim, window: AxisWindow | undefined, rank: number): Dim {
  const fixed = cx.ints('output_shape');
  if (fixed !== undefined && fixed.length >= rank) return fixed[fixed.length - rank + i] ?? null;
  return window === undefined ? null : coverage(size, window, cx.ints('output_padding')?.[i] ?? 0);
}

/**
 * ConvTranspose 1-22: `[N, M, o_1 … o_n]` with W `[C, M/group, k_1 … k_n]` and
 * `o = stride * (i - 1) + output_padding + ((k - 1) * dilation + 1) - begin - end`, `i * stride` under SAME, or what `output_shape` says.
 * Kinds of com.ms.internal.nhwc give `[N, o_1 … o_n, M]`.
 */
function transposedConvolution(spec: ConvolutionSpec): Infer {
  return (cx) => {
    const found = operands(cx, spec);
    if (found === undefined) return;
    const windows = readWindows(cx, found.kernel);
    cx.unify(found.channels, found.w[0] ?? null, 'channels of X and W');
    const channels = mul(found.w[1] ?? null, cx.int('group') ?? null);
    const spatial = found.spatial.map((size, i) =>
      nonNegative(cx, transposedSize(cx, i, size, windows?.[i], found.spatial.length), i),
    );
    cx.output(0, layout(found, channels, spatial));
  };
}

/** com.microsoft.ConvTransposeWithDynamicPads 1: as ConvTranspose, pads `[begins…, ends…]` taken from input 2. */
function dynamicPads(cx: NodeContext): void {
  const found = operands(cx, { w: 1, channelsLast: false });
  const windows = found && readWindows(cx, found.kernel);
  if (found === undefined || windows === undefined) return;
  const rank = found.spatial.length;
  const pads = cx.has(2) ? cx.list(2) : unknown(2 * rank).map(() => 0);
  const spatial = found.spatial.map((size, i): Dim => {
    const window = windows[i];
    if (window === undefined) return null;
    const padded = coverage(size, window, cx.ints('output_padding')?.[i] ?? 0);
    return window.same ? padded : sub(padded, add(pads?.[i] ?? null, pads?.[rank + i] ?? null));
  });
  cx.output(0, layout(found, mul(found.w[1] ?? null, cx.int('group') ?? null), spatial));
}

/** Attributes of com.microsoft.CausalConvWithState that give its data or state another layout. */
const OTHER_LAYOUTS = ['channels_last', 'state_window', 'state_length', 'state_update_capacity', 'input_channels'];

/**
 * CausalConvWithState 27, com.microsoft.CausalConvWithState 1 in the same layout: output as input `[B, C, L]`,
 * state `[B, C, k - 1]` with W `[C, 1, k]`.
 */
function causalConvolution(cx: NodeContext): void {
  if (OTHER_LAYOUTS.some((name) => (cx.int(name) ?? 0) !== 0)) return;
  const x = cx.shape(0);
  cx.output(0, x);
  if ((cx.int('dilation') ?? 1) !== 1 || (cx.int('ndim') ?? 1) !== 1) return;
  cx.output(1, cx.shape(3) ?? [x?.[0] ?? null, x?.[1] ?? null, sub(cx.shape(1)?.[2] ?? null, 1)]);
}

const conv = convolution({ w: 1, channelsLast: false });
const nhwcConv = convolution({ w: 1, channelsLast: true, opaqueKernel: true });

export const CONVOLUTION: Family = {
  CausalConvWithState: causalConvolution,
  Conv: conv,
  ConvInteger: conv,
  ConvTranspose: transposedConvolution({ w: 1, channelsLast: false }),
  DeformConv: conv,
  QLinearConv: convolution({ w: 3, channelsLast: false }),
  'com.microsoft.CausalConvWithState': causalConvolution,
  'com.microsoft.ConvTransposeWithDynamicPads': dynamicPads,
  'com.microsoft.FusedConv': conv,
  'com.microsoft.NhwcConv': nhwcConv,
  'com.microsoft.NhwcFusedConv': nhwcConv,
  'com.microsoft.QLinearConv': convolution({ w: 3 }),
  'com.microsoft.nchwc.Conv': conv,
  'com.ms.internal.nhwc.Conv': convolution({ w: 1, channelsLast: true }),
  'com.ms.internal.nhwc.ConvTranspose': transposedConvolution({ w: 1, channelsLast: true }),
  'com.ms.internal.nhwc.QLinearConv': convolution({ w: 3, channelsLast: true }),
  'com.ms.internal.nhwc.QLinearConvTranspose': transposedConvolution({ w: 3, channelsLast: true }),
};
