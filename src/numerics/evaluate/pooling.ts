import { elementCount } from '../../tensor/array.js';
import { isFloat } from '../../tensor/dtype.js';
import type { Call, Kernel, Kernels } from './call.js';
import { type Elements, floats, fromNumbers, numbers } from './elements.js';
import { stridesOf } from './index-maps.js';
import { invalid, unsupported } from './stop.js';
import { BEYOND, type Windows, windowsOf, windowTable } from './windows.js';

/** Gives one number for what a window shows: the elements inside, and how many places of it are padding. */
type Pool = (inside: readonly number[], padding: number) => number;

function pooled(call: Call, pool: Pool): Elements {
  const x = call.input(0);
  if (!isFloat(x.dtype)) throw unsupported(`its form for ${x.dtype}`);
  const kernel = call.intList('kernel_shape');
  if (!kernel) throw invalid('kernel_shape is missing');
  const windows = windowsOf(call, x.shape.slice(2), kernel);
  const table = windowTable(call, windows);
  const [count, size] = [elementCount(windows.positions), elementCount(windows.sizes)];
  const images = x.shape[0]! * x.shape[1]!;
  call.spend(images * table.length);
  const data = numbers(x);
  const made = new Float64Array(images * count);
  for (let image = 0; image < images; image++) {
    for (let i = 0; i < count; i++) {
      const inside: number[] = [];
      let padding = 0;
      for (let row = i; row < table.length; row += count) {
        const at = table[row]!;
        if (at >= 0) inside.push(data[image * size + at]!);
        else if (at !== BEYOND) padding++;
      }
      made[image * count + i] = pool(inside, padding);
    }
  }
  return floats(x.dtype, [...x.shape.slice(0, 2), ...windows.positions], made);
}

const sum = (values: readonly number[]): number => values.reduce((total, x) => total + x, 0);

function averagePool(call: Call): readonly Elements[] {
  const all = call.maybeInt('count_include_pad') === 1;
  return [pooled(call, (inside, padding) => sum(inside) / (inside.length + (all ? padding : 0)))];
}

function norm(values: Iterable<number>, p: number): number {
  let total = 0;
  for (const x of values) total += Math.abs(x) ** p;
  return total ** (1 / p);
}

/** The largest element of each window and where it is in the input; of equal ones the first. */
function maxPool(call: Call): readonly Elements[] {
  const x = call.input(0);
  const kernel = call.intList('kernel_shape');
  if (!kernel) throw invalid('kernel_shape is missing');
  const windows = windowsOf(call, x.shape.slice(2), kernel);
  const table = windowTable(call, windows);
  const [count, size] = [elementCount(windows.positions), elementCount(windows.sizes)];
  const images = x.shape[0]! * x.shape[1]!;
  call.spend(images * table.length);
  const data = numbers(x);
  const made = new Float64Array(images * count).fill(-Infinity);
  const indices = new BigInt64Array(images * count);
  const place = call.maybeInt('storage_order') === 1 ? columnMajor(windows) : (at: number) => at;
  for (let image = 0; image < images; image++) {
    for (let i = 0; i < count; i++) {
      const to = image * count + i;
      for (let row = i; row < table.length; row += count) {
        const at = table[row]!;
        const value = at >= 0 ? data[image * size + at]! : -Infinity;
        if (!(value > made[to]!) && !(Number.isNaN(value) && !Number.isNaN(made[to]))) continue;
        made[to] = value;
        indices[to] = BigInt(image * size + place(at));
      }
    }
  }
  const shape = [...x.shape.slice(0, 2), ...windows.positions];
  return [fromNumbers(x.dtype, shape, made), { dtype: 'int64', shape, data: indices }];
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
  GlobalAveragePool: globalPool((values) => values.reduce((total, x) => total + x, 0) / values.length),
  GlobalLpPool: globalPool((values, call) => norm(values, call.int('p'))),
  GlobalMaxPool: globalPool((values) => values.reduce((most, x) => Math.max(most, x), -Infinity)),
  LpPool: (call) => [pooled(call, (inside) => norm(inside, call.int('p')))],
  MaxPool: maxPool,
};
