import { fromFloat64, type NumericArray, toFloat64 } from '../tensor/array.js';
import { DTYPES, isFloat } from '../tensor/dtype.js';
import { compareArrays, EXACT } from './compare.js';
import { unitRoundoff } from './tolerance.js';

/** One output on one sample: of the original, of the candidate, and of noisy copies of the original. */
export interface JudgedRow {
  readonly expected: NumericArray;
  readonly actual: NumericArray | undefined;
  readonly noise: readonly NumericArray[];
  /**
   * Where the expected element is NaN or infinite any other will do, since another order of operations may avoid it; but no infinity of
   * the other sign.
   */
  readonly finite?: boolean;
  /** What a difference may be at least, relative to the largest element. */
  readonly least?: number;
}

/** Whether an output of the candidate is right, over all samples. */
export interface Judgement {
  readonly ok: boolean;
  readonly identical: boolean;
  /** Largest difference of an element; of integers and booleans as numbers. */
  readonly maxAbs: number;
  /** `maxAbs` of a sample over the largest finite element that was expected there, the worst sample. */
  readonly maxRel: number;
  /** What rounding noise makes of `maxRel` in the original itself; 0 when it was not measured. */
  readonly noiseFloor: number;
  /** What `maxRel` may be. */
  readonly tolerance: number;
  readonly why?: string;
}

/**
 * Times by which a difference may exceed the noise that was measured. The noise moves each result by a unit in the last place or two; a
 * sum of n terms in another order moves by up to √n units of its partial sums, so this allows for sums of a hundred terms in every
 * operator. Rewrites that are right stay below 1 nearly always.
 */
const NOISE_FACTOR = 10;
/** Units in the last place that are allowed where no noise shows, relative to the largest element. */
const LAST_PLACES = 8;

/** Least tolerance, relative to the largest element; `identical` lets no bit differ but those of NaN. */
export type Floor = number | 'identical';

/**
 * Judges by the noise of the original, and at least by `floor`: integers and booleans may differ in no more elements than the noise
 * changes, times four.
 */
export function judge(rows: readonly JudgedRow[], floor: Floor = 0): Judgement {
  const worst = { ok: true, identical: true, maxAbs: 0, maxRel: 0, noiseFloor: 0, tolerance: 0 };
  let why: string | undefined;
  for (const row of rows) {
    const one = judgeRow(row, floor);
    worst.identical &&= one.identical;
    worst.maxAbs = Math.max(worst.maxAbs, one.maxAbs);
    worst.maxRel = Math.max(worst.maxRel, one.maxRel);
    worst.noiseFloor = Math.max(worst.noiseFloor, one.noiseFloor);
    worst.tolerance = Math.max(worst.tolerance, one.tolerance);
    if (one.ok) continue;
    worst.ok = false;
    why ??= one.why;
  }
  return why === undefined ? worst : { ...worst, why };
}

function judgeRow({ expected, actual: given, noise, finite, least = 0 }: JudgedRow, floor: Floor): Judgement {
  if (!given) return failure('is missing');
  const actual = finite ? overlooking(expected, given) : given;
  const compared = compareArrays(expected, actual, EXACT);
  if (!compared.comparable) return failure(`is ${describe(actual)} instead of ${describe(expected)}`);
  const { identical, maxAbs, maxRel } = compared;
  const rounded = unitRoundoff(expected.dtype) > 0;
  const noiseFloor = noise.reduce((most, array) => Math.max(most, spread(expected, array)), 0);
  const tolerance = rounded
    ? Math.max(
        NOISE_FACTOR * noiseFloor,
        LAST_PLACES * 2 * unitRoundoff(expected.dtype),
        floor === 'identical' ? 0 : Math.max(floor, least),
      )
    : 4 * noiseFloor;
  const got = rounded ? maxRel : share(expected, compared.differing);
  const ok = floor === 'identical' ? identical : compared.close || got <= tolerance;
  const measured = {
    ok,
    identical: floor === 'identical' ? identical : compared.close,
    maxAbs,
    maxRel: got,
    noiseFloor,
    tolerance,
  };
  return ok ? measured : { ...measured, why: explain(expected, compared.first, got, noiseFloor) };
}

/** The array with elements taken over from `expected` where those are NaN or infinite, but for infinities of the other sign. */
function overlooking(expected: NumericArray, actual: NumericArray): NumericArray {
  const { dtype, shape } = expected;
  if (dtype !== actual.dtype || shape.join() !== actual.shape.join() || !isFloat(dtype)) return actual;
  if (isAllFinite(expected)) return actual;
  const wanted = toFloat64(expected);
  const opposite = (value: number, want: number): boolean => Math.abs(value) === Infinity && value === -want;
  const values = toFloat64(actual).map((value, i) =>
    Number.isFinite(wanted[i]!) || opposite(value, wanted[i]!) ? value : wanted[i]!,
  );
  return fromFloat64(dtype, shape, values);
}

/** Whether every element is finite, for floats that are numbers in memory. */
function isAllFinite({ data }: NumericArray): boolean {
  if (!(data instanceof Float32Array || data instanceof Float64Array)) return false;
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i]!)) return false;
  return true;
}

function explain(
  expected: NumericArray,
  first: { readonly index: readonly number[]; readonly expected: string; readonly actual: string } | undefined,
  got: number,
  noiseFloor: number,
): string {
  if (!first) return 'gives zeros of the other sign';
  const where = ` at [${first.index.join(', ')}]: ${first.actual} instead of ${first.expected}`;
  const noise = noiseFloor > 0 ? ` (its own rounding noise is ${noiseFloor.toExponential(1)})` : '';
  const kind = DTYPES[expected.dtype].kind === 'float' ? 'by' : 'in a share of';
  return `differs ${kind} ${got.toExponential(2)}${noise}${where}`;
}

function failure(why: string): Judgement {
  return { ok: false, identical: false, maxAbs: Infinity, maxRel: Infinity, noiseFloor: 0, tolerance: 0, why };
}

function describe({ dtype, shape }: NumericArray): string {
  return `${dtype}[${shape.join(', ')}]`;
}

/** How far two runs lie apart: relative to the largest element, or the share of elements that differ; Infinity when not comparable. */
export function spread(one: NumericArray, other: NumericArray): number {
  const compared = compareArrays(one, other, EXACT);
  if (!compared.comparable) return Infinity;
  if (unitRoundoff(one.dtype) === 0) return share(one, compared.differing);
  if (compared.maxRel < Infinity) return compared.maxRel;
  return finiteSpread(one, other);
}

/** The spread over elements that are finite on both sides: noise that turns a number into NaN excuses nothing. */
function finiteSpread(one: NumericArray, other: NumericArray): number {
  const [left, right] = [toFloat64(one), toFloat64(other)];
  let [far, large] = [0, 0];
  for (let i = 0; i < left.length; i++) {
    const distance = Math.abs(left[i]! - right[i]!);
    if (!Number.isFinite(distance)) continue;
    far = Math.max(far, distance);
    large = Math.max(large, Math.abs(left[i]!));
  }
  return large > 0 ? far / large : far;
}

function share(array: NumericArray, differing: number): number {
  const count = array.data.length;
  return count === 0 ? 0 : differing / count;
}
