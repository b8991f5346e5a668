import { constantOf, type Dim, equal, type Node, type Shape, type Tensor, type Types, type Value } from '#core';

/** Whether two shapes are proven to be the same for every size of the symbols. */
export function sameDims(a: Shape | undefined, b: Shape | undefined): boolean {
  if (!a || !b || a.length !== b.length) return false;
  return a === b || a.every((dim, axis) => sameDim(dim, b[axis] ?? null));
}

/** Whether two sizes are proven to be the same for every size of the symbols. */
export function sameDim(a: Dim, b: Dim): boolean {
  return a !== null && (a === b || equal(a, b));
}

/** Whether two tensors are proven to have the same shape. */
export function haveSameShape(types: Types, a: Value | undefined, b: Value | undefined): boolean {
  return a !== undefined && b !== undefined && (a === b || sameDims(types.shape(a), types.shape(b)));
}

/** The elements of a small integer tensor where all are known and stand for themselves. */
export function knownInts(types: Types, value: Value | undefined): readonly number[] | undefined {
  const elements = value && types.elements(value)?.elements;
  return elements?.every((item) => typeof item === 'number') ? (elements as readonly number[]) : undefined;
}

/** Tensors above this many elements are not searched for a common value. */
const MAX_UNIFORM = 1 << 16;

const uniform = new WeakMap<Tensor, { readonly value: number | undefined }>();

/** The number that every element of a constant is, by its bits (−0 is not +0); `undefined` for others, empty and large ones. */
export function uniformValue(value: Value | undefined): number | undefined {
  const tensor = constantOf(value);
  if (!tensor || tensor.size === 0 || tensor.size > MAX_UNIFORM) return undefined;
  const known = uniform.get(tensor);
  if (known) return known.value;
  const found = findUniform(tensor);
  uniform.set(tensor, { value: found });
  return found;
}

function findUniform(tensor: Tensor): number | undefined {
  if (tensor.dtype === 'string' || tensor.dtype.startsWith('complex')) return undefined;
  const items = tensor.floats();
  const [first] = items;
  return items.every((item) => Object.is(item, first)) ? first : undefined;
}

/** The only node that reads a value, when no graph output and nothing else reads it. */
export function onlyReader(value: Value): Node | undefined {
  if (value.uses.size !== 1) return undefined;
  const [use] = value.uses;
  return use?.kind === 'input' ? use.node : undefined;
}

/** An axis counted from the front; `undefined` when it is outside of `[-rank, rank)`. */
export function normalAxis(axis: number | undefined, rank: number): number | undefined {
  if (axis === undefined || axis < -rank || axis >= rank) return undefined;
  return axis < 0 ? axis + rank : axis;
}

/** The value that this one is a copy of: through Identity, Dropout outside of training, and Cast to the dtype that is there. */
export function original(types: Types, value: Value): Value {
  let at = value;
  for (let from = copiedBy(types, at); from; from = copiedBy(types, at)) at = from;
  return at;
}

const COPIES = ['Identity', 'Cast', 'CastLike'];

function copiedBy(types: Types, value: Value): Value | undefined {
  const node = value.producer;
  const from = node?.inputs[0];
  if (!node || !from || node.outputs[0] !== value) return undefined;
  if (node.op === 'Dropout') return node.inputs[2] ? undefined : from;
  const dtype = types.dtype(from);
  const isKept = dtype !== undefined && dtype === types.dtype(value);
  return isKept && COPIES.includes(node.opType) && node.domain === '' ? from : undefined;
}
