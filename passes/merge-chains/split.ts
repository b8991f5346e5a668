import { intAttr, isOp, type Node, Tensor, type Types, type Value } from '#core';
import { knownInts, normalAxis, onlyReader } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';
import { axesOf } from './reshape.js';
import { readSlice } from '../_shared/slices.js';

/** A Slice that takes `[start, end)` of one axis. */
interface Piece {
  readonly node: Node;
  readonly start: number;
  readonly end: number;
}

/** Slices of one value that cut an axis into parts are one Split. */
const slicesToSplit: NodeRule = {
  name: 'slices-to-split',
  summary: 'Slices that cut one axis of a value into parts become one Split',
  ops: ['Slice'],
  plan(node, { types }) {
    const opset = node.graph.opset('') ?? 0;
    const data = node.inputs[0];
    const cut = opset >= 2 && data && data.uses.size > 1 ? readSlice(node, types) : undefined;
    const [own] = cut ?? [];
    const size = data && own && types.shape(data)?.[own.axis];
    if (cut?.length !== 1 || !own || typeof size !== 'number') return undefined;
    const pieces = piecesOf(data!, own.axis, node, types);
    if (pieces.length < 2 || pieces[0]!.node !== node || !isPartition(pieces, size)) return undefined;
    const sizes = pieces.map(({ start, end }) => end - start);
    return (edit) => {
      const split = opset >= 13 ? edit.constant('', Tensor.int64([sizes.length], sizes)) : undefined;
      const attrs = { axis: own.axis, ...(opset < 13 && { split: sizes }) };
      const parts = edit.nodes(
        'Split',
        [data, split],
        attrs,
        sizes.map(() => ''),
      );
      pieces.forEach((piece, at) => edit.replace(piece.node.outputs[0]!, parts[at]!));
    };
  },
};

/** Slices of this value along this axis alone, by where they start; each range once. */
function piecesOf(data: Value, axis: number, near: Node, types: Types): readonly Piece[] {
  const pieces: Piece[] = [];
  for (const use of data.uses) {
    if (use.kind !== 'input' || use.index !== 0 || use.node.graph !== near.graph || !isOp(use.node, 'Slice')) continue;
    const [cut, more] = readSlice(use.node, types) ?? [];
    if (!cut || more || cut.axis !== axis || cut.step !== 1) continue;
    if (typeof cut.start === 'number' && typeof cut.end === 'number')
      pieces.push({ node: use.node, start: cut.start, end: cut.end });
  }
  return pieces.sort((a, b) => a.start - b.start || a.end - b.end || a.node.id - b.node.id);
}

function isPartition(pieces: readonly Piece[], size: number): boolean {
  let at = 0;
  for (const { start, end } of pieces) {
    if (start !== at || end <= start) return false;
    at = end;
  }
  return at === size;
}

/** Parts of size 1 whose axis is dropped at once are elements: one Gather each, and no Split. */
const splitToGathers: NodeRule = {
  name: 'split-squeeze',
  summary: 'Split into parts of size 1 that are all squeezed becomes Gathers',
  ops: ['Split'],
  plan(node, { types }) {
    const shape = types.shape(node.inputs[0]!);
    const axis = shape && normalAxis(intAttr(node, 'axis'), shape.length);
    if (axis === undefined || !shape || shape[axis] !== node.outputs.length || !isEven(node, types)) return undefined;
    const readers = node.outputs.map((value) => onlyReader(value));
    const isSqueezed = (reader: Node | undefined): boolean =>
      isOp(reader, 'Squeeze') &&
      reader.graph === node.graph &&
      axesOf(reader, shape.length, types)?.join() === String(axis);
    if (!readers.every(isSqueezed)) return undefined;
    return (edit) =>
      readers.forEach((reader, at) => {
        const index = edit.constant('', Tensor.int64([], [at]));
        edit.replace(reader!.outputs[0]!, edit.node('Gather', [node.inputs[0], index], { axis }));
      });
  },
};

function isEven(node: Node, types: Types): boolean {
  const sizes = node.inputs[1] ? knownInts(types, node.inputs[1]) : undefined;
  return node.inputs[1] ? (sizes?.every((size) => size === 1) ?? false) : !node.attrs.has('split');
}

/** Rules about Split. */
export const SPLIT_RULES: readonly NodeRule[] = [slicesToSplit, splitToGathers];
