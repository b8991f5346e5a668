import type { Call, Kernel, Kernels } from './call.js';
import { allocate, arithmeticOf, type Elements, int64s, sizeOf, type Writable } from './elements.js';
import { axisOf, rowsAlong } from './index-maps.js';
import { withoutAxes } from './reductions.js';
import { unsupported } from './stop.js';

type Item = number | bigint;

/** Order of two numbers with NaN above all. */
function above(x: Item, y: Item): boolean {
  return x > y || (Number.isNaN(x) && !Number.isNaN(y));
}

function itemsOf({ dtype, data }: Elements): ArrayLike<Item> {
  if (arithmeticOf(dtype) === 'string') throw unsupported(`the order of ${dtype}`);
  return data as ArrayLike<Item>;
}

function argBest(better: (x: Item, y: Item) => boolean): Kernel {
  return (call) => {
    const x = call.input(0);
    call.spend(sizeOf(x));
    const axis = axisOf(call.int('axis'), x.shape.length);
    const last = call.maybeInt('select_last_index') === 1;
    const data = itemsOf(x);
    const { rows, places } = rowsAlong(x.shape, [axis]);
    const found = Array.from(rows, (row) => {
      let best = 0;
      for (let j = 1; j < places.length; j++) {
        const [now, kept] = [data[row + places[j]!]!, data[row + places[best]!]!];
        if (better(now, kept) || (last && !better(kept, now))) best = j;
      }
      return best;
    });
    return [int64s(withoutAxes(x.shape, [axis], call.int('keepdims') !== 0), found)];
  };
}

/** The k largest (smallest) of each row in order, equal ones by index. */
function topK(call: Call): readonly Elements[] {
  const x = call.input(0);
  const axis = axisOf(call.int('axis'), x.shape.length);
  const k = call.opset < 10 ? call.int('k') : (call.ints(1)?.[0] ?? 0);
  const sign = (call.maybeInt('largest') ?? 1) !== 0 ? 1 : -1;
  const data = itemsOf(x);
  const { rows, places } = rowsAlong(x.shape, [axis]);
  call.spend(sizeOf(x) * Math.ceil(Math.log2(places.length + 2)));
  const shape = x.shape.with(axis, Math.min(k, places.length));
  const target = rowsAlong(shape, [axis]);
  const values = allocate(x.dtype, target.rows.length * target.places.length);
  const indices = new BigInt64Array(values.length);
  rows.forEach((row, i) => {
    const order = [...places.keys()].sort((a, b) => {
      const [p, q] = [data[row + places[a]!]!, data[row + places[b]!]!];
      return above(p, q) ? -sign : above(q, p) ? sign : a - b;
    });
    target.places.forEach((place, j) => {
      const to = target.rows[i]! + place;
      (values as Writable)[to] = data[row + places[order[j]!]!];
      indices[to] = BigInt(order[j]!);
    });
  });
  return [
    { dtype: x.dtype, shape, data: values },
    { dtype: 'int64', shape, data: indices },
  ];
}

/** Sums or products up to each element of an axis. */
function cumulative(join: (x: never, y: never) => Item, start: 0 | 1): Kernel {
  return (call) => {
    const x = call.input(0);
    call.spend(sizeOf(x));
    const axis = axisOf(call.ints(1)?.[0] ?? 0, x.shape.length);
    const [exclusive, reverse] = [call.int('exclusive') !== 0, call.int('reverse') !== 0];
    const data = itemsOf(x);
    const made = allocate(x.dtype, sizeOf(x));
    const { rows, places } = rowsAlong(x.shape, [axis]);
    const order = reverse ? places.toReversed() : places;
    for (const row of rows) {
      let total: Item = arithmeticOf(x.dtype) === 'big' ? BigInt(start) : start;
      for (const place of order) {
        const next: Item = join(total as never, data[row + place] as never);
        (made as Writable)[row + place] = exclusive ? total : next;
        total = next;
      }
    }
    return [{ dtype: x.dtype, shape: x.shape, data: made }];
  };
}

/** Operators that go by order, or along an axis. */
export const RANKING: Kernels = {
  ArgMax: argBest((x, y) => x > y),
  ArgMin: argBest((x, y) => x < y),
  CumProd: cumulative((x: number, y: number) => x * y, 1),
  CumSum: cumulative((x: number, y: number) => x + y, 0),
  TopK: topK,
};
