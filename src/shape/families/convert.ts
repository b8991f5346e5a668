import { shapeAttribute } from '../../diagnostics/codes/shape.js';
import { type Dim, equal, max, min } from '../../dim/dim.js';
import { findDType, isInteger } from '../../tensor/dtype.js';
import type { Family, NodeContext } from '../context.js';
import { like } from '../like.js';
import { roundElements } from '../fraction.js';
import { broadcastInputs, mapElements } from './elementwise.js';

const likeFirst = like();

/** Operators that keep the shape of their input and change, mask or choose elements. */
export const CONVERT: Family = {
  BitCast: inferBitCast,
  Cast: inferCast,
  CastLike: inferCastLike,
  Clip: inferClip,
  CumProd: likeFirst,
  CumSum: likeFirst,
  Dropout: inferDropout,
  ReverseSequence: likeFirst,
  Trilu: likeFirst,
  Where: inferWhere,
  'com.microsoft.Trilu': likeFirst,
};

/** Cast (1: `to` is a name; 6, 9, 13, 19 and later): element type `to`. */
function inferCast(cx: NodeContext): void {
  const to = cx.attribute('to');
  const number = to?.type === 'STRING' ? NAMES.get(new TextDecoder().decode(to.value)) : cx.int('to');
  const dtype = findDType(number ?? 0);
  if (number !== undefined && !dtype) cx.problem(shapeAttribute(cx.at, 'to', `${number} is no element type`));
  cx.output(0, cx.shape(0), dtype);
  castElements(cx);
}

const NAMES: ReadonlyMap<string, number> = new Map(
  'FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64'
    .split(' ')
    .map((name, index) => [name, index + 1]),
);

/** BitCast (26): the bits of the input as element type `to`, which is as wide. */
function inferBitCast(cx: NodeContext): void {
  cx.output(0, cx.shape(0), cx.dtypeAttribute('to'));
}

/** CastLike (15 and later): the element type of input 1. */
function inferCastLike(cx: NodeContext): void {
  cx.output(0, cx.shape(0));
  castElements(cx);
}

function castElements(cx: NodeContext): void {
  const type = cx.results[0]?.type;
  const isBool = type?.kind === 'tensor' && type.dtype === 'bool';
  mapElements(cx, [0], ([item = null]) => (!isBool ? item : typeof item === 'number' ? Number(item !== 0) : null));
  if (type?.kind === 'tensor' && type.dtype && isInteger(type.dtype)) roundElements(cx, 'truncate');
}

/** Clip (1, 6: attributes; 11: inputs): `min(max(x, low), high)`. */
function inferClip(cx: NodeContext): void {
  cx.output(0, cx.shape(0));
  if (cx.since < 11) return;
  const [low, high] = [cx.scalar(1), cx.scalar(2)];
  mapElements(cx, [0], ([item = null]) => {
    const raised = cx.has(1) ? max(item, low) : item;
    return cx.has(2) ? min(raised, high) : raised;
  });
}

/** Dropout (1, 6, 7, 10, 12 and later): output and mask are shaped as the input; the mask is bool since version 10. */
function inferDropout(cx: NodeContext): void {
  cx.output(0, cx.shape(0));
  if (cx.outputCount > 1) cx.output(1, cx.outputShape(0), cx.since >= 10 ? 'bool' : cx.dtype(0));
}

/** Where (9, 16): all three inputs broadcast. */
function inferWhere(cx: NodeContext): void {
  cx.output(0, broadcastInputs(cx, [0, 1, 2]));
  const hasCondition = cx.elements(0) !== undefined;
  mapElements(cx, hasCondition ? [0, 1, 2] : [1, 1, 2], (items) =>
    choose(hasCondition ? items : [null, ...items.slice(1)]),
  );
}

function choose([condition = null, left = null, right = null]: readonly Dim[]): Dim {
  if (condition === 1) return left;
  if (condition === 0) return right;
  return equal(left, right) ? left : null;
}
