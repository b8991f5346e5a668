import { elementCount, fromRawBytes, toRawBytes } from '../tensor/array.js';
import { byteLength } from '../tensor/dtype.js';
import type { Call, Kernels } from './call.js';
import { dtypeOf } from './cast.js';
import {
  arithmeticOf,
  type Elements,
  fromNumeric,
  int64s,
  integers,
  sizeOf,
  toNumeric,
  type Writable,
} from './elements.js';
import { axisOf, rowsAlong, take } from './index-maps.js';
import { reshaped } from './layout.js';
import { slab, stack } from './pieces.js';
import { invalid, unsupported } from './stop.js';

/** Order of two lists of equal length, element by element. */
function compareLists(x: ArrayLike<number | bigint | string>, y: ArrayLike<number | bigint | string>): number {
  for (let i = 0; i < x.length; i++) {
    if (x[i]! < y[i]!) return -1;
    if (x[i]! > y[i]!) return 1;
  }
  return 0;
}

/** The different slices along an axis (or elements), with where each was first, where each went, and how often it came. */
function unique(call: Call): readonly Elements[] {
  const given = call.input(0);
  const along = call.maybeInt('axis');
  const x = along === undefined ? reshaped(given, [sizeOf(given)]) : given;
  const axis = axisOf(along ?? 0, x.shape.length);
  const parts = Array.from({ length: x.shape[axis]! }, (_, i) => slab(x, axis, i));
  call.spend(sizeOf(x) * Math.ceil(Math.log2(parts.length + 2)));
  const byKey = new Map<string, number[]>();
  parts.forEach(({ data }, i) => {
    const key = Array.from(data as ArrayLike<unknown>, String).join();
    byKey.set(key, [...(byKey.get(key) ?? []), i]);
  });
  const groups = [...byKey.values()];
  if (call.int('sorted') !== 0) groups.sort((a, b) => compareLists(parts[a[0]!]!.data, parts[b[0]!]!.data));
  const inverse = Array<number>(parts.length).fill(0);
  groups.forEach((members, i) => members.forEach((member) => (inverse[member] = i)));
  const first = groups.map(([index]) => index!);
  if (groups.length === 0) throw unsupported('nothing');
  return [
    stack(
      first.map((index) => parts[index]!),
      axis,
    ),
    int64s([groups.length], first),
    int64s([parts.length], inverse),
    int64s(
      [groups.length],
      groups.map((members) => members.length),
    ),
  ];
}

/** The same bits under another type of as many. */
function bitCast(call: Call): readonly Elements[] {
  const x = call.input(0);
  const to = dtypeOf(call.int('to'));
  if (arithmeticOf(x.dtype) === 'string' || arithmeticOf(to) === 'string') throw invalid('strings have no bits');
  if (byteLength(x.dtype, 8) !== byteLength(to, 8)) throw invalid(`the bits of ${x.dtype} as ${to}`);
  return [fromNumeric(fromRawBytes(to, x.shape, toRawBytes(toNumeric(x))))];
}

/** A cache with the update of each batch written from an index on, around its end where circular. */
function tensorScatter(call: Call): readonly Elements[] {
  const [past, update] = [call.input(0), call.input(1)];
  const axis = axisOf(call.int('axis'), past.shape.length);
  const starts = call.ints(2);
  const [room, steps] = [past.shape[axis]!, update.shape[axis]!];
  const circular = call.text('mode') === 'circular';
  const made = take(
    past,
    Int32Array.from({ length: sizeOf(past) }, (_, i) => i),
    past.shape,
  );
  const [source, target] = [rowsAlong(update.shape, [axis]), rowsAlong(past.shape, [axis])];
  const perBatch = elementCount(past.shape.slice(1)) / room;
  source.rows.forEach((row, i) => {
    const start = starts?.[Math.floor(i / perBatch)] ?? 0;
    for (let j = 0; j < steps; j++) {
      const at = circular ? (start + j) % room : start + j;
      if (at >= room) throw invalid(`position ${at} of ${room}`);
      (made.data as Writable)[target.rows[i]! + target.places[at]!] = update.data[row + source.places[j]!];
    }
  });
  return [made];
}

/** How boxes and scores of NonMaxSuppression are laid out: boxes [B, N, 4] as corners or as centres. */
function overlap(p: readonly number[], q: readonly number[]): number {
  const side = (axis: 0 | 1): number =>
    Math.max(0, Math.min(p[axis + 2]!, q[axis + 2]!) - Math.max(p[axis]!, q[axis]!));
  const area = (box: readonly number[]): number => (box[2]! - box[0]!) * (box[3]! - box[1]!);
  const common = side(0) * side(1);
  const union = area(p) + area(q) - common;
  return common === 0 || union <= 0 ? 0 : common / union;
}

function cornersOf([a, b, c, d]: readonly number[], centred: boolean): readonly number[] {
  if (centred) return [b! - d! / 2, a! - c! / 2, b! + d! / 2, a! + c! / 2];
  return [Math.min(a!, c!), Math.min(b!, d!), Math.max(a!, c!), Math.max(b!, d!)];
}

/** Boxes by falling score, less those that overlap one taken before by more than a threshold. */
function nonMaxSuppression(call: Call): readonly Elements[] {
  const [boxes, scores] = [call.input(0), call.input(1)];
  const [batch, classes, count] = scores.shape as [number, number, number];
  const most = call.inputs[2] ? (integers(call.inputs[2])[0] ?? 0) : 0;
  const scalar = (index: number, missing: number): number => Number(call.inputs[index]?.data[0] ?? missing);
  const [limit, least] = [scalar(3, 0), scalar(4, -Infinity)];
  const centred = call.int('center_point_box') !== 0;
  call.spend(batch * classes * count * Math.max(1, Math.min(most, count)));
  const found: number[] = [];
  for (let b = 0; b < batch; b++) {
    const own = Array.from({ length: count }, (_, i) =>
      cornersOf(
        Array.from({ length: 4 }, (_none, k) => boxes.data[(b * count + i) * 4 + k] as number),
        centred,
      ),
    );
    for (let c = 0; c < classes; c++) {
      const score = (i: number): number => scores.data[(b * classes + c) * count + i] as number;
      const order = own.map((_, i) => i).filter((i) => score(i) > least);
      order.sort((i, j) => score(j) - score(i) || i - j);
      const taken: number[] = [];
      for (const i of order) {
        if (taken.length >= most) break;
        if (taken.every((j) => overlap(own[i]!, own[j]!) <= limit)) taken.push(i);
      }
      for (const i of taken) found.push(b, c, i);
    }
  }
  return [int64s([found.length / 3, 3], found)];
}

/** Operators that choose among what they are given, or write over it. */
export const SETS: Kernels = {
  BitCast: bitCast,
  NonMaxSuppression: nonMaxSuppression,
  TensorScatter: tensorScatter,
  Unique: unique,
};
