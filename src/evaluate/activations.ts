import { isFloat } from '../tensor/dtype.js';
import { elementCount } from '../tensor/array.js';
import type { Call, Kernel, Kernels } from './call.js';
import { type Elements, floats, fromNumbers, numbers, sizeOf } from './elements.js';
import { axisOf, type Rows, rowsAlong } from './index-maps.js';
import { mapElements, unary, unaryFloat, unaryWith, zipNumbers } from './pointwise.js';
import { normalCdf, sigmoid, softplus } from './special-functions.js';
import { unsupported } from './stop.js';

/** x Φ(x), or its tanh form. Source: Hendrycks and Gimpel 2016, arXiv:1606.08415. */
export function gelu(approximate: string): (x: number) => number {
  if (approximate === 'tanh') {
    return (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));
  }
  return (x) => (x === -Infinity ? NaN : x * normalCdf(x));
}

function elu(alpha: number): (x: number) => number {
  return (x) => (x > 0 ? x : x <= 0 ? alpha * Math.expm1(x) : x);
}

function leaky(alpha: number): (x: number) => number {
  return (x) => (x >= 0 ? x : alpha * x);
}

function hardSigmoid(alpha: number, beta: number): (x: number) => number {
  return (x) => Math.max(0, Math.min(1, alpha * x + beta));
}

/**
 * Activations by the name that operators and attributes give them, of float64 numbers; `undefined` for an unknown name. `first` and
 * `second` are the parameters, such as alpha and beta.
 */
export function activation(name: string, first?: number, second?: number): ((x: number) => number) | undefined {
  switch (name) {
    case 'Affine':
      return (x) => (first ?? 1) * x + (second ?? 0);
    case 'Elu':
      return elu(first ?? 1);
    case 'HardSigmoid':
      return hardSigmoid(first ?? 0.2, second ?? 0.5);
    case 'LeakyRelu':
      return leaky(first ?? 0.01);
    case 'Relu':
      return (x) => Math.max(x, 0);
    case 'ScaledTanh':
      return (x) => (first ?? 1) * Math.tanh((second ?? 1) * x);
    case 'Sigmoid':
      return sigmoid;
    case 'Softplus':
      return softplus;
    case 'Softsign':
      return (x) => x / (1 + Math.abs(x));
    case 'Tanh':
      return Math.tanh;
    case 'ThresholdedRelu':
      return (x) => (x > (first ?? 1) ? x : 0);
    case 'Clip':
      return (x) => Math.min(Math.max(x, first ?? -Infinity), second ?? Infinity);
    default:
      return undefined;
  }
}

/** The axes of a softmax: one since opset 13, all from `axis` on before. */
function softmaxAxes(call: Call, rank: number): readonly number[] {
  const axis = axisOf(call.int('axis'), Math.max(rank, 1));
  if (rank === 0) return [];
  return call.opset >= 13 ? [axis] : Array.from({ length: rank - axis }, (_, i) => axis + i);
}

/** Rows of floats, each turned into another of the same length; `row` is the same array every time. */
export function mapRows(
  call: Call,
  x: Elements,
  { rows, places }: Rows,
  change: (row: Float64Array) => Float64Array,
): Elements {
  call.spend(sizeOf(x));
  const data = numbers(x);
  const made = new Float64Array(data.length);
  const row = new Float64Array(places.length);
  for (const start of rows) {
    for (let j = 0; j < row.length; j++) row[j] = data[start + places[j]!]!;
    const changed = change(row);
    for (let j = 0; j < row.length; j++) made[start + places[j]!] = changed[j]!;
  }
  return floats(x.dtype, x.shape, made);
}

/** The largest element; NaN where there is one, -Infinity of none. */
function largest(row: Float64Array): number {
  let most = -Infinity;
  for (let i = 0; i < row.length; i++) most = Math.max(most, row[i]!);
  return most;
}

/** e^x over their sum, shifted by the largest element. */
export function softmaxRow(row: Float64Array): Float64Array {
  const shift = largest(row);
  const powers = new Float64Array(row.length);
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += powers[i] = Math.exp(row[i]! - shift);
  for (let i = 0; i < row.length; i++) powers[i]! /= sum;
  return powers;
}

/** x - ln Σ e^x, shifted by the largest element. */
export function logSoftmaxRow(row: Float64Array): Float64Array {
  const shift = largest(row);
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp(row[i]! - shift);
  const log = Math.log(sum);
  return row.map((x) => x - shift - log);
}

function hardmaxRow(row: Float64Array): Float64Array {
  const first = row.indexOf(largest(row));
  return row.map((_, i) => (i === first ? 1 : 0));
}

function alongAxis(change: (row: Float64Array) => Float64Array): Kernel {
  return (call) => {
    const x = call.input(0);
    if (!isFloat(x.dtype)) throw unsupported(`its form for ${x.dtype}`);
    return [mapRows(call, x, rowsAlong(x.shape, softmaxAxes(call, x.shape.length)), change)];
  };
}

function prelu(call: Call): readonly Elements[] {
  const [x, given] = [call.input(0), call.input(1)];
  const old = call.opset < 7 && given.shape.length === 1 && elementCount(given.shape) > 1;
  const slope = old ? { ...given, shape: [...given.shape, ...x.shape.slice(2).fill(1)] } : given;
  const { shape, data } = zipNumbers(call, 'float64', [x, slope], (a, b) => (a! >= 0 ? a! : a! * b!));
  return [fromNumbers(x.dtype, shape, data as Float64Array)];
}

function shrink(call: Call): readonly Elements[] {
  const [bias, lambd] = [call.float('bias'), call.float('lambd')];
  const f = (x: number): number => (x < -lambd ? x + bias : x > lambd ? x - bias : Number.isNaN(x) ? x : 0);
  const x = call.input(0);
  const made = fromNumbers(x.dtype, x.shape, numbers(x).map(f));
  call.spend(sizeOf(x));
  return [made];
}

function selu(call: Call): (x: number) => number {
  const [alpha, gamma] = [call.float('alpha'), call.float('gamma')];
  return (x) => (x > 0 ? gamma * x : gamma * alpha * Math.expm1(x));
}

function celu(call: Call): (x: number) => number {
  const alpha = call.float('alpha');
  return (x) => Math.max(0, x) + Math.min(0, alpha * Math.expm1(x / alpha));
}

function swish(call: Call): readonly Elements[] {
  const alpha = call.float('alpha');
  return [mapElements(call, call.input(0), { float: (x) => x * sigmoid(alpha * x) })];
}

/** The gate of the first operand by swish, times the second. */
function swiGlu(call: Call): readonly Elements[] {
  const [gate, x, alpha] = [call.input(0), call.input(1), call.float('alpha')];
  return [zipNumbers(call, x.dtype, [gate, x], (a, b) => a! * sigmoid(alpha * a!) * b!)];
}

/** Activations, each element by itself or along an axis. */
export const ACTIVATIONS: Kernels = {
  Celu: unaryWith(celu),
  Elu: unaryWith((call) => elu(call.float('alpha'))),
  Gelu: unaryWith((call) => gelu(call.text('approximate'))),
  HardSigmoid: unaryWith((call) => hardSigmoid(call.float('alpha'), call.float('beta'))),
  HardSwish: unaryFloat((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  Hardmax: alongAxis(hardmaxRow),
  LeakyRelu: unaryWith((call) => leaky(call.float('alpha'))),
  LogSoftmax: alongAxis(logSoftmaxRow),
  Mish: unaryFloat((x) => x * Math.tanh(softplus(x))),
  PRelu: prelu,
  Relu: unary({ float: (x) => Math.max(x, 0), int: (x) => Math.max(x, 0), big: (x) => (x > 0n ? x : 0n) }),
  Selu: unaryWith(selu),
  Shrink: shrink,
  Sigmoid: unaryFloat(sigmoid),
  Softmax: alongAxis(softmaxRow),
  Softplus: unaryFloat(softplus),
  Softsign: unaryFloat((x) => x / (1 + Math.abs(x))),
  SwiGLU: swiGlu,
  Swish: swish,
  ThresholdedRelu: unaryWith((call) => activation('ThresholdedRelu', call.float('alpha'))!),
  'com.microsoft.Gelu': unaryFloat(gelu('none')),
  'com.microsoft.QuickGelu': swish,
};
