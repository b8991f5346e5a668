import type { Call, Kernels } from './call.js';
import { arithmeticOf, type Elements, sizeOf, type Writable } from './elements.js';
import { elementPlaces, tuplePlaces } from './select.js';
import { invalid, unsupported } from './stop.js';

type Merge = (old: never, next: never) => unknown;

/** How what is scattered meets what is there, by the attribute `reduction`. */
function merge(reduction: string, dtype: Elements['dtype']): Merge | undefined {
  const arithmetic = arithmeticOf(dtype);
  if (reduction === '' || reduction === 'none') return undefined;
  if (arithmetic === 'string') throw unsupported(`reduction ${reduction} of ${dtype}`);
  const big = arithmetic === 'big';
  const merges: Readonly<Record<string, Merge>> = {
    add: (x: number, y: number) => x + y,
    mul: big || arithmetic === 'float' ? (x: number, y: number) => x * y : Math.imul,
    max: big ? (x: bigint, y: bigint) => (x > y ? x : y) : Math.max,
    min: big ? (x: bigint, y: bigint) => (x < y ? x : y) : Math.min,
  };
  const found = Object.hasOwn(merges, reduction) ? merges[reduction] : undefined;
  if (!found) throw invalid(`reduction ${reduction}`);
  return found;
}

/** A copy with some elements replaced, later ones over earlier ones. */
function replaced(call: Call, x: Elements, updates: Elements, placeOf: (index: number) => number): readonly Elements[] {
  if (x.dtype !== updates.dtype) throw invalid(`updates of ${updates.dtype} for ${x.dtype}`);
  call.spend(sizeOf(x) + sizeOf(updates));
  const join = merge(call.text('reduction'), x.dtype);
  const data = x.data.slice() as unknown as Writable;
  for (let i = 0; i < updates.data.length; i++) {
    const at = placeOf(i);
    const next = updates.data[i];
    data[at] = join ? join(data[at] as never, next as never) : next;
  }
  return [{ ...x, data: data as unknown as Elements['data'] }];
}

function scatterElements(call: Call): readonly Elements[] {
  const [x, indices, updates] = [call.input(0), call.input(1), call.input(2)];
  if (sizeOf(indices) !== sizeOf(updates)) throw invalid('as many updates as indices are needed');
  const places = elementPlaces(x.shape, indices, call.int('axis'));
  return replaced(call, x, updates, (i) => places[i]!);
}

function scatterNd(call: Call): readonly Elements[] {
  const [x, indices, updates] = [call.input(0), call.input(1), call.input(2)];
  const { starts, run } = tuplePlaces(x.shape, indices, 0);
  if (sizeOf(updates) !== starts.length * run) throw invalid('the updates do not fit the indices');
  return replaced(call, x, updates, (i) => starts[Math.floor(i / run)]! + (i % run));
}

/** Operators that put elements in place by position. */
export const SCATTER: Kernels = { Scatter: scatterElements, ScatterElements: scatterElements, ScatterND: scatterNd };
