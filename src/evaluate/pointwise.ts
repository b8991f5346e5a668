import type { DType } from '../tensor/dtype.js';
import { elementCount } from '../tensor/array.js';
import type { Call, Kernel } from './call.js';
import { allocate, arithmeticOf, type Elements, numbers, sizeOf, type Writable } from './elements.js';
import { broadcastMap, broadcastShape } from './index-maps.js';
import { invalid, unsupported } from './stop.js';

/** A function of one element, for the arithmetics that have it. */
export interface UnaryFunction {
  readonly float?: (x: number) => number;
  readonly int?: (x: number) => number;
  readonly big?: (x: bigint) => bigint;
}

/** A function of two elements; what `int` gives is cut to the dtype when it is stored. */
export interface BinaryFunction {
  readonly float?: (x: number, y: number) => number;
  readonly int?: (x: number, y: number) => number;
  readonly big?: (x: bigint, y: bigint) => bigint;
}

/** A relation between two elements. */
export interface Relation {
  readonly numbers: (x: number, y: number) => boolean;
  readonly bigs: (x: bigint, y: bigint) => boolean;
  readonly strings?: (x: string, y: string) => boolean;
}

/** A tensor with the function applied to every element. @throws Stop `unsupported` for arithmetics that it lacks */
export function mapElements(call: Call, x: Elements, f: UnaryFunction): Elements {
  call.spend(sizeOf(x));
  const { dtype, shape, data } = x;
  const arithmetic = arithmeticOf(dtype);
  const own = arithmetic === 'string' ? undefined : f[arithmetic];
  if (!own) throw unsupported(`its form for ${dtype}`);
  const made = allocate(dtype, data.length);
  for (let i = 0; i < data.length; i++) (made as Writable)[i] = (own as (x: unknown) => unknown)(data[i]);
  return { dtype, shape, data: made };
}

/** A kernel that applies a function to every element of its first operand. */
export function unary(f: UnaryFunction): Kernel {
  return (call) => [mapElements(call, call.input(0), f)];
}

/** A kernel for floating point numbers alone. */
export function unaryFloat(float: (x: number) => number): Kernel {
  return unary({ float });
}

/** A kernel for floating point numbers whose function depends on attributes. */
export function unaryWith(make: (call: Call) => (x: number) => number): Kernel {
  return (call) => [mapElements(call, call.input(0), { float: make(call) })];
}

/** Calls `visit` with the positions of both operands for every position of the result. */
function pairs(x: Elements, y: Elements, shape: readonly number[], visit: (i: number, a: number, b: number) => void) {
  const [left, right] = [broadcastMap(x.shape, shape), broadcastMap(y.shape, shape)];
  const count = elementCount(shape);
  for (let i = 0; i < count; i++) visit(i, left ? left[i]! : i, right ? right[i]! : i);
}

/** Two tensors combined under broadcasting; they have the same dtype. */
export function combine(call: Call, x: Elements, y: Elements, f: BinaryFunction): Elements {
  if (x.dtype !== y.dtype) throw invalid(`operands of types ${x.dtype} and ${y.dtype}`);
  const shape = broadcastShape(x.shape, y.shape);
  call.spend(elementCount(shape));
  const { dtype } = x;
  const arithmetic = arithmeticOf(dtype);
  const own = arithmetic === 'string' ? undefined : f[arithmetic];
  if (!own) throw unsupported(`its form for ${dtype}`);
  const made = allocate(dtype, elementCount(shape));
  const apply = own as (x: unknown, y: unknown) => unknown;
  pairs(x, y, shape, (i, a, b) => {
    (made as Writable)[i] = apply(x.data[a], y.data[b]);
  });
  return { dtype, shape, data: made };
}

/** A kernel of two operands. */
export function binary(f: BinaryFunction): Kernel {
  return (call) => [combine(call, call.input(0), aligned(call), f)];
}

/** A kernel of any number of operands. */
export function variadic(f: BinaryFunction, finish?: (sum: Elements, count: number) => Elements): Kernel {
  return (call) => {
    const [first, ...rest] = call.all();
    if (!first) throw invalid('no operands');
    const folded = rest.reduce((left, right) => combine(call, left, right, f), first);
    return [finish ? finish(folded, rest.length + 1) : folded];
  };
}

/** The second operand; before opset 7 it is laid along the axis that the attribute names. */
export function aligned(call: Call): Elements {
  const [x, y] = [call.input(0), call.input(1)];
  const axis = call.opset < 7 && call.maybeInt('broadcast') === 1 ? call.maybeInt('axis') : undefined;
  if (axis === undefined) return y;
  const after = x.shape.length - (axis < 0 ? axis + x.shape.length : axis) - y.shape.length;
  if (after < 0) throw invalid(`axis ${axis}`);
  return { ...y, shape: [...y.shape, ...Array<number>(after).fill(1)] };
}

/** A kernel that gives booleans. */
export function compare(relation: Relation): Kernel {
  return (call) => {
    const [x, y] = [call.input(0), aligned(call)];
    if (x.dtype !== y.dtype) throw invalid(`operands of types ${x.dtype} and ${y.dtype}`);
    const shape = broadcastShape(x.shape, y.shape);
    call.spend(elementCount(shape));
    const arithmetic = arithmeticOf(x.dtype);
    const own = arithmetic === 'string' ? relation.strings : arithmetic === 'big' ? relation.bigs : relation.numbers;
    if (!own) throw unsupported(`its form for ${x.dtype}`);
    const holds = own as (x: unknown, y: unknown) => boolean;
    const data = new Uint8Array(elementCount(shape));
    pairs(x, y, shape, (i, a, b) => {
      data[i] = holds(x.data[a], y.data[b]) ? 1 : 0;
    });
    return [{ dtype: 'bool', shape, data }];
  };
}

/** Numbers of one tensor tested one by one. */
export function test(call: Call, x: Elements, holds: (x: number) => boolean): Elements {
  call.spend(sizeOf(x));
  return { dtype: 'bool', shape: x.shape, data: Uint8Array.from(numbers(x), (value) => (holds(value) ? 1 : 0)) };
}

/** A tensor of one dtype made from the numbers of others under broadcasting, computed in float64. */
export function zipNumbers(
  call: Call,
  dtype: DType,
  operands: readonly Elements[],
  f: (...values: readonly number[]) => number,
): Elements {
  const shape = broadcastShape(...operands.map((operand) => operand.shape));
  const count = elementCount(shape);
  call.spend(count);
  const maps = operands.map((operand) => broadcastMap(operand.shape, shape));
  const data = operands.map(numbers);
  const made = new Float64Array(count);
  const values = Array<number>(operands.length);
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < values.length; k++) values[k] = data[k]![maps[k] ? maps[k]![i]! : i]!;
    made[i] = f(...values);
  }
  return { dtype, shape, data: made };
}
