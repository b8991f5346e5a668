import type { Dim } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, Infer, NodeContext } from '../context.js';
import { type AxisWindow, ceilPositions, coverage, nonNegative, positions, readWindows } from '../window.js';

/** The windows of a pool over `rank` axes; its kernel is the attribute `kernel_shape`. */
function windowsOf(cx: NodeContext, rank: number): readonly AxisWindow[] | undefined {
  const kernel = cx.ints('kernel_shape');
  return kernel?.length === rank ? readWindows(cx, kernel) : undefined;
}

/** onnxruntime leaves dilation out of what SAME pads with: standard and runtime part there. */
function pooledSize(cx: NodeContext, size: Dim, window: AxisWindow): Dim {
  if (window.same && window.dilation > 1) return null;
  return cx.int('ceil_mode') === 1 ? ceilPositions(size, window) : positions(size, window);
}

function pooledShape(cx: NodeContext, channelsLast: boolean): Shape | undefined {
  const x = cx.shape(0);
  const kernel = cx.ints('kernel_shape');
  const rank = x?.length ?? (kernel === undefined ? undefined : kernel.length + 2);
  if (rank === undefined || rank < 2) return undefined;
  const windows = windowsOf(cx, rank - 2);
  const sizes = x === undefined ? undefined : channelsLast ? x.slice(1, -1) : x.slice(2);
  const spatial = Array.from({ length: rank - 2 }, (_, i): Dim => {
    const window = windows?.[i];
    return window === undefined ? null : nonNegative(cx, pooledSize(cx, sizes?.[i] ?? null, window), i);
  });
  const channels = (channelsLast ? x?.at(-1) : x?.[1]) ?? null;
  return channelsLast ? [x?.[0] ?? null, ...spatial, channels] : [x?.[0] ?? null, channels, ...spatial];
}

/**
 * MaxPool 1-22, AveragePool 1-22, LpPool 1-22: `[N, C, o_1 … o_n]` with
 * `o = floor((i + begin + end - ((k - 1) * dilation + 1)) / stride) + 1`. With `ceil_mode` the division rounds up, and a window that
 * would start in the padding at the end does not count. `Indices` of MaxPool have the same shape. Channels-last kinds (NhwcMaxPool,
 * com.ms.internal.nhwc, `channels_last`) give `[N, o_1 … o_n, C]`.
 */
function pool(channelsLast?: boolean): Infer {
  return (cx) => {
    cx.output(0, pooledShape(cx, channelsLast ?? cx.int('channels_last') === 1));
    if (cx.outputCount > 1) cx.output(1, cx.outputShape(0));
  };
}

/** GlobalMaxPool 1-22, GlobalAveragePool 1-22, GlobalLpPool 1-22: `[N, C, 1 … 1]`; channels-last kinds give `[N, 1 … 1, C]`. */
function globalPool(channelsLast?: boolean): Infer {
  return (cx) => {
    const x = cx.shape(0);
    const last = channelsLast ?? cx.int('channels_last') === 1;
    const channel = last && x ? x.length - 1 : 1;
    cx.output(
      0,
      x?.map((size, axis) => (axis === 0 || axis === channel ? size : 1)),
    );
  };
}

/**
 * MaxUnpool 9-22: what `output_shape` says, else `[N, C, o_1 … o_n]` with `o = stride * (i - 1) + k - begin - end`; the channels-last
 * kind gives `[N, o_1 … o_n, C]`.
 */
function maxUnpool(channelsLast: boolean): Infer {
  return (cx) => {
    const x = cx.shape(0);
    if (cx.has(2)) return cx.output(0, cx.list(2) ?? x?.map(() => null));
    const windows = x && windowsOf(cx, x.length - 2);
    const first = channelsLast ? 1 : 2;
    const shape = x?.map((size, axis): Dim => {
      if (axis === 0 || axis === (channelsLast ? x.length - 1 : 1)) return size;
      const window = windows?.[axis - first];
      return window === undefined ? null : coverage(size, window, 0);
    });
    cx.output(0, shape);
  };
}

/** MaxRoiPool 1-22: `[num_rois, C, pooled_shape[0], pooled_shape[1]]` with rois `[num_rois, 5]`. */
const maxRoiPool: Infer = (cx) => {
  const [height, width] = cx.ints('pooled_shape') ?? [];
  cx.output(0, [cx.shape(1)?.[0] ?? null, cx.shape(0)?.[1] ?? null, height ?? null, width ?? null]);
};

/** RoiAlign 10-22: `[num_rois, C, output_height, output_width]` with rois `[num_rois, 4]`, batch_indices `[num_rois]`. */
const roiAlign: Infer = (cx) => {
  const rois = cx.shape(1)?.[0] ?? cx.shape(2)?.[0] ?? null;
  const height = cx.int('output_height') ?? null;
  cx.output(0, [rois, cx.shape(0)?.[1] ?? null, height, cx.int('output_width') ?? null]);
};

/** com.microsoft.CropAndResize 1: `[num_rois, C, crop_size[0], crop_size[1]]`. */
const cropAndResize: Infer = (cx) => {
  const rois = cx.shape(1)?.[0] ?? cx.shape(2)?.[0] ?? null;
  const crop = cx.list(3);
  cx.output(0, [rois, cx.shape(0)?.[1] ?? null, crop?.[0] ?? null, crop?.[1] ?? null]);
};

const plainPool = pool(false);
const lastPool = pool(true);
const plainGlobal = globalPool(false);
const lastGlobal = globalPool(true);

export const POOLING: Family = {
  AveragePool: plainPool,
  GlobalAveragePool: plainGlobal,
  GlobalLpPool: plainGlobal,
  GlobalMaxPool: plainGlobal,
  LpPool: plainPool,
  MaxPool: plainPool,
  MaxRoiPool: maxRoiPool,
  MaxUnpool: maxUnpool(false),
  RoiAlign: roiAlign,
  'com.microsoft.CropAndResize': cropAndResize,
  'com.microsoft.MaxpoolWithMask': plainPool,
  'com.microsoft.NhwcMaxPool': lastPool,
  'com.microsoft.QLinearAveragePool': pool(),
  'com.microsoft.QLinearGlobalAveragePool': globalPool(),
  'com.microsoft.nchwc.AveragePool': plainPool,
  'com.microsoft.nchwc.GlobalAveragePool': plainGlobal,
  'com.microsoft.nchwc.GlobalMaxPool': plainGlobal,
  'com.microsoft.nchwc.MaxPool': plainPool,
  'com.ms.internal.nhwc.AveragePool': lastPool,
  'com.ms.internal.nhwc.GlobalAveragePool': lastGlobal,
  'com.ms.internal.nhwc.GlobalLpPool': lastGlobal,
  'com.ms.internal.nhwc.GlobalMaxPool': lastGlobal,
  'com.ms.internal.nhwc.LpPool': lastPool,
  'com.ms.internal.nhwc.MaxPool': lastPool,
  'com.ms.internal.nhwc.MaxUnpool': maxUnpool(true),
  'com.ms.internal.nhwc.QLinearAveragePool': lastPool,
};
