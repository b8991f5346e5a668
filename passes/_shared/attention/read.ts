import {
  constantOf,
  type Dim,
  equal,
  intAttr,
  intsAttr,
  isOp,
  type Node,
  type Shape,
  type Types,
  type Value,
} from '#core';
import { sameDims } from '../facts.js';
import { agree } from './dims.js';
import { type Packed, packedOf } from './packed.js';

/** Queries, keys or values, `[batch, heads, length, size]`, as the model has them; at least one of `split` and `folded` is there. */
export interface Heads {
  /** `[batch, heads, length, size]`; `[batch, length, size]` of a single head. */
  readonly split: Value | undefined;
  /** `[batch, length, heads, size]`: what `split` is, or would be, a transposition of. */
  readonly folded: Value | undefined;
  /** `[batch, length, heads · size]`: what `folded` is a reshaping of. */
  readonly merged: Value | undefined;
  /** Where it is one of several parts of a value `[batch, length, parts · heads · size]`. */
  readonly packed: Packed | undefined;
  /** `[batch, heads, length, size]`, or `[batch, length, size]`. */
  readonly shape: Shape;
}

/** Something added to the scores, or that hides some of them. */
export type Mask =
  | { readonly kind: 'add'; readonly value: Value }
  | { readonly kind: 'where'; readonly condition: Value; readonly fill: Value; readonly keeps: boolean };

/** Scaled dot product attention: softmax(scale · q · kᵀ + masks) · v. */
export interface AttentionReading {
  readonly q: Heads;
  readonly k: Heads;
  readonly v: Heads;
  /** Positive and finite. */
  readonly scale: number;
  /** In the order in which they are applied. */
  readonly masks: readonly Mask[];
  /** Whether rows without any score are zeros, not NaN. */
  readonly guarded: boolean;
}

/** A fill that is at most this hides a score whatever its value: what is added to it is lost in rounding. */
const HIDING = -1e30;

/**
 * Reads attention from the value under its softmax and its values; a text says what is missing. Factors may stand before or after the
 * product and on either side, keys may be transposed by one Transpose or within a reshaping to rank 3, keys and values may be repeated
 * over groups of heads, and up to two additions or `Where` may mask the scores.
 */
export function readAttention(
  underSoftmax: Value,
  values: Value,
  types: Types,
): Omit<AttentionReading, 'guarded'> | string {
  const chain = readScores(underSoftmax, types);
  if (typeof chain === 'string') return chain;
  const [left, right] = chain.product.inputs as readonly [Value, Value];
  const [queries, turned] = [peelFactors(left), peelFactors(right)];
  const keys = untranspose(turned.value, types);
  if (!keys) return 'the keys are not transposed';
  const bare = peelFactors(keys.value);
  const scale = chain.scale * queries.scale * turned.scale * bare.scale;
  if (!(scale > 0 && Number.isFinite(scale))) return `the scale is ${scale}, not positive`;
  const q = headsOf(queries.value, types);
  const k = keys.folded ? foldedHeads(bare.value, types) : headsOf(ungroup(bare.value, types), types);
  const v = headsOf(ungroup(values, types), types);
  const scores = types.shape(chain.product.outputs[0]!);
  if (!q || !k || !v || !scores) return 'shapes are unknown';
  return findMisfit(q, k, v, scores) ?? { q, k, v, scale, masks: chain.masks };
}

interface Chain {
  readonly product: Node;
  readonly scale: number;
  readonly masks: readonly Mask[];
}

/** From the softmax down to the product of queries and keys; each value on the way is read once only. */
function readScores(start: Value, types: Types): Chain | string {
  const masks: Mask[] = [];
  let scale = 1;
  let at = start;
  for (;;) {
    const node = at.producer;
    if (!node || at.uses.size !== 1) return 'the scores are used elsewhere, or are not a product';
    if (node.op === 'MatMul') return { product: node, scale, masks: masks.reverse() };
    const factor = factorOf(node);
    const step = factor || scale !== 1 ? undefined : readMask(node, at, types);
    if (factor) scale *= factor.scale;
    else if (step && masks.length < 2) masks.push(step.mask);
    else return `${node.op} stands between the product and the softmax`;
    at = (factor?.value ?? step?.inner)!;
  }
}

function readMask(node: Node, masked: Value, types: Types): { mask: Mask; inner: Value } | undefined {
  if (node.op === 'Add') {
    const [a, b] = node.inputs as readonly [Value, Value];
    const isInner = (value: Value): boolean => leadsToProduct(value) && keepsShape(value, masked, types);
    if (isInner(a)) return { mask: { kind: 'add', value: b }, inner: a };
    return isInner(b) ? { mask: { kind: 'add', value: a }, inner: b } : undefined;
  }
  if (!isOp(node, 'Where')) return undefined;
  const [condition, a, b] = node.inputs as readonly [Value, Value, Value];
  const keeps = !hides(a);
  const [inner, fill] = keeps ? [a, b] : [b, a];
  if (!hides(fill) || !keepsShape(inner, masked, types)) return undefined;
  return { mask: { kind: 'where', condition, fill, keeps }, inner };
}

function hides(value: Value): boolean {
  const fill = constantOf(value)?.scalar();
  return fill !== undefined && fill <= HIDING;
}

/** Whether a value comes from a product by factors and masks alone. */
function leadsToProduct(value: Value): boolean {
  const stack = [{ value, depth: 0 }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    const node = top.value.producer;
    if (node?.op === 'MatMul') return true;
    if (top.depth > 3 || !isOp(node, 'Add', 'Mul', 'Div', 'Where')) continue;
    for (const input of node.inputs) if (input) stack.push({ value: input, depth: top.depth + 1 });
  }
  return false;
}

/** Whether a mask leaves the shape of what it is put on as it is. */
function keepsShape(inner: Value, masked: Value, types: Types): boolean {
  const [one, other] = [types.shape(inner), types.shape(masked)];
  return one?.length === other?.length && one !== undefined && one.every((dim, axis) => agree(dim, other![axis]!));
}

interface Factor {
  readonly value: Value;
  readonly scale: number;
}

/** The operand of a product with one number, and that number. */
function factorOf(node: Node): Factor | undefined {
  if (!isOp(node, 'Mul', 'Div')) return undefined;
  const [a, b] = node.inputs as readonly [Value, Value];
  const by = numberOf(b);
  if (by !== undefined) return { value: a, scale: node.opType === 'Mul' ? by : 1 / by };
  const times = node.opType === 'Mul' ? numberOf(a) : undefined;
  return times === undefined ? undefined : { value: b, scale: times };
}

function numberOf(value: Value): number | undefined {
  const tensor = constantOf(value);
  return tensor && tensor.shape.length <= 1 ? tensor.scalar() : undefined;
}

function peelFactors(value: Value): Factor {
  let found: Factor = { value, scale: 1 };
  for (let node = value.producer; node; node = found.value.producer) {
    const factor = factorOf(node);
    if (!factor) break;
    found = { value: factor.value, scale: found.scale * factor.scale };
  }
  return found;
}

/** What transposed keys were before: split by heads, or still folded. */
function untranspose(value: Value, types: Types): { readonly value: Value; readonly folded: boolean } | undefined {
  const node = value.producer;
  if (isOp(node, 'Transpose')) {
    const perm = permOf(node);
    const input = node.inputs[0]!;
    if (perm === '0,1,3,2' || perm === '0,2,1') return { value: input, folded: false };
    return perm === '0,2,3,1' ? { value: input, folded: true } : undefined;
  }
  const split = reshapedAtRank3(node);
  const [before, after] = [split && types.shape(split), types.shape(value)];
  if (!split || !before || !after) return undefined;
  const [batch, heads, length, size] = withoutLeadingOne(before) as readonly [Dim, Dim, Dim, Dim];
  return sameDims([batch, heads, size, length], after) ? { value: split, folded: false } : undefined;
}

/** The value under Reshape, Transpose of the last two of three axes, Reshape. */
function reshapedAtRank3(node: Node | undefined): Value | undefined {
  const turn = isOp(node, 'Reshape') ? node.inputs[0]?.producer : undefined;
  if (!isOp(turn, 'Transpose') || permOf(turn) !== '0,2,1') return undefined;
  const flat = turn.inputs[0]?.producer;
  return isOp(flat, 'Reshape') ? flat.inputs[0] : undefined;
}

function permOf(node: Node): string {
  return (intsAttr(node, 'perm') ?? []).join();
}

/** What a value repeats over groups of heads by Unsqueeze, Expand, Reshape: `[batch, groups, length, size]`; else the value itself. */
function ungroup(value: Value, types: Types): Value {
  const node = value.producer;
  const expand = isOp(node, 'Reshape') ? node.inputs[0]?.producer : undefined;
  const unsqueeze = isOp(expand, 'Expand') ? expand.inputs[0]?.producer : undefined;
  const groups = isOp(unsqueeze, 'Unsqueeze') ? unsqueeze.inputs[0] : undefined;
  if (!groups || !expand) return value;
  const shapes = [groups, expand.inputs[0]!, expand.outputs[0]!, value].map((each) => types.shape(each));
  const [from, one, many, to] = shapes;
  if (from?.length !== 4 || many?.length !== 5 || !one || !to) return value;
  const [batch, heads, length, size] = from as readonly [Dim, Dim, Dim, Dim];
  const repeats = many[2];
  if (typeof heads !== 'number' || typeof repeats !== 'number') return value;
  const fits =
    sameDims(one, [batch, heads, 1, length, size]) &&
    sameDims(many, [batch, heads, repeats, length, size]) &&
    sameDims(to, [batch, heads * repeats, length, size]);
  return fits ? groups : value;
}

/** How a matrix came to have its heads apart; `undefined` when its shape is unknown, or not that of heads. */
export function headsOf(split: Value, types: Types): Heads | undefined {
  const whole = types.shape(split);
  const shape = whole && withoutLeadingOne(whole);
  if (shape?.length !== 4 && shape?.length !== 3) return undefined;
  const node = split.producer;
  const folded = isOp(node, 'Transpose') && permOf(node) === '0,2,1,3' ? node.inputs[0]! : undefined;
  return { split, folded, merged: folded && mergedOf(folded, types), packed: packedOf(split, shape, types), shape };
}

/** Splitting a stack leaves an axis of length 1 in front, which a later Reshape may drop. */
function withoutLeadingOne(shape: Shape): Shape {
  return shape.length === 5 && shape[0] === 1 ? shape.slice(1) : shape;
}

function foldedHeads(folded: Value, types: Types): Heads | undefined {
  const shape = types.shape(folded);
  if (shape?.length !== 4) return undefined;
  const [batch, length, heads, size] = shape as readonly [Dim, Dim, Dim, Dim];
  return {
    split: undefined,
    folded,
    merged: mergedOf(folded, types),
    packed: undefined,
    shape: [batch, heads, length, size],
  };
}

function mergedOf(folded: Value, types: Types): Value | undefined {
  const node = folded.producer;
  const merged = isOp(node, 'Reshape') ? node.inputs[0] : undefined;
  const [to, from] = [types.shape(folded), merged && types.shape(merged)];
  if (to?.length !== 4 || from?.length !== 3) return undefined;
  const [batch, length, heads, size] = to as readonly [Dim, Dim, Dim, Dim];
  if (typeof heads !== 'number' || typeof size !== 'number') return undefined;
  return sameDims(from, [batch, length, heads * size]) ? merged : undefined;
}

/** Whether a softmax works on the last axis; its rank must be known for that. */
export function isOverLastAxis(softmax: Node, types: Types): boolean {
  const rank = types.shape(softmax.outputs[0]!)?.length;
  const axis = intAttr(softmax, 'axis');
  return rank !== undefined && (axis === -1 || axis === rank - 1);
}

/** Products broadcast over batch and heads, attention does not. */
function findMisfit(q: Heads, k: Heads, v: Heads, scores: Shape): string | undefined {
  if (k.shape.length !== q.shape.length || v.shape.length !== q.shape.length) return 'ranks differ';
  const [length, size] = [q.shape.at(-2)!, q.shape.at(-1)!];
  const lead = q.shape.slice(0, -2);
  if (!sameDims([...lead, length, k.shape.at(-2)!], scores))
    return 'the scores have another shape than queries and keys make';
  if (!equal(size, k.shape.at(-1)!)) return 'queries and keys differ in size';
  if (!sameDims(k.shape.slice(0, -1), v.shape.slice(0, -1))) return 'keys and values differ in batch, heads or length';
  if (!equal(lead[0]!, k.shape[0]!)) return 'queries and keys differ in batch';
  if (lead.length === 1 || equal(lead[1]!, k.shape[1]!)) return undefined;
  const [heads, groups] = [lead[1]!, k.shape[1]!];
  const divides = typeof heads === 'number' && typeof groups === 'number' && heads % groups === 0;
  return divides ? undefined : 'the heads of queries are no multiple of those of keys';
}
