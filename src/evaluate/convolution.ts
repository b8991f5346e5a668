import { elementCount } from '../tensor/array.js';
import { activation } from './activations.js';
import type { Call, Kernels } from './call.js';
import { type Elements, floats, numbers } from './elements.js';
import { invalid, unsupported } from './stop.js';
import { spreadingWindows, type Windows, windowsOf, windowTable } from './windows.js';

/** Numbers with the shape that they have. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

function kernelOf(call: Call, w: Numbers): readonly number[] {
  return call.intList('kernel_shape') ?? w.shape.slice(2);
}

/** Images by windows: the sum over channels of a group and elements of a window. X is [N, C, …], W [M, C / group, …]. */
export function convolve(call: Call, x: Numbers, w: Numbers): Numbers {
  const group = call.int('group');
  const [n, channels] = [x.shape[0]!, x.shape[1]!];
  const [m, depth] = [w.shape[0]!, w.shape[1]!];
  if (depth * group !== channels || m % group !== 0) throw invalid(`${channels} channels, ${depth} by ${group} groups`);
  const windows = windowsOf(call, x.shape.slice(2), kernelOf(call, w));
  const table = windowTable(call, windows);
  const count = elementCount(windows.positions);
  call.spend(n * m * depth * table.length);
  const made = new Float64Array(n * m * count);
  const size = elementCount(windows.sizes);
  for (let image = 0; image < n; image++) {
    for (let out = 0; out < m; out++) {
      const first = image * channels + Math.floor(out / (m / group)) * depth;
      const into = made.subarray((image * m + out) * count, (image * m + out + 1) * count);
      for (let c = 0; c < depth; c++) {
        const source = x.data.subarray((first + c) * size, (first + c + 1) * size);
        const taps = table.length / count;
        for (let tap = 0; tap < taps; tap++) {
          addTap(into, source, table, tap * count, w.data[(out * depth + c) * taps + tap]!);
        }
      }
    }
  }
  return { shape: [n, m, ...windows.positions], data: made };
}

function addTap(into: Float64Array, source: Float64Array, table: Int32Array, row: number, weight: number): void {
  for (let i = 0; i < into.length; i++) {
    const at = table[row + i]!;
    if (at >= 0) into[i]! += weight * source[at]!;
  }
}

/** The transpose of a convolution. X is [N, C, …], W [C, M / group, …]. */
function spread(call: Call, x: Numbers, w: Numbers): Numbers {
  const group = call.int('group');
  const [n, channels] = [x.shape[0]!, x.shape[1]!];
  if (w.shape[0] !== channels) throw invalid(`${channels} channels and weights for ${w.shape[0]}`);
  const width = w.shape[1]!;
  const windows: Windows = spreadingWindows(call, x.shape.slice(2), kernelOf(call, w));
  const table = windowTable(call, windows);
  const count = elementCount(windows.positions);
  const taps = elementCount(windows.kernel);
  const size = elementCount(windows.sizes);
  call.spend(n * channels * width * table.length);
  const made = new Float64Array(n * width * group * size);
  for (let image = 0; image < n; image++) {
    for (let c = 0; c < channels; c++) {
      const source = x.data.subarray((image * channels + c) * count, (image * channels + c + 1) * count);
      const first = image * width * group + Math.floor(c / (channels / group)) * width;
      for (let k = 0; k < width; k++) {
        const into = made.subarray((first + k) * size, (first + k + 1) * size);
        for (let tap = 0; tap < taps; tap++) {
          const weight = w.data[(c * width + k) * taps + tap]!;
          for (let i = 0; i < count; i++) {
            const at = table[tap * count + i]!;
            if (at >= 0) into[at]! += weight * source[i]!;
          }
        }
      }
    }
  }
  return { shape: [n, width * group, ...windows.sizes], data: made };
}

/** Adds one number to each channel. */
export function addPerChannel({ shape, data }: Numbers, bias: Float64Array | undefined): Numbers {
  if (!bias) return { shape, data };
  const inner = elementCount(shape.slice(2));
  const channels = shape[1]!;
  return { shape, data: data.map((value, i) => value + bias[Math.floor(i / inner) % channels]!) };
}

function operand(x: Elements): Numbers {
  return { shape: x.shape, data: numbers(x) };
}

/** A convolution with its bias, in the dtype of its first operand. */
function convolution(call: Call, transform: typeof convolve): Elements {
  const x = call.input(0);
  const bias = call.inputs[2] && numbers(call.inputs[2]);
  const made = addPerChannel(transform(call, operand(x), operand(call.input(1))), bias);
  return floats(x.dtype, made.shape, made.data);
}

/** A convolution, a sum with Z, and an activation, as onnxruntime's FusedConv does them. */
function fusedConv(call: Call): readonly Elements[] {
  const y = convolution(call, convolve);
  const z = call.inputs[3] && numbers(call.inputs[3]);
  const name = call.text('activation');
  const [first, second] = call.floatList('activation_params') ?? [];
  const f = name === '' ? (x: number) => x : activation(name, first, second);
  if (!f) throw unsupported(`activation ${name}`);
  return [
    floats(
      y.dtype,
      y.shape,
      numbers(y).map((value, i) => f(value + (z ? z[i]! : 0))),
    ),
  ];
}

/** Convolutions of floating point numbers. */
export const CONVOLUTIONS: Kernels = {
  Conv: (call) => [convolution(call, convolve)],
  ConvTranspose: (call) => [convolution(call, spread)],
  'com.microsoft.FusedConv': fusedConv,
};
