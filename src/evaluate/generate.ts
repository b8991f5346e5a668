import { constantAttribute } from '../schema/constant.js';
import { elementCount } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import { dtypeOf } from './cast.js';
import {
  allocate,
  arithmeticOf,
  type Elements,
  fromNumeric,
  int64s,
  integers,
  numbers,
  sizeOf,
  type Writable,
} from './elements.js';
import { axisOf, rowsAlong } from './index-maps.js';
import { invalid, unsupported } from './stop.js';

function constant(call: Call): readonly Elements[] {
  const tensor = constantAttribute(call.attributes);
  if (!tensor) throw unsupported('a sparse constant');
  return [fromNumeric(tensor.array())];
}

function constantOfShape(call: Call): readonly Elements[] {
  const shape = call.ints(0) ?? [];
  const count = elementCount(shape);
  call.spend(count);
  const tensor = call.tensor('value');
  if (!tensor) return [{ dtype: 'float32', shape, data: new Float64Array(count) }];
  const value = fromNumeric(tensor.array());
  const data = allocate(value.dtype, count) as Writable;
  for (let i = 0; i < count; i++) data[i] = value.data[0];
  return [{ dtype: value.dtype, shape, data: data as Elements['data'] }];
}

function shapeOf(call: Call): readonly Elements[] {
  const { shape } = call.input(0);
  const bound = (at: number): number => Math.min(Math.max(at < 0 ? at + shape.length : at, 0), shape.length);
  const part = shape.slice(bound(call.maybeInt('start') ?? 0), bound(call.maybeInt('end') ?? shape.length));
  return [int64s([part.length], part)];
}

function range(call: Call): readonly Elements[] {
  const [start, limit, delta] = [call.input(0), call.input(1), call.input(2)];
  const { dtype } = start;
  const [from, to, step] = [start, limit, delta].map((x) => numbers(x)[0]!) as [number, number, number];
  if (!(Math.abs(step) > 0)) throw invalid('a step of 0');
  const count = Math.max(0, Math.ceil((to - from) / step));
  call.spend(count);
  const data = allocate(dtype, count) as Writable;
  const big = arithmeticOf(dtype) === 'big';
  for (let i = 0; i < count; i++) data[i] = big ? BigInt(from) + BigInt(step) * BigInt(i) : from + step * i;
  return [{ dtype, shape: [count], data: data as Elements['data'] }];
}

function eyeLike(call: Call): readonly Elements[] {
  const x = call.input(0);
  const [rows, columns] = x.shape as [number, number];
  const given = call.maybeInt('dtype');
  const dtype = given === undefined ? x.dtype : dtypeOf(given);
  const data = allocate(dtype, rows * columns) as Writable;
  const one = arithmeticOf(dtype) === 'big' ? 1n : 1;
  for (let i = 0; i < rows; i++) {
    const j = i + call.int('k');
    if (j >= 0 && j < columns) data[i * columns + j] = one;
  }
  return [{ dtype, shape: x.shape, data: data as Elements['data'] }];
}

/** Triangles of matrices: what is outside is 0. */
function trilu(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(sizeOf(x));
  const k = call.ints(1)?.[0] ?? 0;
  const upper = call.int('upper') !== 0;
  const columns = x.shape.at(-1) ?? 1;
  const rows = x.shape.at(-2) ?? 1;
  const data = allocate(x.dtype, sizeOf(x)) as Writable;
  for (let i = 0; i < data.length; i++) {
    const [row, column] = [Math.floor(i / columns) % rows, i % columns];
    if (upper ? column - row >= k : column - row <= k) data[i] = x.data[i];
  }
  return [{ ...x, data: data as Elements['data'] }];
}

function oneHot(call: Call): readonly Elements[] {
  const [indices, values] = [call.input(0), call.input(2)];
  const depth = integers(call.input(1))[0]!;
  const axis = axisOf(call.int('axis'), indices.shape.length + 1);
  const shape = indices.shape.toSpliced(axis, 0, depth);
  const data = allocate(values.dtype, elementCount(shape)) as Writable;
  call.spend(data.length);
  for (let i = 0; i < data.length; i++) data[i] = values.data[0];
  const { rows, places } = rowsAlong(shape, [axis]);
  integers(indices).forEach((given, i) => {
    const at = given < 0 ? given + depth : given;
    if (at >= 0 && at < depth) data[rows[i]! + places[at]!] = values.data[1];
  });
  return [{ dtype: values.dtype, shape, data: data as Elements['data'] }];
}

/** Coordinates of what is not 0, one row an axis. */
function nonZero(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(sizeOf(x));
  const found: number[] = [];
  numbers(x).forEach((value, i) => value !== 0 && found.push(i));
  const coordinates: number[] = [];
  let inner = sizeOf(x);
  for (const dim of x.shape) {
    inner /= dim;
    for (const at of found) coordinates.push(Math.floor(at / inner) % dim);
  }
  return [int64s([x.shape.length, found.length], coordinates)];
}

/** Operators that make tensors of shapes, counts and constants. */
export const GENERATORS: Kernels = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  EyeLike: eyeLike,
  NonZero: nonZero,
  OneHot: oneHot,
  Range: range,
  Shape: shapeOf,
  Size: (call) => [int64s([], [sizeOf(call.input(0))])],
  Trilu: trilu,
};
