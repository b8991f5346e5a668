import { elementCount, fromFloat64, type NumericArray, toFloat64 } from '#core';

/** Row-major strides of a shape. */
function stridesOf(shape: readonly number[]): number[] {
  const strides = Array<number>(shape.length).fill(1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1]! * shape[i + 1]!;
  return strides;
}

/** Calls `visit` with every index of a shape, in row-major order. */
function eachIndex(shape: readonly number[], visit: (index: readonly number[], at: number) => void): void {
  const index = Array<number>(shape.length).fill(0);
  const count = elementCount(shape);
  for (let at = 0; at < count; at++) {
    visit(index, at);
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
}

/** x[:, :, ::stride, ::stride…]: `[N, C, …]` to `[N, C, ceil(…/stride)]`. */
export function subsample(x: NumericArray, stride: number): NumericArray {
  const shape = x.shape.map((dim, axis) => (axis < 2 ? dim : Math.ceil(dim / stride)));
  const [from, strides] = [toFloat64(x), stridesOf(x.shape)];
  const to = new Float64Array(elementCount(shape));
  eachIndex(shape, (index, at) => {
    let source = 0;
    for (let axis = 0; axis < index.length; axis++) source += index[axis]! * (axis < 2 ? 1 : stride) * strides[axis]!;
    to[at] = from[source]!;
  });
  return fromFloat64(x.dtype, shape, to);
}

/** Zero channels in front of and behind the channels of `[N, C, …]`. */
export function padChannels(x: NumericArray, before: number, after: number): NumericArray {
  const [batch, channels] = x.shape as readonly [number, number];
  const inner = elementCount(x.shape.slice(2));
  const from = toFloat64(x);
  const wide = before + channels + after;
  const to = new Float64Array(batch * wide * inner);
  for (let n = 0; n < batch; n++) {
    to.set(from.subarray(n * channels * inner, (n + 1) * channels * inner), (n * wide + before) * inner);
  }
  return fromFloat64(x.dtype, [batch, wide, ...x.shape.slice(2)], to);
}

/** A linear map along one axis: a 1×1 convolution (`axis` 1) or a linear layer (`axis` −1); `weight` is `[out, in, 1…]`. */
export function pointwise(
  x: NumericArray,
  weight: NumericArray,
  bias: NumericArray | undefined,
  axis: 1 | -1,
): NumericArray {
  const at = axis === 1 ? 1 : x.shape.length - 1;
  const [out, inn] = weight.shape as readonly [number, number];
  const outer = elementCount(x.shape.slice(0, at));
  const inner = elementCount(x.shape.slice(at + 1));
  const [from, w, b] = [toFloat64(x), toFloat64(weight), bias && toFloat64(bias)];
  const to = new Float64Array(outer * out * inner);
  for (let i = 0; i < outer; i++) {
    for (let o = 0; o < out; o++) {
      for (let p = 0; p < inner; p++) {
        let sum = b?.[o] ?? 0;
        for (let c = 0; c < inn; c++) sum += w[o * inn + c]! * from[(i * inn + c) * inner + p]!;
        to[(i * out + o) * inner + p] = sum;
      }
    }
  }
  return fromFloat64(x.dtype, [...x.shape.slice(0, at), out, ...x.shape.slice(at + 1)], to);
}

/** Mean over windows of `stride` × `stride` without overlap or padding; windows that hang over the edge count only what is there. */
export function averagePool(x: NumericArray, stride: number, ceilMode: boolean): NumericArray {
  const round = ceilMode ? Math.ceil : Math.floor;
  const shape = x.shape.map((dim, axis) => (axis < 2 ? dim : round(dim / stride)));
  const [from, strides] = [toFloat64(x), stridesOf(x.shape)];
  const window = x.shape.map((_, axis) => (axis < 2 ? 1 : stride));
  const to = new Float64Array(elementCount(shape));
  eachIndex(shape, (index, at) => {
    let [sum, count] = [0, 0];
    eachIndex(window, (offset) => {
      let source = 0;
      for (let axis = 0; axis < offset.length; axis++) {
        const place = (axis < 2 ? index[axis]! : index[axis]! * stride) + offset[axis]!;
        if (place >= x.shape[axis]!) return;
        source += place * strides[axis]!;
      }
      sum += from[source]!;
      count++;
    });
    to[at] = sum / count;
  });
  return fromFloat64(x.dtype, shape, to);
}

/** (x − mean)/√(variance + eps)·scale + shift, by channel of `[N, C, …]` (Ioffe and Szegedy 2015, arXiv:1502.03167, at inference). */
export function batchNorm(
  x: NumericArray,
  norm: {
    readonly scale: NumericArray;
    readonly shift: NumericArray;
    readonly mean: NumericArray;
    readonly variance: NumericArray;
    readonly eps: number;
  },
): NumericArray {
  const [scale, shift, mean, variance] = [norm.scale, norm.shift, norm.mean, norm.variance].map(toFloat64);
  const channels = x.shape[1]!;
  const inner = elementCount(x.shape.slice(2));
  const from = toFloat64(x);
  const to = from.map((value, i) => {
    const c = Math.floor(i / inner) % channels;
    return ((value - mean![c]!) / Math.sqrt(variance![c]! + norm.eps)) * scale![c]! + shift![c]!;
  });
  return fromFloat64(x.dtype, x.shape, to);
}

/** A 3×3 convolution with padding 1 and stride 1: `[N, C, H, W]` and `[O, C, 3, 3]` to `[N, O, H, W]`. */
export function convolve3x3(x: NumericArray, weight: NumericArray, bias: NumericArray | undefined): NumericArray {
  const [batch, channels, height, width] = x.shape as readonly [number, number, number, number];
  const out = weight.shape[0]!;
  const [from, w, b] = [toFloat64(x), toFloat64(weight), bias && toFloat64(bias)];
  const shape = [batch, out, height, width];
  const to = new Float64Array(elementCount(shape));
  eachIndex(shape, ([n, o, i, j], at) => {
    let sum = b?.[o!] ?? 0;
    eachIndex([channels, 3, 3], ([c, p, q], k) => {
      const [row, column] = [i! + p! - 1, j! + q! - 1];
      if (row < 0 || column < 0 || row >= height || column >= width) return;
      sum += w[o! * channels * 9 + k]! * from[((n! * channels + c!) * height + row) * width + column]!;
    });
    to[at] = sum;
  });
  return fromFloat64(x.dtype, shape, to);
}
