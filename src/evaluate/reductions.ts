import type { Call, Kernel, Kernels } from './call.js';
import { allocate, arithmeticOf, type Elements, type Writable } from './elements.js';
import { axisOf, rowsAlong } from './index-maps.js';
import { unsupported } from './stop.js';

/** Reduces a row by each arithmetic; `count` is its length. */
interface Reduction {
  readonly float: (row: Float64Array) => number;
  readonly int?: (row: Float64Array) => number;
  readonly big?: (row: readonly bigint[]) => bigint;
}

const sum = (row: Float64Array): number => row.reduce((total, x) => total + x, 0);
const bigSum = (row: readonly bigint[]): bigint => row.reduce((total, x) => total + x, 0n);
const largest = (row: Float64Array): number => row.reduce((most, x) => Math.max(most, x), -Infinity);
const smallest = (row: Float64Array): number => row.reduce((least, x) => Math.min(least, x), Infinity);
const squares = (row: Float64Array): number => row.reduce((total, x) => total + x * x, 0);

function logSumExp(row: Float64Array): number {
  const most = largest(row);
  if (!Number.isFinite(most)) return most;
  return most + Math.log(row.reduce((total, x) => total + Math.exp(x - most), 0));
}

const REDUCTIONS = {
  ReduceL1: {
    float: (row) => row.reduce((total, x) => total + Math.abs(x), 0),
    big: (row) => row.reduce((total, x) => total + (x < 0n ? -x : x), 0n),
  },
  ReduceL2: { float: (row) => Math.sqrt(squares(row)), int: (row) => Math.trunc(Math.sqrt(squares(row))) },
  ReduceLogSum: { float: (row) => Math.log(sum(row)), int: (row) => Math.trunc(Math.log(sum(row))) },
  ReduceLogSumExp: { float: logSumExp, int: (row) => Math.trunc(logSumExp(row)) },
  ReduceMax: { float: largest, big: (row) => row.reduce((most, x) => (x > most ? x : most), row[0] ?? -(2n ** 63n)) },
  ReduceMean: {
    float: (row) => sum(row) / row.length,
    int: (row) => Math.trunc(sum(row) / row.length),
    big: (row) => (row.length === 0 ? 0n : bigSum(row) / BigInt(row.length)),
  },
  ReduceMin: {
    float: smallest,
    big: (row) => row.reduce((least, x) => (x < least ? x : least), row[0] ?? 2n ** 63n - 1n),
  },
  ReduceProd: {
    float: (row) => row.reduce((product, x) => product * x, 1),
    int: (row) => row.reduce((product, x) => Math.imul(product, x), 1),
    big: (row) => row.reduce((product, x) => BigInt.asIntN(64, product * x), 1n),
  },
  ReduceSum: { float: sum, big: bigSum },
  ReduceSumSquare: { float: squares, big: (row) => row.reduce((total, x) => total + x * x, 0n) },
} as const satisfies Record<string, Reduction>;

/** The axes that a node reduces, by its operand or attribute; nothing when it reduces none. */
export function reducedAxes(call: Call, rank: number): readonly number[] | undefined {
  const given = call.inputs.length > 1 ? call.ints(1) : call.intList('axes');
  if (given && given.length > 0) return given.map((axis) => axisOf(axis, rank));
  if (call.maybeInt('noop_with_empty_axes') === 1) return undefined;
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** The shape without some axes, or with 1 in their place. */
export function withoutAxes(shape: readonly number[], axes: readonly number[], keep: boolean): readonly number[] {
  if (keep) return shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Each element by itself, where a node reduces no axis. */
const NO_AXES: Readonly<Record<string, (x: number) => number>> = {
  ReduceL1: Math.abs,
  ReduceL2: Math.abs,
  ReduceLogSum: Math.log,
  ReduceSumSquare: (x) => x * x,
};

function reduce(name: keyof typeof REDUCTIONS): Kernel {
  const reduction: Reduction = REDUCTIONS[name];
  return (call) => {
    const x = call.input(0);
    const axes = reducedAxes(call, x.shape.length);
    if (!axes && !NO_AXES[name]) return [x];
    return [reduceRows(call, x, axes ?? [], reduction)];
  };
}

function reduceRows(call: Call, x: Elements, axes: readonly number[], reduction: Reduction): Elements {
  const { dtype, data } = x;
  call.spend(data.length);
  const { rows, places } = rowsAlong(x.shape, axes);
  const arithmetic = arithmeticOf(dtype);
  const made = allocate(dtype, rows.length);
  if (arithmetic === 'string' || (arithmetic === 'big' && !reduction.big)) throw unsupported(`its form for ${dtype}`);
  const into = made as Writable;
  const row = new Float64Array(places.length);
  rows.forEach((start, i) => {
    if (arithmetic === 'big') {
      into[i] = reduction.big!(Array.from(places, (place) => data[start + place] as bigint));
      return;
    }
    for (let j = 0; j < row.length; j++) row[j] = data[start + places[j]!] as number;
    into[i] = (arithmetic === 'int' ? (reduction.int ?? reduction.float) : reduction.float)(row);
  });
  return { dtype, shape: withoutAxes(x.shape, axes, call.int('keepdims') !== 0), data: made };
}

/** The reductions of opsets 1 to 25; axes are an attribute or an operand. */
export const REDUCTION_KERNELS: Kernels = Object.fromEntries(
  (Object.keys(REDUCTIONS) as (keyof typeof REDUCTIONS)[]).map((name) => [name, reduce(name)]),
);
