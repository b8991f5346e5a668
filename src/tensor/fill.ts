import { badFillNumber, unknownFill } from '../diagnostics/codes/fill.js';
import { ResonnxError, type Diagnostic, type Place } from '../diagnostics/diagnostic.js';
import { elementCount, fromFloat64, type NumericArray } from './array.js';
import { DTYPES, type DType } from './dtype.js';

const PREFIX = 'fill:';
/** Uniform numbers in one normal number. */
const TERMS = 12;

/** One entry of `external_data`. */
interface Entry {
  readonly key?: string | undefined;
  readonly value?: string | undefined;
}

/** What a fill is made of: its numbers by key, and what it fills. */
interface Recipe {
  readonly seed: number;
  readonly columns: number;
  readonly isWhole: boolean;
  readonly number: (key: string, otherwise: number) => number;
}

/** The element at `index`, in row-major order. */
type Generator = (index: number) => number;

/** Whether external data at this location is made up instead of read: `fill:…`, for weights whose values do not matter. */
export function isFill(location: string): boolean {
  return location.startsWith(PREFIX);
}

/**
 * The tensor that external data with a `fill:` location stands for; the same on every machine.
 *
 * | location | element i, row-major | keys and their defaults |
 * |---|---|---|
 * | `fill:zeros`, `fill:ones` | 0, 1 | |
 * | `fill:constant` | value | value=0 |
 * | `fill:arange` | start + step·i | start=0 step=1 |
 * | `fill:uniform` | low + (high - low)·u(i) | seed=0 low=0 high=1, for integers and bool 2 |
 * | `fill:normal` | mean + std·z(i) | seed=0 mean=0 std=1 |
 * | `fill:rows` | rows of the last axis take turns: `normal`; one value z all along; that value + std·z(i) | seed=0 std=0.001 |
 *
 * u(i) = h(i + h(seed)) / 2^32 in [0, 1), where h is the 32-bit finalizer of MurmurHash3 (Appleby) and sums wrap at 2^32.
 * z(i) = u(12i) + … + u(12i + 11) - 6, which is nearly normal with mean 0 and variance 1 (Irwin-Hall) and needs no functions
 * that differ between machines. The float64 result is rounded once to the element type; integers and bool take its floor.
 * Other keys, `offset` and `length` too, count for nothing. Cost: O(elements).
 *
 * @throws ResonnxError fill/unknown, fill/bad-number
 */
export function fillTensor(entries: Iterable<Entry>, dtype: DType, shape: readonly number[], at: Place): NumericArray {
  const given = new Map<string, string>();
  for (const { key = '', value = '' } of entries) given.set(key, value);
  const location = given.get('location') ?? '';
  if (dtype === 'string' || DTYPES[dtype].kind === 'complex')
    fail(unknownFill(at, location, `${dtype} is no real number`));
  const number = (key: string, otherwise: number): number => readNumber(given.get(key), key, otherwise, at);
  const seed = number('seed', 0);
  if (!Number.isInteger(seed)) fail(badFillNumber(at, 'seed', String(seed), 'an integer'));
  const isWhole = DTYPES[dtype].kind !== 'float';
  const generator = generatorOf(location.slice(PREFIX.length), { seed, columns: shape.at(-1) ?? 1, isWhole, number });
  if (!generator) return fail(unknownFill(at, location, 'there is no such kind'));
  const values = Float64Array.from({ length: elementCount(shape) }, (_, i) =>
    isWhole ? Math.floor(generator(i)) : generator(i),
  );
  return fromFloat64(dtype, shape, values);
}

function fail(diagnostic: Diagnostic): never {
  throw new ResonnxError([diagnostic]);
}

function readNumber(text: string | undefined, key: string, otherwise: number, at: Place): number {
  if (text === undefined) return otherwise;
  const value = text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(value) ? value : fail(badFillNumber(at, key, text, 'a number'));
}

function generatorOf(kind: string, recipe: Recipe): Generator | undefined {
  const { number } = recipe;
  switch (kind) {
    case 'zeros':
      return () => 0;
    case 'ones':
      return () => 1;
    case 'constant': {
      const value = number('value', 0);
      return () => value;
    }
    case 'arange': {
      const [start, step] = [number('start', 0), number('step', 1)];
      return (i) => start + step * i;
    }
    case 'uniform': {
      const [low, high, u] = [number('low', 0), number('high', recipe.isWhole ? 2 : 1), uniform(recipe.seed)];
      return (i) => low + (high - low) * u(i);
    }
    case 'normal': {
      const [mean, std, z] = [number('mean', 0), number('std', 1), normal(recipe.seed)];
      return (i) => mean + std * z(i);
    }
    case 'rows':
      return rows(recipe);
    default:
      return undefined;
  }
}

/** The constant of row r is z of the last element of the row. */
function rows({ seed, columns, number }: Recipe): Generator {
  const [std, z] = [number('std', 0.001), normal(seed)];
  return (i) => {
    const row = Math.floor(i / columns);
    if (row % 3 === 0) return z(i);
    const level = z(row * columns + columns - 1);
    return row % 3 === 1 ? level : level + std * z(i);
  };
}

function uniform(seed: number): Generator {
  const start = finalize(seed >>> 0);
  return (i) => finalize((start + i) >>> 0) / 2 ** 32;
}

function normal(seed: number): Generator {
  const u = uniform(seed);
  return (i) => {
    let sum = -TERMS / 2;
    for (let k = 0; k < TERMS; k++) sum += u(TERMS * i + k);
    return sum;
  };
}

/** Spreads 32 bits over 32 bits. */
function finalize(bits: number): number {
  let h = bits;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
