import { elementCount } from '../tensor/array.js';
import { isFloat } from '../tensor/dtype.js';
import type { Call, Kernel, Kernels } from './call.js';
import { type Elements, floats, fromNumbers, numbers } from './elements.js';
import { stridesOf } from './index-maps.js';
import { invalid, unsupported } from './stop.js';
import { BEYOND, type Windows, windowsOf, windowTable } from './windows.js';

/** Gives one number for what a window shows: the first `inside` elements, and how many places of it are padding. */
type Pool = (elements: Float64Array, inside: number, padding: number) => number;

interface Pooling {
  readonly windows: Windows;
  /** See {@link windowTable}. */
  readonly table: Int32Array;
  readonly count: number;
  readonly size: number;
  readonly images: number;
}

function poolingOf(call: Call, x: Elements): Pooling {
  const kernel = call.intList('kernel_shape');
  if (!kernel) throw invalid('kernel_shape is missing');
  const windows = windowsOf(call, x.shape.slice(2), kernel);
  const table = windowTable(call, windows);
  const images = x.shape[0]! * x.shape[1]!;
  call.spend(images * table.length);
  return { windows, table, count: elementCount(windows.positions), size: elementCount(windows.sizes), images };
}

function pooled(call: Call, pool: Pool): Elements {
  const x = call.input(0);
  if (!isFloat(x.dtype)) throw unsupported(`its form for ${x.dtype}`);
  const { windows, table, count, size, images } = poolingOf(call, x);
  const data = numbers(x);
  const made = new Float64Array(images * count);
  const seen = new Float64Array(elementCount(windows.kernel));
  for (let image = 0; image < images; image++) {
    for (let i = 0; i < count; i++) {
      let [inside, padding] = [0, 0];
      for (let row = i; row < table.length; row += count) {
        const at = table[row]!;
        if (at >= 0) seen[inside++] = data[image * size + at]!;
        else if (at !== BEYOND) padding++;
      }
      made[image * count + i] = pool(seen, inside, padding);
    }
  }
  return floats(x.dtype, [...x.shape.slice(0, 2), ...windows.positions], made);
}

function sum(values: Float64Array, count: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += values[i]!;
  return total;
}

function averagePool(call: Call): readonly Elements[] {
  const all = call.maybeInt('count_include_pad') === 1;
  return [pooled(call, (seen, inside, padding) => sum(seen, inside) / (inside + (all ? padding : 0)))];
}

function norm(values: Float64Array, count: number, p: number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += Math.abs(values[i]!) ** p;
  return total ** (1 / p);
}

/** The largest element of each window and where it is in the input; of equal ones the first. */
function maxPool(call: Call): readonly Elements[] {
  const x = call.input(0);
  const { windows, table, count, size, images } = poolingOf(call, x);
  const data = numbers(x);
  const made = new Float64Array(images * count).fill(-Infinity);
  const places = new Int32Array(images * count);
  for (let image = 0; image < images; image++) {
    for (let row = 0; row < table.length; row++) {
      if (table[row]! < 0) continue;
      const to = image * count + (row % count);
      const value = data[image * size + table[row]!]!;
      if (!(value > made[to]!) && !(Number.isNaN(value) && !Number.isNaN(made[to]))) continue;
      made[to] = value;
      places[to] = table[row]!;
    }
  }
  const shape = [...x.shape.slice(0, 2), ...windows.positions];
  const values = fromNumbers(x.dtype, shape, made);
  if (!call.wants(1)) return [values];
  const place = call.maybeInt('storage_order') === 1 ? columnMajor(windows) : (at: number) => at;
  const indices = BigInt64Array.from(places, (at, i) => BigInt(Math.floor(i / count) * size + place(at)));
  return [values, { dtype: 'int64', shape, data: indices }];
}

/** The index of a place when the last axis is the slowest. */
function columnMajor({ sizes }: Windows): (at: number) => number {
  const strides = stridesOf(sizes);
  const own = sizes.map((_, axis) => elementCount(sizes.slice(0, axis)));
  return (at) => sizes.reduce((total, size, axis) => total + (Math.floor(at / strides[axis]!) % size) * own[axis]!, 0);
}

/** One number for all spatial axes of each channel. */
function globalPool(reduce: (values: Float64Array, call: Call) => number): Kernel {
  return (call) => {
    const x = call.input(0);
    const size = elementCount(x.shape.slice(2));
    const data = numbers(x);
    call.spend(data.length);
    const shape = x.shape.map((dim, axis) => (axis < 2 ? dim : 1));
    const made = Float64Array.from({ length: elementCount(shape) }, (_, i) =>
      reduce(data.subarray(i * size, (i + 1) * size), call),
    );
    return [fromNumbers(x.dtype, shape, made)];
  };
}

/** Pools over windows and over whole images. */
export const POOLS: Kernels = {
  AveragePool: averagePool,
  GlobalAveragePool: globalPool((values) => sum(values, values.length) / values.length),
  GlobalLpPool: globalPool((values, call) => norm(values, values.length, call.int('p'))),
  GlobalMaxPool: globalPool((values) => values.reduce((most, x) => Math.max(most, x), -Infinity)),
  LpPool: (call) => [pooled(call, (seen, inside) => norm(seen, inside, call.int('p')))],
  MaxPool: maxPool,
};
