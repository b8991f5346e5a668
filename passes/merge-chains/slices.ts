import { type Dim, isOp, type Node, Tensor, type Types } from '#core';
import { knownInts, normalAxis, onlyReader, sameDim } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { FAR, readSlice, type SlicedAxis } from '../_shared/slices.js';

/** Two Slices in a row, where what both take is known. */
export const sliceChain: NodeRule = {
  name: 'slice-chain',
  summary: 'Slice of Slice becomes one Slice',
  ops: ['Slice'],
  plan(node, { types }) {
    const inner = node.inputs[0]?.producer;
    if ((node.graph.opset('') ?? 0) < 10 || !isOp(inner, 'Slice') || onlyReader(inner.outputs[0]!) !== node)
      return undefined;
    const merged = joinWritten(inner, node, types) ?? mergeCuts(readSlice(inner, types), readSlice(node, types));
    const size = (cut: SlicedAxis): Dim => types.shape(inner.inputs[0]!)?.[cut.axis] ?? null;
    const ends = merged?.map((cut) => endOf(cut, size(cut)));
    if (!merged || !ends?.every((end) => end !== undefined)) return undefined;
    return (edit) => {
      const list = (items: readonly (number | bigint)[]) => edit.constant('', Tensor.int64([merged.length], items));
      const operands = [
        list(merged.map((cut) => cut.start as number)),
        list(ends),
        list(merged.map((cut) => cut.axis)),
        list(merged.map((cut) => cut.step)),
      ];
      edit.replace(node.outputs[0]!, edit.node('Slice', [inner.inputs[0], ...operands]));
    };
  },
};

/** Beyond every axis. */
const END = 2n ** 63n - 1n;

/** The end of a cut as a constant; `undefined` when start or end depend on sizes otherwise. */
function endOf({ start, end }: SlicedAxis, size: Dim): number | bigint | undefined {
  if (typeof start !== 'number') return undefined;
  if (typeof end !== 'number') return sameDim(end, size) ? END : undefined;
  return end >= FAR ? END : end;
}

/** The cuts of two Slices as they are written, when they cut different axes: nothing needs to be known of their sizes. */
function joinWritten(inner: Node, outer: Node, types: Types): readonly SlicedAxis[] | undefined {
  const cuts = [inner, outer].map((node) => readWritten(node, types));
  const all = cuts.flatMap((each) => each ?? []);
  const isDistinct = new Set(all.map(({ axis }) => axis)).size === all.length;
  return cuts.includes(undefined) || !isDistinct ? undefined : all;
}

function readWritten(node: Node, types: Types): readonly SlicedAxis[] | undefined {
  const rank = types.shape(node.inputs[0]!)?.length;
  const [starts, ends, axes] = [1, 2, 3].map((index) => knownInts(types, node.inputs[index]));
  const steps = node.inputs[4] ? knownInts(types, node.inputs[4]) : starts?.map(() => 1);
  if (rank === undefined || !starts || !ends || !steps || (node.inputs[3] && !axes)) return undefined;
  const cuts = starts.map((start, at) => {
    const axis = normalAxis(axes ? axes[at] : at, rank);
    const [end, step] = [ends[at], steps[at]];
    const isExact = Math.abs(start) < FAR && end !== undefined && end > -FAR && step !== undefined;
    return axis === undefined || !isExact ? undefined : { axis, start, end: end!, step: step! };
  });
  return cuts.every((cut) => cut !== undefined) ? cuts : undefined;
}

function mergeCuts(
  inner: readonly SlicedAxis[] | undefined,
  outer: readonly SlicedAxis[] | undefined,
): readonly SlicedAxis[] | undefined {
  if (!inner || !outer) return undefined;
  const merged = new Map(inner.map((cut) => [cut.axis, cut]));
  for (const cut of outer) {
    const below = merged.get(cut.axis);
    if (!below) merged.set(cut.axis, cut);
    else {
      const { start, end, step } = below;
      if (typeof start !== 'number' || typeof end !== 'number') return undefined;
      if (typeof cut.start !== 'number' || typeof cut.end !== 'number') return undefined;
      merged.set(cut.axis, {
        axis: cut.axis,
        start: start + cut.start * step,
        end: Math.min(end, start + cut.end * step),
        step: step * cut.step,
      });
    }
  }
  return [...merged.values()].sort((a, b) => a.axis - b.axis);
}
