import {
  any,
  type AttributeValue,
  type Edit,
  isOp,
  intsAttr,
  literal,
  type Match,
  no,
  type Node,
  ok,
  oneOf,
  op,
  optional,
  type Rule,
  type RuleContext,
  type Shape,
  Tensor,
  type Types,
  type Value,
  type Verdict,
} from '#core';
import { sameDims } from '../facts.js';
import { buildMask, maskShape } from './mask.js';
import { type AttentionReading, type Heads, headsOf, isOverLastAxis, readAttention } from './read.js';

const scores = any('scores');
const values = any('values');
const softmax = op.Softmax(scores);
/** Rows without any score give NaN: exporters write zeros for them, which is what the operator does. */
const guarded = op.Where(op.IsNaN(softmax), literal(0), softmax);
const product = op.MatMul(oneOf(guarded, softmax), values);
const target = any('shape');
const swapped = op.Transpose(product, { perm: (perm) => perm?.join() === '0,2,1,3' });

/** Attention of `[batch, length, heads · size]`: what splits the heads and what merges them again goes too. */
export const fuseMergedAttention: Rule = {
  name: 'fuse-merged-attention',
  summary: 'attention with the splitting and merging of heads around it',
  root: 'Reshape',
  minOpset: 23,
  dtypes: ['float32'],
  pattern: op.Reshape(swapped, target),
  check: (m, context) => checked(m, context, (reading) => checkMerged(m, reading)),
  rewrite(m, edit) {
    const reading = readOf(m);
    if (typeof reading === 'string') return undefined;
    const merged = emit(edit, reading, m.types, 'merged');
    return sameDims(mergedShape(reading), m.types.shape(m.root.outputs[0]!))
      ? merged
      : edit.node('Reshape', [merged, m.value(target)], m.root.attrs);
  },
};

/** Attention of `[batch, heads, length, size]`, or of one head `[batch, length, size]`. */
export const fuseSplitAttention: Rule = {
  name: 'fuse-split-attention',
  summary: 'attention on values that have their heads apart',
  root: 'MatMul',
  minOpset: 23,
  dtypes: ['float32'],
  pattern: product,
  check: (m, context) => checked(m, context, (reading) => checkSplit(m, reading)),
  rewrite(m, edit) {
    const reading = readOf(m);
    return typeof reading === 'string' ? undefined : emit(edit, reading, m.types, 'split');
  },
};

const q = any('queries');
const k = any('keys');
const v = any('values');
const call = op.Attention(q, k, v, optional(any('mask')), { q_num_heads: (heads?: number) => heads === undefined });
const back = op.Transpose(call, { perm: (perm) => perm?.join() === '0,2,1,3' });

/** Attention takes heads side by side as well: what moves them apart and together again goes. */
const mergeHeads: Rule = {
  name: 'merge-heads',
  summary: 'Attention splits and merges the heads itself',
  root: 'Reshape',
  minOpset: 23,
  pattern: op.Reshape(back, target),
  check(m) {
    const heads = sidesOf(m);
    if (!heads) return no('the heads do not come from `[batch, length, heads, size]`');
    return sameDims(mergedShape(heads), m.types.shape(m.root.outputs[0]!)) ? ok : no('the heads are not merged again');
  },
  rewrite(m, edit) {
    const sides = sidesOf(m)!;
    const parts = new Map<Value, readonly Value[]>();
    const operands = [sides.q, sides.k, sides.v].map((heads) => merge(edit, heads, parts));
    const counts = { q_num_heads: sides.q.shape[1] as number, kv_num_heads: sides.k.shape[1] as number };
    const named = Object.entries(counts).map(([name, count]) => [name, { type: 'INT', value: BigInt(count) }] as const);
    const node = m.node(call);
    return edit.node(
      'Attention',
      [...operands, ...node.inputs.slice(3)],
      new Map<string, AttributeValue>([...node.attrs, ...named]),
    );
  },
};

function sidesOf(m: Match): Pick<AttentionReading, 'q' | 'k' | 'v'> | undefined {
  const [queries, keys, values4] = [q, k, v].map((each) => headsOf(m.value(each), m.types));
  const sides = queries && keys && values4 && { q: queries, k: keys, v: values4 };
  return sides && mergeable(sides) ? sides : undefined;
}

/** The rules of attention. */
export const ATTENTION_RULES: readonly Rule[] = [fuseMergedAttention, fuseSplitAttention, mergeHeads];

function readOf(m: Match): AttentionReading | string {
  const reading = readAttention(m.value(scores), m.value(values), m.types);
  return typeof reading === 'string' ? reading : { ...reading, guarded: m.has(guarded) };
}

function checked(m: Match, { target }: RuleContext, further: (reading: AttentionReading) => Verdict): Verdict {
  // Its WebGPU provider would leave the operator to the CPU.
  if (target === 'ort-web-webgpu') return no('onnxruntime has no kernel for Attention on WebGPU');
  const node = m.node(softmax);
  if (!isOverLastAxis(node, m.types)) return no('the softmax is not over the last axis', node);
  const reading = readOf(m);
  if (typeof reading === 'string') return no(reading, node);
  if (!maskShape(reading, m.types)) return no('the masks do not broadcast to the scores', node);
  return further(reading);
}

function checkMerged(m: Match, reading: AttentionReading): Verdict {
  if (!mergeable(reading)) return no('the heads do not come from `[batch, length, heads, size]`');
  if (sameDims(mergedShape(reading), m.types.shape(m.root.outputs[0]!))) return ok;
  const sizes = m.types.elements(m.value(target))?.elements;
  return sizes && !sizes.includes(0) ? ok : no('what the result is reshaped to is unknown');
}

function checkSplit(m: Match, reading: AttentionReading): Verdict {
  return mergeable(reading) && isMergedAgain(m.root) ? no('its heads are merged again: fuse-merged-attention') : ok;
}

/** Whether queries, keys and values can be had with their heads merged, at most by a Reshape. */
function mergeable({ q, k, v }: Pick<AttentionReading, 'q' | 'k' | 'v'>): boolean {
  return [q, k, v].every(
    ({ folded, packed, shape }) =>
      (folded ?? packed) && shape.length === 4 && typeof shape[1] === 'number' && typeof shape[3] === 'number',
  );
}

function isMergedAgain(root: Node): boolean {
  const turn = onlyReader(root);
  return isOp(turn, 'Transpose') && intsAttr(turn, 'perm')?.join() === '0,2,1,3' && isOp(onlyReader(turn), 'Reshape');
}

function onlyReader(node: Node): Node | undefined {
  const [use, ...others] = node.outputs[0]!.uses;
  return use?.kind === 'input' && others.length === 0 ? use.node : undefined;
}

function mergedShape({ q, v }: Pick<AttentionReading, 'q' | 'v'>): Shape {
  const [batch, heads, length] = q.shape;
  return [batch!, length!, (heads as number) * (v.shape[3] as number)];
}

function emit(edit: Edit, reading: AttentionReading, types: Types, form: 'merged' | 'split'): Value {
  const { q, k, v, scale } = reading;
  const parts = new Map<Value, readonly Value[]>();
  const operands = [q, k, v].map((heads) =>
    form === 'merged' ? merge(edit, heads, parts) : split(edit, heads, types),
  );
  const single = q.shape.length === 3;
  const counts = single ? [1, 1] : form === 'merged' ? [q.shape[1] as number, k.shape[1] as number] : undefined;
  return edit.node('Attention', [...operands, buildMask(edit, reading, types)], {
    scale,
    ...(counts && { q_num_heads: counts[0], kv_num_heads: counts[1] }),
  });
}

/** Heads side by side in the last axis; `parts` has what packed values were split into. */
function merge(edit: Edit, { merged, folded, packed, shape }: Heads, parts: Map<Value, readonly Value[]>): Value {
  if (merged) return merged;
  if (packed) {
    const { source, index, count } = packed;
    const attrs = { axis: -1, num_outputs: count };
    const split = parts.get(source) ?? edit.nodes('Split', [source], attrs, Array<string>(count).fill(''));
    parts.set(source, split);
    return split[index]!;
  }
  const width = (shape[1] as number) * (shape[3] as number);
  return edit.node('Reshape', [folded, edit.constant('', Tensor.int64([3], [0, 0, width]))]);
}

function split(edit: Edit, heads: Heads, types: Types): Value {
  if (!heads.split) return edit.node('Transpose', [heads.folded], { perm: [0, 2, 1, 3] });
  const stacked = types.shape(heads.split)?.length === 5;
  return stacked ? edit.node('Squeeze', [heads.split, edit.constant('', Tensor.int64([1], [0]))]) : heads.split;
}
