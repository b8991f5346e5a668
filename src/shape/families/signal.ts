import { type Dim, add, floorDiv, sub } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, Infer } from '../context.js';

/** Bins of a transform of real data: `floor(length / 2) + 1`. */
function halfSpectrum(length: Dim): Dim {
  return add(floorDiv(length, 2), 1);
}

function replaced(shape: Shape, axis: number, dim: Dim, last: Dim): Shape {
  return shape.map((size, at) => (at === shape.length - 1 ? last : at === axis ? dim : size));
}

/**
 * DFT 17 (attribute `axis`, default 1) and 20 (input `axis`, default -2): X `[…, 1|2]` gives `[…, 2]` with `dft_length` (or what it
 * was) along the axis, `floor(length / 2) + 1` with `onesided`. Inverse and onesided give `[…, 1]`, by default `2 * (m - 1)` of m bins.
 */
const dft: Infer = (cx) => {
  const x = cx.shape(0);
  const attribute = cx.since > 0 && cx.since < 20;
  const declared = attribute ? (cx.int('axis') ?? 1) : cx.has(2) ? cx.scalar(2) : -2;
  if (x === undefined) return;
  const onesided = cx.int('onesided') === 1;
  const inverse = cx.int('inverse') === 1;
  const last = onesided && inverse ? 1 : 2;
  if (typeof declared !== 'number') {
    cx.output(0, [...x.slice(0, -1).map(() => null), last]);
    return;
  }
  const axis = cx.axis(declared, x.length);
  if (axis === undefined) return;
  const size = x[axis] ?? null;
  const length = cx.has(1) ? cx.scalar(1) : onesided && inverse ? add(add(size, size), -2) : size;
  cx.output(0, replaced(x, axis, onesided && !inverse ? halfSpectrum(length) : length, last));
};

/**
 * STFT 17: `[B, frames, bins, 2]` of signal `[B, L, 1|2]` with `frames = floor((L - frame_length) / frame_step) + 1` and
 * `bins = floor(frame_length / 2) + 1` with `onesided`, else frame_length, which is that of the window when it is not given.
 */
const stft: Infer = (cx) => {
  const signal = cx.shape(0);
  const length = cx.has(3) ? cx.scalar(3) : (cx.shape(2)?.[0] ?? null);
  const frames = add(floorDiv(sub(signal?.[1] ?? null, length), cx.scalar(1)), 1);
  const bins = cx.int('onesided') === 0 ? length : halfSpectrum(length);
  cx.output(0, [signal?.[0] ?? null, frames, bins, 2]);
};

/** MelWeightMatrix 17: `[floor(dft_length / 2) + 1, num_mel_bins]`, of the type of `output_datatype`. */
const melWeightMatrix: Infer = (cx) => {
  cx.output(0, [halfSpectrum(cx.scalar(1)), cx.scalar(0)], cx.dtypeAttribute('output_datatype'));
};

/** HannWindow 17, HammingWindow 17, BlackmanWindow 17: `[size]`, of the type of `output_datatype`. */
const window: Infer = (cx) => cx.output(0, [cx.scalar(0)], cx.dtypeAttribute('output_datatype'));

/** com.microsoft.Rfft 1: `[…, floor(n / 2) + 1, 2]` of `[…, n]` with `onesided` and one signal axis. */
const rfft: Infer = (cx) => {
  const x = cx.shape(0);
  if (x === undefined) return;
  const bins = cx.int('onesided') === 0 ? (x.at(-1) ?? null) : halfSpectrum(x.at(-1) ?? null);
  cx.output(0, [...x.slice(0, -1), bins, 2]);
};

/** com.microsoft.Irfft 1: `[…, 2 * (m - 1)]` of `[…, m, 2]` with `onesided`, else `[…, m]`. */
const irfft: Infer = (cx) => {
  const x = cx.shape(0);
  const bins = x?.at(-2);
  if (x === undefined || bins === undefined) return;
  const points = cx.int('onesided') === 0 ? bins : add(add(bins, bins), -2);
  cx.output(0, [...x.slice(0, -2), points]);
};

export const SIGNAL: Family = {
  BlackmanWindow: window,
  DFT: dft,
  HammingWindow: window,
  HannWindow: window,
  MelWeightMatrix: melWeightMatrix,
  STFT: stft,
  'com.microsoft.Irfft': irfft,
  'com.microsoft.Rfft': rfft,
};
