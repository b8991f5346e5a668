import { type Dim, divides, mod } from '../../dim/dim.js';
import { type Shape, tensorType, type Type } from '../../ir/type.js';
import type { Family, Infer, NodeContext } from '../context.js';
import { joinTypes } from '../fact.js';

/** The element type of a sequence or optional input. */
function elementOf(cx: NodeContext, input: number): Type | undefined {
  const type = cx.input(input);
  return type?.kind === 'sequence' || type?.kind === 'optional' ? type.element : undefined;
}

function sequenceOf(element: Type | undefined): Type {
  return { kind: 'sequence', ...(element && { element }) };
}

/** Sets a type; a tensor's unknown dims become symbols of their own: two elements of a sequence may differ there. */
function outputElement(cx: NodeContext, index: number, type: Type | undefined): void {
  if (type?.kind === 'tensor') cx.output(index, type.shape, type.dtype);
  else if (type !== undefined) cx.outputType(index, type);
}

/** What holds of either; sizes that differ are unknown, for elements of one sequence need not agree. */
function joined(a: Type | undefined, b: Type | undefined): Type | undefined {
  return joinTypes(a, b, () => null);
}

/** SequenceConstruct 11: a sequence of what all inputs have in common. */
const construct: Infer = (cx) => {
  let element = cx.input(0);
  for (let i = 1; i < cx.inputCount; i++) element = joined(element, cx.input(i));
  cx.outputType(0, sequenceOf(element));
};

/** SequenceEmpty 11: a sequence of tensors of the type of `dtype` (float32 without it). */
const empty: Infer = (cx) => {
  cx.results[0] = { type: sequenceOf(tensorType(cx.dtypeAttribute('dtype') ?? 'float32')), isEmpty: true };
};

/** SequenceAt 11: an element. */
const at: Infer = (cx) => outputElement(cx, 0, elementOf(cx, 0));

/** SequenceErase 11: as the input. */
const erase: Infer = (cx) => cx.outputType(0, cx.input(0));

/**
 * The type of an element that is added. A body runs again with other sizes: those that hang on fresh symbols say nothing of the
 * elements that other rounds add.
 */
function added(cx: NodeContext, input: number): Type | undefined {
  const type = cx.input(input);
  if (cx.node.graph.role.kind === 'main' || type?.kind !== 'tensor' || type.shape === undefined) return type;
  return tensorType(
    type.dtype,
    type.shape.map((dim) => (cx.mayVary(dim) ? null : dim)),
  );
}

/** SequenceInsert 11: a sequence of what its elements and the inserted tensor have in common. */
const insert: Infer = (cx) => {
  const element = cx.fact(0).isEmpty === true ? added(cx, 1) : joined(elementOf(cx, 0), added(cx, 1));
  cx.outputType(0, sequenceOf(element));
};

/** SequenceLength 11: a scalar. */
const scalar: Infer = (cx) => cx.output(0, []);

/** The length of every piece along the split axis; `null` where pieces may differ. */
function pieceLength(cx: NodeContext, size: Dim): Dim {
  if (!cx.has(1)) return 1;
  const rank = cx.shape(1)?.length;
  const lengths = cx.list(1);
  const [first] = lengths ?? [];
  if (rank === undefined || lengths === undefined || first === undefined) return null;
  if (rank === 0) return divides(first, size) || mod(size, first) === 0 ? first : null;
  return lengths.every((length) => length === first) ? first : null;
}

/** SplitToSequence 11-24: pieces along `axis`; without `split` they have length 1, and lose the axis with `keepdims` 0. */
const splitToSequence: Infer = (cx) => {
  const shape = cx.shape(0);
  const axis = shape && cx.axis(cx.int('axis') ?? 0, shape.length);
  if (shape === undefined || axis === undefined) return cx.outputType(0, sequenceOf(tensorType(cx.dtype(0))));
  const drops = !cx.has(1) && cx.int('keepdims') === 0;
  const piece = pieceLength(cx, shape[axis] ?? null);
  const element = drops ? shape.filter((_, i) => i !== axis) : shape.map((size, i) => (i === axis ? piece : size));
  cx.outputType(0, sequenceOf(tensorType(cx.dtype(0), element)));
};

/** ConcatFromSequence 11: the elements joined along `axis`, or along a new axis there with `new_axis`; how many there are is data. */
const concatFromSequence: Infer = (cx) => {
  const element = elementOf(cx, 0);
  const tensor = element?.kind === 'tensor' ? element : undefined;
  const stack = cx.int('new_axis') === 1;
  const rank = tensor?.shape === undefined ? undefined : tensor.shape.length + (stack ? 1 : 0);
  const axis = rank === undefined ? undefined : cx.axis(cx.int('axis'), rank);
  if (tensor?.shape === undefined || axis === undefined) return cx.output(0, undefined, tensor?.dtype);
  const rest: Shape = stack ? tensor.shape : tensor.shape.filter((_, i) => i !== axis);
  cx.output(0, [...rest.slice(0, axis), null, ...rest.slice(axis)], tensor.dtype);
};

/** Optional 15-28: an optional of the input's type, or of what the attribute `type` says when there is no input. */
const optional: Infer = (cx) => {
  const type = cx.input(0);
  if (cx.has(0)) cx.outputType(0, { kind: 'optional', ...(type && { element: type }) });
};

/** OptionalGetElement 15-28: what is inside; since 18 an input that is no optional is passed on. */
const getElement: Infer = (cx) => {
  const type = cx.input(0);
  if (type?.kind === 'optional') outputElement(cx, 0, type.element);
  else cx.same(0, 0);
};

/** OptionalHasElement 15-28: a scalar. */
export const SEQUENCE: Family = {
  ConcatFromSequence: concatFromSequence,
  Optional: optional,
  OptionalGetElement: getElement,
  OptionalHasElement: scalar,
  SequenceAt: at,
  SequenceConstruct: construct,
  SequenceEmpty: empty,
  SequenceErase: erase,
  SequenceInsert: insert,
  SequenceLength: scalar,
  SplitToSequence: splitToSequence,
};
