import { elementCount, type NumericArray, toFloat64, type Value } from '#core';
import { refuse } from '../_shared/weight-edit.js';

/**
 * A linear operator over channels: a convolution of any number of spatial axes, or a linear layer where there are none. All in float64.
 */
export interface Kernel {
  /** `[O, C/groups, …kernel]`. */
  readonly weight: NumericArray;
  readonly bias: Float64Array;
  readonly groups: number;
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros in front of each spatial axis, and behind. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Sizes of the window. */
export function windowOf({ weight }: Kernel): readonly number[] {
  return weight.shape.slice(2);
}

export function outputsOf({ weight }: Kernel): number {
  return weight.shape[0]!;
}

export function inputsOf({ weight, groups }: Kernel): number {
  return weight.shape[1]! * groups;
}

/** The operator that changes nothing: the dirac kernel, one group per channel. */
export function dirac(channels: number, spatial: number): Kernel {
  const ones = Array<number>(spatial).fill(1);
  const none = Array<number>(spatial).fill(0);
  const data = new Float64Array(channels).fill(1);
  return {
    weight: { dtype: 'float64', shape: [channels, 1, ...ones], data },
    bias: new Float64Array(channels),
    groups: channels,
    strides: ones,
    dilations: ones,
    before: none,
    after: none,
  };
}

/** s·(K x) + t for each output channel. */
export function scaled(kernel: Kernel, scale: Float64Array, shift?: Float64Array): Kernel {
  const perOutput = kernel.weight.data.length / outputsOf(kernel);
  const data = toFloat64(kernel.weight).map((element, i) => element * scale[Math.floor(i / perOutput)]!);
  const bias = kernel.bias.map((element, o) => element * scale[o]! + (shift?.[o] ?? 0));
  return { ...kernel, weight: { ...kernel.weight, data }, bias };
}

/** The same operator with fewer groups; `groups` divides those that it has. */
export function regrouped(kernel: Kernel, groups: number): Kernel {
  if (kernel.groups === groups) return kernel;
  const [out, own, ...window] = kernel.weight.shape as readonly [number, number, ...number[]];
  const inner = elementCount(window);
  const wide = inputsOf(kernel) / groups;
  const from = toFloat64(kernel.weight);
  const data = new Float64Array(out * wide * inner);
  for (let o = 0; o < out; o++) {
    const first = Math.floor(o / (out / kernel.groups)) * own;
    const offset = first % wide;
    data.set(from.subarray(o * own * inner, (o + 1) * own * inner), (o * wide + offset) * inner);
  }
  return { ...kernel, groups, weight: { dtype: 'float64', shape: [out, wide, ...window], data } };
}

function gcd(a: number, b: number): number {
  let [p, q] = [a, b];
  while (q > 0) [p, q] = [q, p % q];
  return p;
}

const same = (a: readonly number[], b: readonly number[]): boolean => a.every((element, i) => element === b[i]);

/** Whether the window is one element everywhere. */
export function isPointwise(kernel: Kernel): boolean {
  return windowOf(kernel).every((size) => size === 1);
}

/** What the output is larger than the input by, per axis, before the stride counts. */
export function excess(kernel: Kernel): readonly number[] {
  return windowOf(kernel).map((size, i) => kernel.before[i]! + kernel.after[i]! - kernel.dilations[i]! * (size - 1));
}

/** K₁ x + K₂ x. @throws ResonnxError `rewrite/refused` when the outputs do not lie on the same positions */
export function sum(first: Kernel, second: Kernel, at: Value): Kernel {
  const dilations = isPointwise(first) ? second.dilations : first.dilations;
  const sameGrid = same(first.strides, second.strides) && same(excess(first), excess(second));
  if (!sameGrid || !(isPointwise(second) || same(second.dilations, dilations)))
    return refuse(at, 'the branches have other strides, dilations or output sizes');
  const groups = gcd(first.groups, second.groups);
  const parts = [first, second].map((kernel) => ({ ...regrouped(kernel, groups), dilations }));
  const before = dilations.map((_, i) => Math.max(...parts.map((part) => part.before[i]!)));
  const reach = dilations.map((dilation, i) =>
    Math.max(...parts.map((part) => dilation * (windowOf(part)[i]! - 1) - part.before[i]!)),
  );
  const aligned = parts.every((part) => part.before.every((pad, i) => (before[i]! - pad) % dilations[i]! === 0));
  if (!aligned) return refuse(at, 'the windows of the branches do not fit into one');
  const window = dilations.map((dilation, i) => (before[i]! + reach[i]!) / dilation + 1);
  const grown = parts.map((part) =>
    grow(
      part,
      window,
      before.map((pad, i) => (pad - part.before[i]!) / dilations[i]!),
    ),
  );
  const [a, b] = grown.map((array) => toFloat64(array)) as [Float64Array, Float64Array];
  const after = excess(first).map((extra, i) => extra - before[i]! + dilations[i]! * (window[i]! - 1));
  if (after.some((pad) => pad < 0)) return refuse(at, 'the windows of the branches do not fit into one');
  return {
    weight: { ...grown[0]!, data: a.map((element, i) => element + b[i]!) },
    bias: first.bias.map((element, i) => element + second.bias[i]!),
    groups,
    strides: first.strides,
    dilations,
    before,
    after,
  };
}

/** The weights in a larger window, zeros around them. */
function grow({ weight }: Kernel, window: readonly number[], offset: readonly number[]): NumericArray {
  const [out, inn, ...own] = weight.shape as readonly [number, number, ...number[]];
  const shape = [out, inn, ...window];
  const data = new Float64Array(elementCount(shape));
  const [small, large] = [elementCount(own), elementCount(window)];
  toFloat64(weight).forEach((element, i) => {
    let rest = i % small;
    let at = 0;
    let step = 1;
    for (let axis = own.length - 1; axis >= 0; axis--) {
      at += ((rest % own[axis]!) + offset[axis]!) * step;
      rest = Math.floor(rest / own[axis]!);
      step *= window[axis]!;
    }
    data[Math.floor(i / small) * large + at] = element;
  });
  return { dtype: 'float64', shape, data };
}

/** K₂ K₁ x where one of the two is pointwise. @throws ResonnxError `rewrite/refused` where the border or the window forbids it */
export function chained(first: Kernel, second: Kernel, at: Value): Kernel {
  if (first.groups === inputsOf(first) && isUnit(first)) return second;
  const padded = second.before.some((pad) => pad !== 0) || second.after.some((pad) => pad !== 0);
  if (padded && first.bias.some((element) => element !== 0))
    return refuse(at, 'a padded convolution reads a bias: what it pads with is not what the bias gives at the border');
  if (!isPointwise(first) && !isPointwise(second)) return refuse(at, 'two windows in a row are not merged');
  if (!isPointwise(second) && first.strides.some((stride) => stride !== 1))
    return refuse(at, 'a stride in front of a window is not merged');
  const [a, b] = [regrouped(first, 1), regrouped(second, 1)];
  const [mid, inn] = a.weight.shape as readonly [number, number, ...number[]];
  const out = outputsOf(b);
  const [inA, inB] = [elementCount(windowOf(a)), elementCount(windowOf(b))];
  const [p, q] = [toFloat64(a.weight), toFloat64(b.weight)];
  const data = new Float64Array(out * inn * inA * inB);
  for (let o = 0; o < out; o++)
    for (let m = 0; m < mid; m++)
      for (let c = 0; c < inn; c++)
        for (let k = 0; k < inA * inB; k++)
          data[(o * inn + c) * inA * inB + k]! +=
            q[(o * mid + m) * inB + (k % inB)]! * p[(m * inn + c) * inA + (k % inA)]!;
  const wide = isPointwise(first) ? b : a;
  const bias = b.bias.map((element, o) => {
    let total = element;
    for (let m = 0; m < mid; m++) for (let k = 0; k < inB; k++) total += q[(o * mid + m) * inB + k]! * a.bias[m]!;
    return total;
  });
  return {
    ...wide,
    weight: { dtype: 'float64', shape: [out, inn, ...windowOf(wide)], data },
    bias,
    strides: first.strides.map((stride, i) => stride * second.strides[i]!),
  };
}

function isUnit(kernel: Kernel): boolean {
  const trivial =
    isPointwise(kernel) && kernel.strides.every((stride) => stride === 1) && outputsOf(kernel) === inputsOf(kernel);
  return (
    trivial &&
    toFloat64(kernel.weight).every((element) => element === 1) &&
    kernel.bias.every((element) => element === 0)
  );
}
