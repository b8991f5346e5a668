import { elementCount } from '../tensor/array.js';
import type { Call, Kernel, Kernels } from './call.js';
import { dtypeOf } from './cast.js';
import { type Elements, floats, fromNumbers, integers, numbers, sizeOf } from './elements.js';
import { axisOf, rowsAlong } from './index-maps.js';
import { invalid } from './stop.js';

/** DFT-17 and 20: rows of complex numbers (or real ones, the last axis being 1) by definition, in n² operations. */
function dft(call: Call): readonly Elements[] {
  const x = call.input(0);
  const rank = x.shape.length;
  const axis = axisOf(call.opset < 20 ? call.int('axis') : (call.ints(2)?.[0] ?? -2), rank);
  const width = x.shape[rank - 1]!;
  if (axis === rank - 1 || width > 2) throw invalid('the axis of real and imaginary parts');
  const [inverse, onesided] = [call.int('inverse') !== 0, call.int('onesided') !== 0];
  const back = inverse && onesided;
  const length = call.ints(1)?.[0] ?? (back ? 2 * (x.shape[axis]! - 1) : x.shape[axis]!);
  const count = !inverse && onesided ? Math.floor(length / 2) + 1 : length;
  const parts = back ? 1 : 2;
  const shape = x.shape.with(axis, count).with(rank - 1, parts);
  call.spend((elementCount(shape) / parts) * length);
  const source = rowsAlong(x.shape, [axis, rank - 1]);
  const target = rowsAlong(shape, [axis, rank - 1]);
  const [data, made] = [numbers(x), new Float64Array(elementCount(shape))];
  source.rows.forEach((row, r) => {
    const read = (n: number, part: number): number =>
      n < x.shape[axis]! && part < width ? data[row + source.places[n * width + part]!]! : 0;
    // Of a row that is given by half, the other half is its conjugate.
    const term = (n: number): readonly [number, number] =>
      back && n > length / 2 ? [read(length - n, 0), -read(length - n, 1)] : [read(n, 0), read(n, 1)];
    for (let k = 0; k < count; k++) {
      let [re, im] = [0, 0];
      for (let n = 0; n < length; n++) {
        const angle = ((inverse ? 2 : -2) * Math.PI * ((k * n) % length)) / length;
        const [a, b] = term(n);
        re += a * Math.cos(angle) - b * Math.sin(angle);
        im += a * Math.sin(angle) + b * Math.cos(angle);
      }
      const to = target.rows[r]!;
      const scale = inverse ? 1 / length : 1;
      made[to + target.places[k * parts]!] = re * scale;
      if (parts === 2) made[to + target.places[k * parts + 1]!] = im * scale;
    }
  });
  return [floats(x.dtype, shape, made)];
}

/** A window of cosines: Σ (-1)^i a_i cos(2πni / N). */
function cosineWindow(terms: readonly number[]): Kernel {
  return (call) => {
    const size = integers(call.input(0))[0] ?? 0;
    const period = call.int('periodic') !== 0 ? size : size - 1;
    call.spend(size);
    const values = Float64Array.from({ length: size }, (_, n) =>
      terms.reduce((sum, a, i) => sum + (i % 2 === 0 ? a : -a) * Math.cos((2 * Math.PI * n * i) / period), 0),
    );
    return [fromNumbers(dtypeOf(call.int('output_datatype')), [size], values)];
  };
}

/** The determinant of square matrices by elimination with pivots. */
function det(call: Call): readonly Elements[] {
  const x = call.input(0);
  const n = x.shape.at(-1)!;
  call.spend(sizeOf(x) * n);
  const data = numbers(x);
  const shape = x.shape.slice(0, -2);
  const made = Float64Array.from({ length: elementCount(shape) }, (_, i) =>
    eliminate(data.slice(i * n * n, (i + 1) * n * n), n),
  );
  return [floats(x.dtype, shape, made)];
}

function eliminate(m: Float64Array, n: number): number {
  let product = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(m[i * n + k]!) > Math.abs(m[pivot * n + k]!)) pivot = i;
    if (m[pivot * n + k] === 0) return 0;
    if (pivot !== k) {
      product = -product;
      for (let j = 0; j < n; j++) [m[k * n + j], m[pivot * n + j]] = [m[pivot * n + j]!, m[k * n + j]!];
    }
    product *= m[k * n + k]!;
    for (let i = k + 1; i < n; i++) {
      const factor = m[i * n + k]! / m[k * n + k]!;
      for (let j = k; j < n; j++) m[i * n + j]! -= factor * m[k * n + j]!;
    }
  }
  return product;
}

/** Fourier transforms, the windows before them, determinants. */
export const TRANSFORMS: Kernels = {
  BlackmanWindow: cosineWindow([0.42, 0.5, 0.08]),
  DFT: dft,
  Det: det,
  HammingWindow: cosineWindow([25 / 46, 21 / 46]),
  HannWindow: cosineWindow([0.5, 0.5]),
};
