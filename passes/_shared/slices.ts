import { add, type Dim, intsAttr, isProven, type Node, type Types } from '#core';
import { knownInts, normalAxis } from './facts.js';

/** What a Slice takes of one axis: `start`, `start + step`, … before `end`, both proven to lie within the axis. */
export interface SlicedAxis {
  readonly axis: number;
  readonly start: Dim;
  readonly end: Dim;
  readonly step: number;
}

/** The axes that a Slice cuts, with bounds counted from the front; `undefined` where they are not proven to lie within the axis. */
export function readSlice(node: Node, types: Types): readonly SlicedAxis[] | undefined {
  const shape = types.shape(node.inputs[0]!);
  const isInput = node.inputs.length > 1;
  const list = (index: number, name: string): readonly Dim[] | undefined =>
    isInput ? node.inputs[index] && types.elements(node.inputs[index])?.elements : intsAttr(node, name);
  const [starts, ends] = [list(1, 'starts'), list(2, 'ends')];
  const steps = node.inputs[4] ? knownInts(types, node.inputs[4]) : starts?.map(() => 1);
  const hasAxes = isInput ? node.inputs[3] !== undefined : node.attrs.has('axes');
  const axes = hasAxes
    ? isInput
      ? knownInts(types, node.inputs[3])
      : intsAttr(node, 'axes')
    : starts?.map((_, at) => at);
  if (!shape || !starts || !ends || !steps || !axes || ends.length !== starts.length) return undefined;
  const cut: SlicedAxis[] = [];
  for (const [at, each] of axes.entries()) {
    const axis = normalAxis(each, shape.length);
    const step = steps[at];
    if (axis === undefined || step === undefined || step <= 0) return undefined;
    const size = shape[axis] ?? null;
    const [start, end] = [within(starts[at] ?? null, size), within(ends[at] ?? null, size)];
    if (start === undefined || end === undefined) return undefined;
    if (start !== 0 || step !== 1 || end !== size) cut.push({ axis, start, end, step });
  }
  return new Set(cut.map(({ axis }) => axis)).size === cut.length ? cut : undefined;
}

/** Exporters write the ends of int32 and int64 for the end of an axis; no axis is as long. */
export const FAR = 2 ** 31 - 1;

/** A bound counted from the front, when it is proven to lie within the axis. */
function within(bound: Dim, size: Dim): Dim | undefined {
  if (bound === null || size === null) return undefined;
  if (typeof bound === 'number' && bound >= FAR) return size;
  if (isProven(bound, '>=', size)) return size;
  const front = isProven(bound, '<', 0) ? add(size, bound) : bound;
  return isProven(front, '>=', 0) && isProven(front, '<=', size) ? front : undefined;
}
