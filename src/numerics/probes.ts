import { assertNever, invariant } from '../support/invariant.js';
import { elementCount, fromFloat64, integerRange, isTyped, type NumericArray, zeros } from '../tensor/array.js';
import { DTYPES, type DType, isFloat } from '../tensor/dtype.js';
import { encodeFloat, isSmallFloat } from '../tensor/half.js';
import { createRandom, type Random } from './random.js';

/** One row of {@link Probe} `rows`: normal numbers of this mean and deviation, or a named degenerate row. */
export type Row =
  | { readonly mean: number; readonly std: number }
  /** One normal number, repeated: variance 0. */
  | 'constant'
  | 'zeros'
  /** +0 and -0. */
  | 'signed-zeros'
  /** Halfway between two integers. */
  | 'halves'
  /** Just below and just above integers: nearer than half precision tells. */
  | 'brinks'
  /** Three different numbers, each many times. */
  | 'ties';

/** Values that are no ordinary numbers. */
export type Special = 'nan' | 'inf' | '-inf' | '-0';

/** What values a tensor is filled with. Floats are rounded once to the dtype, integers towards zero and clamped. */
export type Probe =
  | { readonly kind: 'normal'; readonly mean: number; readonly std: number }
  /** Uniform in [low, high). Images: 0 to 1. */
  | { readonly kind: 'uniform'; readonly low: number; readonly high: number }
  /** The positions outside `axes` take the rows in turn; elements along `axes` (negative from the end) are one row. */
  | { readonly kind: 'rows'; readonly rows: readonly Row[]; readonly axes: readonly number[] }
  /** Uniform in [low, high]; of several elements the first two are `low` and `high` themselves. */
  | { readonly kind: 'integers'; readonly low: bigint; readonly high: bigint }
  /** 1 up to a random length of the last axis, then 0: at least one 1 a row, the first row full. */
  | { readonly kind: 'mask' }
  /** `open` nowhere in the first row, up to a random place in the next, everywhere in the third, then again; `hidden` elsewhere. */
  | { readonly kind: 'hiding'; readonly open: number; readonly hidden: number }
  /** Integers in [1, max], the first one `max`: lengths of sequences padded to `max`. */
  | { readonly kind: 'lengths'; readonly max: number }
  /** |normal| + 0.1: for logarithms, roots and variances. */
  | { readonly kind: 'positive' }
  /** Normal, pushed away from 0 by 0.1: for divisors. Of integers, ±1 to ±9, without -1 (the smallest integer over -1 overflows). */
  | { readonly kind: 'nonzero' }
  /** Smallest and largest value of the dtype and their neighbours, 0, 1 and -1 where there is one. */
  | { readonly kind: 'extremes' }
  /** Values of `base` with the specials strewn in: one in eight elements, at least one of each that the dtype can hold. */
  | { readonly kind: 'specials'; readonly base: Probe; readonly values: readonly Special[] }
  /** Short strings, with an empty one and one beyond ASCII. */
  | { readonly kind: 'text' };

const WORDS = ['', 'a', 'skip connection', 'Norm', 'ß→∑', '0', '-1.5', 'two  spaces'];
const SPECIALS: { readonly [S in Special]: number } = { nan: NaN, inf: Infinity, '-inf': -Infinity, '-0': -0 };
const DISTANCE = 0.1;

/** A tensor of these values; equal arguments and an equal state of `random` give equal tensors on every machine. */
export function fillProbe(probe: Probe, dtype: DType, shape: readonly number[], random: Random): NumericArray {
  const count = elementCount(shape);
  const fill = (next: (index: number) => number): NumericArray => fromNumbers(dtype, shape, next);
  switch (probe.kind) {
    case 'normal':
      return fill(() => probe.mean + probe.std * random.normal());
    case 'uniform':
      return fill(() => probe.low + (probe.high - probe.low) * random.uniform());
    case 'rows':
      return fill(rowFiller(probe.rows, probe.axes, shape, random));
    case 'integers':
      return fillIntegers(probe.low, probe.high, dtype, shape, random);
    case 'mask':
      return fill(maskFiller(shape.at(-1) ?? 1, random));
    case 'hiding': {
      const isOpen = openFiller(shape.at(-1) ?? 1, random);
      return fill((i) => (isOpen(i) ? probe.open : probe.hidden));
    }
    case 'lengths':
      return fill((i) => (i === 0 ? probe.max : random.integer(Math.min(1, probe.max), probe.max)));
    case 'positive':
      return fill(() => Math.abs(random.normal()) + DISTANCE);
    case 'nonzero':
      return fill(isFloat(dtype) ? () => awayFromZero(random.normal()) : nonzeroInteger(dtype, random));
    case 'extremes':
      return fromIntegers(dtype, shape, extremes(dtype, random));
    case 'specials':
      return strew(fillProbe(probe.base, dtype, shape, random), probe.values, random);
    case 'text':
      return { dtype, shape, data: Array.from({ length: count }, () => WORDS[random.integer(0, WORDS.length - 1)]!) };
    default:
      return assertNever(probe);
  }
}

/** Elements of a large tensor that are drawn; the others repeat them. A prime, so that rows do not repeat in step with an axis. */
const DRAWN = 8191;
/** Rows that are different at least, so that a probe shows all that it has. */
const LEAST_ROWS = 11;

/** Normal numbers that large tensors are filled from; a power of two of them. */
const POOL = 2 ** 14;
/** Numbers in a row that are taken from one place of the pool. */
const STRIDE = 61;
let pool: Float64Array | undefined;

/** Takes normal numbers from a pool, at random places, which costs a fraction of a draw. */
function pooled(random: Random): Random {
  if (!pool) {
    const { normal } = createRandom(0, 'pool');
    pool = Float64Array.from({ length: POOL }, () => normal());
  }
  const numbers = pool;
  let [at, left] = [0, 0];
  return {
    ...random,
    normal() {
      if (left-- === 0) [at, left] = [random.integer(0, POOL - 1), STRIDE];
      return numbers[at++ & (POOL - 1)]!;
    },
  };
}

/** Tensors up to this size have a draw for each normal number; larger ones take theirs from a pool. */
const SINGLE = 64;

/** Like {@link fillProbe}, at less cost: normal numbers of all but small tensors come from a pool, and rows of large ones repeat. */
export function fillLarge(probe: Probe, dtype: DType, shape: readonly number[], random: Random): NumericArray {
  const count = elementCount(shape);
  const last = shape.at(-1) ?? 1;
  if (count <= DRAWN || dtype === 'string' || DTYPES[dtype].kind === 'complex') {
    return fillProbe(probe, dtype, shape, count <= SINGLE ? random : pooled(random));
  }
  const rows = Math.max(LEAST_ROWS, Math.ceil(DRAWN / last));
  const drawn = fillProbe(probe, dtype, [rows, last], pooled(random)).data as Float32Array;
  const whole = zeros(dtype, shape);
  const data = whole.data as Float32Array;
  for (let at = 0; at < data.length; at += drawn.length) {
    data.set(drawn.subarray(0, Math.min(drawn.length, data.length - at)), at);
  }
  return whole;
}

/** Complex tensors take two numbers an element. */
function fromNumbers(dtype: DType, shape: readonly number[], next: (index: number) => number): NumericArray {
  const width = DTYPES[dtype].kind === 'complex' ? 2 : 1;
  if (dtype === 'float32') {
    const data = new Float32Array(elementCount(shape));
    for (let i = 0; i < data.length; i++) data[i] = next(i);
    return { dtype, shape, data };
  }
  const values = new Float64Array(elementCount(shape) * width);
  for (let i = 0; i < values.length; i++) values[i] = next(i);
  return fromFloat64(dtype, shape, values);
}

function fromIntegers(dtype: DType, shape: readonly number[], next: (index: number) => bigint): NumericArray {
  if (DTYPES[dtype].bits !== 64 || !integerRange(dtype)) return fromNumbers(dtype, shape, (i) => Number(next(i)));
  const array = zeros(dtype, shape);
  const data = array.data as BigInt64Array | BigUint64Array;
  for (let i = 0; i < data.length; i++) data[i] = next(i);
  return array;
}

function fillIntegers(low: bigint, high: bigint, dtype: DType, shape: readonly number[], random: Random): NumericArray {
  const [from, to] = [Number(low), Number(high)];
  if (elementCount(shape) === 1) return fromIntegers(dtype, shape, () => random.bigint(low, high));
  if (Number.isSafeInteger(from) && Number.isSafeInteger(to - from)) {
    return fromNumbers(dtype, shape, (i) => (i === 0 ? from : i === 1 ? to : random.integer(from, to)));
  }
  return fromIntegers(dtype, shape, (i) => (i === 0 ? low : i === 1 ? high : random.bigint(low, high)));
}

function awayFromZero(value: number): number {
  return value < 0 ? value - DISTANCE : value + DISTANCE;
}

function nonzeroInteger(dtype: DType, random: Random): () => number {
  const signed = DTYPES[dtype].kind === 'int';
  return () => {
    const value = random.integer(1, 9);
    return signed && value > 1 && random.uniform() < 0.5 ? -value : value;
  };
}

function rowFiller(
  rows: readonly Row[],
  axes: readonly number[],
  shape: readonly number[],
  random: Random,
): (index: number) => number {
  const inRow = new Set(axes.map((axis) => (axis < 0 ? axis + shape.length : axis)));
  const rowCount = elementCount(shape.filter((_, axis) => !inRow.has(axis)));
  const constants = Float64Array.from({ length: rowCount }, () => random.normal());
  if (shape.length > 0 && inRow.size === 1 && inRow.has(shape.length - 1)) {
    const length = shape.at(-1)!;
    return (index) => {
      const row = Math.floor(index / length);
      return rowValue(rows[row % rows.length]!, constants[row]!, random);
    };
  }
  return (index) => {
    let rest = index;
    let row = 0;
    for (let axis = shape.length - 1, stride = 1; axis >= 0; axis--) {
      const dim = shape[axis]!;
      if (!inRow.has(axis)) {
        row += (rest % dim) * stride;
        stride *= dim;
      }
      rest = Math.floor(rest / dim);
    }
    return rowValue(rows[row % rows.length]!, constants[row]!, random);
  };
}

function rowValue(row: Row, constant: number, random: Random): number {
  switch (row) {
    case 'constant':
      return constant;
    case 'zeros':
      return 0;
    case 'signed-zeros':
      return random.uniform() < 0.5 ? 0 : -0;
    case 'halves':
      return random.integer(-4, 3) + 0.5;
    case 'brinks':
      return random.integer(-4, 4) + (random.uniform() < 0.5 ? 1 : -1) * 2 ** -13;
    case 'ties':
      return constant + random.integer(-1, 1);
    default:
      return row.mean + row.std * random.normal();
  }
}

function maskFiller(length: number, random: Random): (index: number) => number {
  let ones = length;
  return (index) => {
    if (index > 0 && index % length === 0) ones = random.integer(1, length);
    return index % length < ones ? 1 : 0;
  };
}

function openFiller(length: number, random: Random): (index: number) => boolean {
  let open = 0;
  return (index) => {
    const row = Math.floor(index / length);
    if (index % length === 0) open = [0, random.integer(1, length), length][row % 3]!;
    return index % length < open;
  };
}

function extremes(dtype: DType, random: Random): (index: number) => bigint {
  const { low, high } = integerRange(dtype) ?? { low: 0n, high: 1n };
  const values = low < 0n ? [low, high, low + 1n, high - 1n, 0n, 1n, -1n] : [low, high, high - 1n, low + 1n];
  return (index) => values[index < values.length ? index : random.integer(0, values.length - 1)]!;
}

function strew(array: NumericArray, specials: readonly Special[], random: Random): NumericArray {
  const { dtype, data } = array;
  invariant(isFloat(dtype) && isTyped(data), `${dtype} holds no special values`);
  const encode = isSmallFloat(dtype) ? (value: number) => encodeFloat(dtype, value, false) : (value: number) => value;
  const target = data as Float32Array;
  const offset = target.length > 0 ? random.integer(0, target.length - 1) : 0;
  const share = Math.max(specials.length, Math.ceil(target.length / 8));
  for (let i = 0; i < Math.min(share, target.length); i++) {
    // A stride that is odd and near the golden section spreads the places over all rows.
    const place = (offset + i * strideFor(target.length)) % target.length;
    target[place] = encode(SPECIALS[specials[i % specials.length]!]);
  }
  return array;
}

/** A step that visits every place of `length` before it repeats. */
function strideFor(length: number): number {
  let stride = Math.max(1, Math.floor(length * 0.618));
  while (greatestCommonDivisor(stride, length) !== 1) stride++;
  return stride;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
