import { type Dim, divideExact, floorDiv, mul, product } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, Infer, NodeContext } from '../context.js';

/** Largest power of two that a scale may have as denominator to be taken as a fraction. */
const MAX_DENOMINATOR = 1 << 20;

/** `floor(size * scale)`, the product rounded to float32 as onnxruntime does it; of an expression where the scale is a dyadic fraction. */
export function scaledSize(size: Dim, scale: number): Dim {
  if (typeof size === 'number') return Math.floor(Math.fround(size * Math.fround(scale)));
  let denominator = 1;
  while (!Number.isInteger(scale * denominator) && denominator < MAX_DENOMINATOR) denominator *= 2;
  return Number.isInteger(scale * denominator) ? floorDiv(mul(size, scale * denominator), denominator) : null;
}

/** The scales of an input: a constant, or followed elements where they are whole numbers; `null` where unknown. */
function scalesOf(cx: NodeContext, input: number): readonly (number | null)[] | undefined {
  const constant = cx.constant(input);
  if (constant !== undefined && constant.shape.length === 1) return [...constant.floats()];
  return cx.list(input)?.map((item) => (typeof item === 'number' ? item : null));
}

function scaledShape(x: Shape, axes: readonly number[], scales: readonly (number | null)[]): Shape | undefined {
  if (scales.length !== axes.length) return undefined;
  const shape = [...x];
  for (const [i, axis] of axes.entries()) {
    const scale = scales[i] ?? null;
    shape[axis] = scale === null ? null : scaledSize(x[axis] ?? null, scale);
  }
  return shape;
}

/** Sizes under `keep_aspect_ratio_policy`: every axis by the smallest (not_larger) or largest (not_smaller) of the ratios. */
function sizedShape(x: Shape, axes: readonly number[], sizes: readonly Dim[], policy: string): Shape | undefined {
  if (sizes.length !== axes.length) return undefined;
  const shape = [...x];
  const ratios = axes.map((axis, i) => {
    const [size, input] = [sizes[i], x[axis]];
    return typeof size === 'number' && typeof input === 'number' ? Math.fround(size / input) : Number.NaN;
  });
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  for (const [i, axis] of axes.entries()) {
    const input = x[axis];
    if (policy === 'stretch') shape[axis] = sizes[i] ?? null;
    else if (Number.isNaN(ratio) || typeof input !== 'number') shape[axis] = null;
    else shape[axis] = Math.round(Math.fround(ratio * input));
  }
  return shape;
}

/** Whether an optional input is given and not an empty tensor, which stands for an absent one. */
function isGiven(cx: NodeContext, input: number): boolean {
  return cx.has(input) && cx.shape(input)?.[0] !== 0;
}

/**
 * Resize 10-19: `floor(size * scale)`, or what `sizes` says; with `axes` only those. Under `keep_aspect_ratio_policy` not_larger and
 * not_smaller `round(size * ratio)`, the ratio being the smallest and the largest of `sizes / size`.
 */
const resize: Infer = (cx) => {
  const x = cx.shape(0);
  if (x === undefined) return;
  const first = cx.since > 0 && cx.since < 11 ? 1 : 2;
  const declared = cx.ints('axes') ?? x.map((_, axis) => axis);
  const axes = declared.map((axis) => cx.axis(axis, x.length) ?? -1);
  if (axes.includes(-1)) return;
  const cropped = cx.string('coordinate_transformation_mode') === 'tf_crop_and_resize';
  const unknown = x.map((size, axis) => (axes.includes(axis) ? null : size));
  if (isGiven(cx, 3)) {
    const sizes = cx.list(3);
    const policy = cx.string('keep_aspect_ratio_policy') ?? 'stretch';
    cx.output(0, sizes === undefined ? unknown : (sizedShape(x, axes, sizes, policy) ?? unknown));
    return;
  }
  const scales = cropped ? undefined : scalesOf(cx, first);
  cx.output(0, scales === undefined ? unknown : (scaledShape(x, axes, scales) ?? unknown));
};

/** Upsample 1 (`height_scale`, `width_scale`), 7 (attribute `scales`), 9-10 (input): `floor(size * scale)`. */
const upsample: Infer = (cx) => {
  const x = cx.shape(0);
  if (x === undefined) return;
  const legacy = [1, 1, cx.float('height_scale') ?? null, cx.float('width_scale') ?? null];
  const scales = cx.has(1) ? scalesOf(cx, 1) : (cx.floats('scales') ?? cx.ints('scales') ?? legacy);
  const axes = x.map((_, axis) => axis);
  cx.output(0, (scales && scaledShape(x, axes, scales)) ?? x.map(() => null));
};

/** GridSample 16-22, com.microsoft.GridSample 1: `[N, C, g_1 … g_n]` with grid `[N, g_1 … g_n, n]`; the nhwc kind has C last. */
function gridSample(channelsLast: boolean): Infer {
  return (cx) => {
    const [x, grid] = [cx.shape(0), cx.shape(1)];
    const spatial = grid?.slice(1, -1) ?? x?.slice(2).map(() => null);
    const channels = (channelsLast ? x?.at(-1) : x?.[1]) ?? null;
    const batch = x?.[0] ?? grid?.[0] ?? null;
    const shape = spatial && (channelsLast ? [batch, ...spatial, channels] : [batch, channels, ...spatial]);
    cx.output(0, shape, cx.outputDType(0) ?? cx.dtype(0));
  };
}

/** AffineGrid 20: `[N, H, W, 2]` of size `(N, C, H, W)`, `[N, D, H, W, 3]` of `(N, C, D, H, W)`; theta is `[N, n, n + 1]`. */
const affineGrid: Infer = (cx) => {
  const theta = cx.shape(0);
  const size = cx.list(1);
  const count = size === undefined ? (cx.shape(1)?.[0] ?? null) : size.length;
  const spatial = typeof count === 'number' ? count - 2 : theta?.[1];
  if (typeof spatial !== 'number') return;
  const sides = size?.slice(2) ?? Array.from({ length: spatial }, () => null);
  cx.output(0, [size?.[0] ?? theta?.[0] ?? null, ...sides, spatial]);
};

/** CenterCropPad 18: the axes of `axes` (all without it) have the sizes of input `shape`. */
const centerCropPad: Infer = (cx) => {
  const x = cx.shape(0);
  if (x === undefined) return;
  const sizes = cx.list(1);
  const shape = [...x];
  for (const [i, each] of (cx.ints('axes') ?? x.map((_, axis) => axis)).entries()) {
    const axis = cx.axis(each, x.length);
    if (axis === undefined) return;
    shape[axis] = sizes?.[i] ?? null;
  }
  cx.output(0, shape);
};

/** Col2Im 18: `[N, C, …image_shape]` of input `[N, C * prod(block_shape), L]`. */
const col2Im: Infer = (cx) => {
  const x = cx.shape(0);
  const image = cx.list(1);
  const block = cx.list(2);
  const rank = image?.length ?? cx.shape(1)?.[0];
  if (typeof rank !== 'number') return;
  const channels = block === undefined ? null : divideExact(x?.[1] ?? null, product(block));
  cx.output(0, [x?.[0] ?? null, channels, ...(image ?? Array.from({ length: rank }, () => null))]);
};

/** ImageDecoder 20: `[H, W, C]` with C 1 for Grayscale, else 3; H and W are in the stream. */
const imageDecoder: Infer = (cx) => {
  cx.output(0, [cx.fresh(), cx.fresh(), cx.string('pixel_format') === 'Grayscale' ? 1 : 3]);
};

export const RESIZE: Family = {
  AffineGrid: affineGrid,
  CenterCropPad: centerCropPad,
  Col2Im: col2Im,
  GridSample: gridSample(false),
  ImageDecoder: imageDecoder,
  Resize: resize,
  Upsample: upsample,
  'com.microsoft.GridSample': gridSample(false),
  'com.microsoft.nchwc.Upsample': upsample,
  'com.ms.internal.nhwc.GridSample': gridSample(true),
  'com.ms.internal.nhwc.Resize': resize,
};
