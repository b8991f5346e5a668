import {
  any,
  constantOf,
  type Dim,
  type Edit,
  equal,
  intAttr,
  intsAttr,
  isOp,
  type Match,
  no,
  type Node,
  ok,
  op,
  type Rule,
  Tensor,
  type Types,
  type Value,
  type Verdict,
} from '#core';
import { readDoubled, rebuildHalf } from './doubled.js';

const x = any('input');
const cosine = any('cosine');
const sine = any('sine');
const first = any('first half');
const second = any('second half');
const isLast = { axis: (axis?: number) => axis === -1 || axis === 3 };
const turned = op.Concat(op.Neg(second), first, isLast);
const rotated = op.Add(op.Mul(x, cosine), op.Mul(turned, sine));

/** Rotation of the halves of each head (Su et al. 2021, arXiv:2104.09864, eq. 34, with halves in place of pairs). */
const whole: Rule = {
  name: 'rotary-embedding',
  summary: 'x · cos + (−x₂, x₁) · sin becomes RotaryEmbedding',
  root: 'Add',
  minOpset: 23,
  dtypes: ['float32'],
  pattern: rotated,
  check,
  rewrite(m, edit) {
    const input = m.value(x);
    const caches = [cosine, sine].map((each) => cache(edit, m.value(each), input, m.types));
    return rotate(edit, input, caches, m.types, {});
  },
};

const rotatedPart = op.RotaryEmbedding(x, cosine, sine, { rotary_embedding_dim: (size?: number) => (size ?? 0) === 0 });
const rest = any('rest');

const part: Rule = {
  name: 'partial-rotary-embedding',
  summary: 'RotaryEmbedding of the first part of each head, with the rest behind it, becomes one of the head',
  root: 'Concat',
  minOpset: 23,
  dtypes: ['float32'],
  pattern: op.Concat(rotatedPart, rest, isLast),
  check: (m) => (sourceOfParts(m) ? ok : no('they are not the two parts of one head', m.root)),
  rewrite(m, edit) {
    const size = m.shape(x)!.at(-1) as number;
    const caches = [m.value(cosine), m.value(sine)];
    return rotate(edit, sourceOfParts(m)!, caches, m.types, { rotary_embedding_dim: size });
  },
};

/** The rules of rotary embeddings. */
export const ROTARY_RULES: readonly Rule[] = [whole, part];

function check(m: Match): Verdict {
  const shape = m.shape(x);
  const size = shape?.at(-1);
  if (shape?.length !== 4 || typeof size !== 'number' || size % 2 !== 0)
    return no('the input is not `[batch, heads, length, size]`');
  if (typeof shape[1] !== 'number') return no('the number of heads is unknown');
  const halves = size / 2;
  if (!isSection(m.value(first), m.value(x), 0, halves) || !isSection(m.value(second), m.value(x), halves, size)) {
    return no('what is turned are not the halves of the input', m.node(turned));
  }
  for (const each of [cosine, sine]) {
    const found = m.shape(each);
    const [batch, one, length, width] = found?.length === 2 ? [1, 1, ...found] : (found ?? []);
    const fits = found?.length === 2 || found?.length === 4;
    if (
      !fits ||
      one !== 1 ||
      width !== size ||
      !equal(length!, shape[2]!) ||
      !(batch === 1 || equal(batch!, shape[0]!))
    ) {
      return no(`${each.label} is not \`[batch or 1, 1, length, size]\``, m.value(each));
    }
    if (!readDoubled(m.value(each), m.types))
      return no(`the halves of ${each.label} are not known to be equal`, m.value(each));
  }
  return ok;
}

/** Whether a value is elements `from` to `to` of the last axis of `whole`, by Split or Slice. */
function isSection(value: Value, source: Value, from: number, to: number): boolean {
  const { def } = value;
  if (def.kind !== 'node' || def.node.inputs[0] !== source) return false;
  const { node, index } = def;
  if (node.op === 'Split') {
    const sizes = constantOf(node.inputs[1])?.ints().map(Number);
    const size = to - from;
    const starts = sizes ? sizes.slice(0, index).reduce((sum, each) => sum + each, 0) : index * size;
    const isWide = sizes ? sizes[index] === size : node.outputs.length * size === 2 * size;
    return isLastAxis(intAttr(node, 'axis')) && isWide && starts === from;
  }
  return node.op === 'Slice' && isSlice(node, from, to);
}

function isLastAxis(axis: number | undefined): boolean {
  return axis === -1 || axis === 3;
}

function isSlice(node: Node, from: number, to: number): boolean {
  const [start, end, axis, step] = [1, 2, 3, 4].map((i) => constantOf(node.inputs[i])?.scalar());
  if ((node.inputs[4] && step !== 1) || !isLastAxis(axis)) return false;
  return start === from && end !== undefined && (end === to || (from > 0 && end >= to));
}

/** The head that the rotated part and the rest are parts of. */
function sourceOfParts(m: Match): Value | undefined {
  const [size, more] = [m.shape(x)?.at(-1), m.shape(rest)?.at(-1)];
  const source = m.value(x).producer?.inputs[0];
  const shape = source && m.types.shape(source);
  if (typeof size !== 'number' || typeof more !== 'number' || shape?.at(-1) !== size + more || shape.length !== 4)
    return undefined;
  const fits = isSection(m.value(x), source!, 0, size) && isSection(m.value(rest), source!, size, size + more);
  return fits && typeof shape[1] === 'number' ? source : undefined;
}

/** Rotates heads side by side where they can be had so: what moves them apart stands behind then, where attention takes it away. */
function rotate(
  edit: Edit,
  input: Value,
  caches: readonly Value[],
  types: Types,
  attrs: Record<string, number>,
): Value {
  const turn = input.producer;
  const folded = isOp(turn, 'Transpose') && intsAttr(turn, 'perm')?.join() === '0,2,1,3' ? turn.inputs[0]! : undefined;
  const [, heads, , size] = types.shape(input) as readonly number[];
  if (!folded) return edit.node('RotaryEmbedding', [input, ...caches], attrs);
  const merged = mergedOf(edit, folded, heads! * size!, types);
  const made = edit.node('RotaryEmbedding', [merged, ...caches], { ...attrs, num_heads: heads! });
  const split = edit.node('Reshape', [made, edit.constant('', Tensor.int64([4], [0, 0, heads!, size!]))]);
  return edit.node('Transpose', [split], { perm: [0, 2, 1, 3] });
}

function mergedOf(edit: Edit, folded: Value, width: number, types: Types): Value {
  const source = isOp(folded.producer, 'Reshape') ? folded.producer.inputs[0]! : undefined;
  const [from, to] = [source && types.shape(source), types.shape(folded)];
  const isMerged = from?.length === 3 && [to![0]!, to![1]!, width].every((dim, axis) => equal(dim, from[axis]!));
  return isMerged ? source! : edit.node('Reshape', [folded, edit.constant('', Tensor.int64([3], [0, 0, width]))]);
}

/** Cosines or sines as the operator wants them: `[batch, length, size / 2]`. */
function cache(edit: Edit, value: Value, input: Value, types: Types): Value {
  const shape = types.shape(value)!;
  const doubled = readDoubled(value, types)!;
  const half = rebuildHalf(edit, doubled, types) ?? sliced(edit, value, shape);
  const batch = types.shape(input)![0]!;
  const from = types.shape(half)?.[0] ?? null;
  if (equal(from, batch)) return half;
  const count =
    typeof batch === 'number' ? edit.constant('', Tensor.int64([1], [batch])) : sizeOf(edit, input, batch, types);
  const ones = edit.constant('', Tensor.int64([2], [1, 1]));
  return edit.node('Expand', [half, edit.node('Concat', [count, ones], { axis: 0 })]);
}

function sliced(edit: Edit, value: Value, shape: readonly Dim[]): Value {
  const size = shape.at(-1) as number;
  const list = (number: number): Value => edit.constant('', Tensor.int64([1], [number]));
  const half = edit.node('Slice', [value, list(0), list(size / 2), list(shape.length - 1)]);
  return shape.length === 4 ? edit.node('Squeeze', [half, list(1)]) : edit.node('Unsqueeze', [half, list(0)]);
}

/** The number of batches, read from an input of the model where that is possible, so that all layers share it. */
function sizeOf(edit: Edit, input: Value, batch: Dim, types: Types): Value {
  for (const { value } of edit.graph.model.graph.inputs) {
    const shape = edit.graph.role.kind === 'function' ? undefined : types.shape(value);
    const axis = shape?.findIndex((dim) => equal(dim, batch)) ?? -1;
    if (axis >= 0) return edit.node('Shape', [value], { start: axis, end: axis + 1 });
  }
  return edit.node('Shape', [input], { start: 0, end: 1 });
}
