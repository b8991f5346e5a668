import { isTyped, type NumericArray, toFloat64 } from '../tensor/array.js';
import { DTYPES } from '../tensor/dtype.js';

/** An element is close when |actual - expected| <= absolute + relative * |expected|. */
export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** No difference is close. */
export const EXACT: Tolerance = { absolute: 0, relative: 0 };

/** The first element that is not close. */
export interface Difference {
  readonly index: readonly number[];
  readonly expected: string;
  readonly actual: string;
}

/**
 * How two tensors differ. NaN equals NaN whatever its bits, Inf equals Inf of its sign only; of integers, booleans and strings only
 * equal ones are close.
 */
export interface Comparison {
  /** Dtype and shape agree; where they do not, nothing else is compared. */
  readonly comparable: boolean;
  /** Every element is close; zeros of different sign are. */
  readonly close: boolean;
  /** Every element is equal, signs of zeros included. */
  readonly identical: boolean;
  /** Largest |actual - expected|; Infinity where one is NaN or Inf and the other not the same; the count of unequal strings. */
  readonly maxAbs: number;
  /** Largest |actual - expected| / |expected| over the elements whose expected value is not 0. */
  readonly maxElementRel: number;
  /** `maxAbs` over the largest finite |expected|; `maxAbs` itself where that is 0. */
  readonly maxRel: number;
  /** Largest share of an element's tolerance that was used: at most 1 when close. */
  readonly usedTolerance: number;
  /** Number of elements that are not close. */
  readonly differing: number;
  /** Number of places where +0 stands for -0 or the reverse. */
  readonly signedZeros: number;
  readonly first?: Difference;
}

const INCOMPARABLE: Comparison = {
  comparable: false,
  close: false,
  identical: false,
  maxAbs: Infinity,
  maxElementRel: Infinity,
  maxRel: Infinity,
  usedTolerance: Infinity,
  differing: 0,
  signedZeros: 0,
};

/** Compares element by element; O(elements). */
export function compareArrays(expected: NumericArray, actual: NumericArray, tolerance: Tolerance): Comparison {
  const { dtype, shape } = expected;
  const sameShape = shape.length === actual.shape.length && shape.every((dim, axis) => dim === actual.shape[axis]);
  if (dtype !== actual.dtype || !sameShape) return INCOMPARABLE;
  if (!isTyped(expected.data) || !isTyped(actual.data)) return compareElements(expected, actual);
  const { kind } = DTYPES[dtype];
  if (kind === 'float' || kind === 'complex') return compareFloats(expected, actual, tolerance);
  return compareElements(expected, actual);
}

/** Integers, booleans and strings. */
function compareElements(expected: NumericArray, actual: NumericArray): Comparison {
  const [left, right] = [expected.data, actual.data];
  let [maxAbs, maxElementRel, largest, differing, firstAt] = [0, 0, 0, 0, -1];
  for (let i = 0; i < left.length; i++) {
    const [want, got] = [left[i]!, right[i]!];
    const magnitude = typeof want === 'string' ? 0 : Math.abs(Number(want));
    largest = Math.max(largest, magnitude);
    if (want === got) continue;
    differing++;
    if (firstAt < 0) firstAt = i;
    const distance = integerDistance(want, got);
    maxAbs = typeof want === 'string' ? differing : Math.max(maxAbs, distance);
    if (magnitude > 0) maxElementRel = Math.max(maxElementRel, distance / magnitude);
  }
  const same = differing === 0;
  return {
    comparable: true,
    close: same,
    identical: same,
    maxAbs,
    maxElementRel,
    maxRel: largest > 0 ? maxAbs / largest : maxAbs,
    usedTolerance: same ? 0 : Infinity,
    differing,
    signedZeros: 0,
    ...(same ? {} : { first: difference(expected, firstAt, 1, String(left[firstAt]), String(right[firstAt])) }),
  };
}

function integerDistance(want: number | bigint | string, got: number | bigint | string): number {
  if (typeof want === 'bigint' && typeof got === 'bigint') return Number(want < got ? got - want : want - got);
  return typeof want === 'string' ? 1 : Math.abs(Number(want) - Number(got));
}

function compareFloats(expected: NumericArray, actual: NumericArray, tolerance: Tolerance): Comparison {
  const [left, right] = [numbersOf(expected), numbersOf(actual)];
  let [maxAbs, maxElementRel, usedTolerance, largest, differing, signedZeros, firstAt] = [0, 0, 0, 0, 0, 0, -1];
  let identical = true;
  for (let i = 0; i < left.length; i++) {
    const [want, got] = [left[i]!, right[i]!];
    const magnitude = Math.abs(want);
    if (magnitude > largest && magnitude < Infinity) largest = magnitude;
    if (Object.is(want, got)) continue;
    identical = false;
    if (want === got) {
      signedZeros++;
      continue;
    }
    const distance = floatDistance(want, got);
    const allowed = tolerance.absolute + tolerance.relative * magnitude;
    // An infinite tolerance forgives no NaN and no wrong Inf.
    const used = distance === Infinity ? Infinity : distance / allowed;
    maxAbs = Math.max(maxAbs, distance);
    usedTolerance = Math.max(usedTolerance, used);
    if (magnitude > 0) maxElementRel = Math.max(maxElementRel, magnitude < Infinity ? distance / magnitude : Infinity);
    if (used <= 1) continue;
    differing++;
    if (firstAt < 0) firstAt = i;
  }
  const width = DTYPES[expected.dtype].kind === 'complex' ? 2 : 1;
  return {
    comparable: true,
    close: differing === 0,
    identical,
    maxAbs,
    maxElementRel,
    maxRel: largest > 0 ? maxAbs / largest : maxAbs,
    usedTolerance,
    differing,
    signedZeros,
    ...(differing === 0
      ? {}
      : { first: difference(expected, firstAt, width, spell(left[firstAt]!), spell(right[firstAt]!)) }),
  };
}

/** Elements that are numbers already are compared where they are. */
function numbersOf(array: NumericArray): Float32Array | Float64Array {
  const { data } = array;
  return data instanceof Float32Array || data instanceof Float64Array ? data : toFloat64(array);
}

/** Infinity when one of them is NaN, or Inf, and the other is not the same. */
function floatDistance(want: number, got: number): number {
  const distance = Math.abs(got - want);
  return Number.isNaN(distance) ? Infinity : distance;
}

function spell(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function difference({ shape }: NumericArray, at: number, width: number, expected: string, actual: string): Difference {
  const index: number[] = [];
  let rest = Math.floor(at / width);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    index.unshift(rest % shape[axis]!);
    rest = Math.floor(rest / shape[axis]!);
  }
  return { index, expected, actual };
}
