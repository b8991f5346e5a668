import { type Node, sub, type Types } from '#core';
import { readSlice } from '../_shared/slices.js';

/** Elements that a Slice cuts off at the ends of an axis. */
export interface Ends {
  readonly axis: number;
  readonly begin: number;
  readonly end: number;
}

/** What a Slice with steps of 1 cuts off at both ends of each axis; `undefined` where that depends on sizes, or is nothing. */
export function cutEnds(slice: Node, types: Types): readonly Ends[] | undefined {
  const shape = types.shape(slice.inputs[0]!);
  const ends: Ends[] = [];
  for (const { axis, start, end, step } of readSlice(slice, types) ?? []) {
    const behind = sub(shape?.[axis] ?? null, end);
    if (step !== 1 || typeof start !== 'number' || typeof behind !== 'number') return undefined;
    ends.push({ axis, begin: start, end: behind });
  }
  return ends.length > 0 ? ends : undefined;
}
