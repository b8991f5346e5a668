import { softmaxRow } from './activations.js';
import type { Call } from './call.js';
import { type Elements, floats, numbers } from './elements.js';
import { permute } from './index-maps.js';
import { reshaped } from './layout.js';
import { concatenate } from './pieces.js';
import { invalid } from './stop.js';

/** What {@link attend} needs; `q` is [B, H, S, D], `k` [B, G, T, D], `v` [B, G, T, E] with H a multiple of G. */
export interface AttentionTask {
  readonly q: Elements;
  readonly k: Elements;
  readonly v: Elements;
  readonly scale: number;
  /** Bounds scores to ±softcap by tanh; 0 for none. */
  readonly softcap?: number;
  /** What is added to the score of query i and key j; -Infinity hides the key. */
  readonly bias: (batch: number, head: number, i: number, j: number) => number;
}

/** Scores [B, H, S, T] after each step, and the output [B, H, S, E]. */
export interface AttentionResult {
  readonly y: Elements;
  readonly scores: Elements;
  readonly capped: Elements;
  readonly biased: Elements;
  readonly weights: Elements;
}

/**
 * softmax(q kᵀ · scale + bias) v; a query that sees no key gives 0. Source: Vaswani et al. 2017, arXiv:1706.03762, equation 1; order of
 * the steps from ONNX Attention-24.
 */
export function attend(call: Call, task: AttentionTask): AttentionResult {
  const { q, k, v, scale, softcap = 0, bias } = task;
  const [batch, heads, rows, depth] = q.shape as [number, number, number, number];
  const [, groups, columns, width] = v.shape as [number, number, number, number];
  if (k.shape[2] !== columns || k.shape[3] !== depth || heads % groups !== 0) {
    throw invalid(`heads [${q.shape.join()}] on keys [${k.shape.join()}] and values [${v.shape.join()}]`);
  }
  call.spend(batch * heads * rows * columns * (depth + width + 4));
  const [queries, keys, values] = [numbers(q), numbers(k), numbers(v)];
  const shape = [batch, heads, rows, columns];
  const stage = (): Float64Array => new Float64Array(batch * heads * rows * columns);
  const [scores, capped, biased, weights] = [stage(), stage(), stage(), stage()];
  const made = new Float64Array(batch * heads * rows * width);
  for (let row = 0; row < batch * heads * rows; row++) {
    const [b, h, i] = [Math.floor(row / rows / heads), Math.floor(row / rows) % heads, row % rows];
    const group = (b * groups + Math.floor(h / (heads / groups))) * columns;
    let visible = false;
    for (let j = 0; j < columns; j++) {
      let dot = 0;
      for (let d = 0; d < depth; d++) dot += queries[row * depth + d]! * keys[(group + j) * depth + d]!;
      const [at, term] = [row * columns + j, bias(b, h, i, j)];
      scores[at] = dot * scale;
      capped[at] = softcap === 0 ? scores[at] : softcap * Math.tanh(scores[at] / softcap);
      biased[at] = capped[at]! + term;
      visible ||= term !== -Infinity;
    }
    if (!visible) continue;
    const own = softmaxRow(biased.subarray(row * columns, (row + 1) * columns));
    weights.set(own, row * columns);
    for (let j = 0; j < columns; j++) {
      // A weight of 0 hides a key whatever its value holds.
      if (own[j] === 0) continue;
      for (let e = 0; e < width; e++) made[row * width + e]! += own[j]! * values[(group + j) * width + e]!;
    }
  }
  const of = (data: Float64Array): Elements => floats(q.dtype, shape, data);
  const y = floats(q.dtype, [batch, heads, rows, width], made);
  return { y, scores: of(scores), capped: of(capped), biased: of(biased), weights: of(weights) };
}

/** [B, S, H·D] as [B, H, S, D]. */
export function splitHeads(x: Elements, heads: number): Elements {
  const [batch, length, hidden] = x.shape as [number, number, number];
  return permute(reshaped(x, [batch, length, heads, hidden / heads]), [0, 2, 1, 3]);
}

/** [B, H, S, D] as [B, S, H·D]. */
export function joinHeads(x: Elements): Elements {
  const [batch, heads, length, depth] = x.shape as [number, number, number, number];
  return reshaped(permute(x, [0, 2, 1, 3]), [batch, length, heads * depth]);
}

/** Keys or values with those of the past before them; both [B, G, T, D]. */
export function withPast(past: Elements | undefined, now: Elements): Elements {
  return past ? concatenate([past, now], 2) : now;
}
