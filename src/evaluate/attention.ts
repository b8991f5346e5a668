import { attend, joinHeads, splitHeads, withPast } from './attention-core.js';
import type { Call, Kernels } from './call.js';
import { type Elements, integers, numbers } from './elements.js';
import { stridesOf } from './index-maps.js';
import { invalid } from './stop.js';

type Bias = (batch: number, head: number, i: number, j: number) => number;

/**
 * A mask as terms of the scores: of booleans 0 or -Infinity, of numbers themselves. It broadcasts to [B, H, S, T] from the right; keys
 * beyond its last axis are hidden.
 */
export function maskTerms(mask: Elements | undefined): Bias {
  if (!mask) return () => 0;
  const shape = [...Array<number>(4 - mask.shape.length).fill(1), ...mask.shape];
  const strides = stridesOf(shape).map((stride, axis) => (shape[axis] === 1 ? 0 : stride));
  const values = numbers(mask);
  const width = shape[3]!;
  return (b, h, i, j) => {
    if (width > 1 && j >= width) return -Infinity;
    const value = values[b * strides[0]! + h * strides[1]! + i * strides[2]! + j * strides[3]!]!;
    return mask.dtype === 'bool' ? (value === 0 ? -Infinity : 0) : value;
  };
}

/** Attention-23 to 25. */
function attention(call: Call): readonly Elements[] {
  const [q, k, v] = [call.input(0), call.input(1), call.input(2)];
  const flat = q.shape.length === 3;
  const heads = (x: Elements, name: string): Elements => (flat ? splitHeads(x, call.int(name)) : x);
  const query = heads(q, 'q_num_heads');
  const past = call.inputs[4];
  const keys = withPast(past, heads(k, 'kv_num_heads'));
  const values = withPast(call.inputs[5], heads(v, 'kv_num_heads'));
  const [rows, depth] = [query.shape[2]!, query.shape[3]!];
  const lengths = call.inputs[6] && integers(call.inputs[6]);
  const offset = (b: number): number => (lengths ? lengths[b]! - rows : (past?.shape[2] ?? 0));
  const [left, right] = [call.maybeInt('left_window_size') ?? -1, call.maybeInt('right_window_size') ?? -1];
  const causal = call.int('is_causal') !== 0;
  const mask = maskTerms(call.inputs[3]);
  const bias: Bias = (b, h, i, j) => {
    const ahead = j - (i + offset(b));
    const hidden =
      (causal && ahead > 0) ||
      (left >= 0 && -ahead > left) ||
      (right >= 0 && ahead > right) ||
      (lengths !== undefined && j >= lengths[b]!);
    return hidden ? -Infinity : mask(b, h, i, j);
  };
  const scale = call.maybeFloat('scale') ?? 1 / Math.sqrt(depth);
  const result = attend(call, { q: query, k: keys, v: values, scale, softcap: call.float('softcap'), bias });
  const stages = [result.scores, result.capped, result.biased, result.weights];
  const stage = stages[call.int('qk_matmul_output_mode')];
  if (!stage) throw invalid('qk_matmul_output_mode');
  return [flat ? joinHeads(result.y) : result.y, keys, values, stage];
}

/** Attention of the default domain. */
export const ATTENTION: Kernels = { Attention: attention };
