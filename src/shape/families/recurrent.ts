import { divideExact, mul } from '../../dim/dim.js';
import type { Family, Infer } from '../context.js';

/**
 * RNN 1-22, GRU 1-22, LSTM 1-22, com.microsoft.AttnLSTM 1, DynamicQuantizeLSTM 1 over X `[S, B, I]`: Y `[S, D, B, H]`, last states
 * Y_h (and Y_c) `[D, B, H]`, D being 2 for `bidirectional`. With `layout` 1 X is `[B, S, I]`, Y `[B, S, D, H]`, Y_h `[B, D, H]`.
 * H is `hidden_size`, or follows from R, whose axis `axis` holds it.
 */
function recurrent(axis: 1 | 2): Infer {
  return (cx) => {
    const x = cx.shapeOfRank(0, 3);
    const r = cx.shape(2);
    const directions = (cx.string('direction') ?? 'forward') === 'bidirectional' ? 2 : 1;
    cx.unify(cx.shape(1)?.[0] ?? null, directions, 'directions of W');
    if (axis === 2) cx.unify(cx.shape(1)?.[2] ?? null, x?.[2] ?? null, 'input sizes of W and X');
    const hidden = cx.unify(cx.int('hidden_size') ?? null, r?.[axis] ?? null, 'hidden_size and R') ?? cx.fresh();
    const batchFirst = cx.int('layout') === 1;
    const batch = x?.[batchFirst ? 0 : 1] ?? cx.fresh();
    const steps = x?.[batchFirst ? 1 : 0] ?? null;
    cx.output(0, batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden]);
    const state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
    for (let i = 1; i < cx.outputCount; i++) cx.output(i, state);
  };
}

/**
 * LinearAttention 27, com.microsoft.LinearAttention 1: output `[B, T, max(H_q, H_kv) * d_v]` with value `[B, T, H_kv * d_v]`,
 * state `[B, H_kv, d_k, d_v]` with query `[B, T, H_q * d_k]`.
 */
const linearAttention: Infer = (cx) => {
  const [query, value] = [cx.shape(0), cx.shape(2)];
  const heads = { q: cx.int('q_num_heads') ?? null, kv: cx.int('kv_num_heads') ?? null };
  const valueSize = divideExact(value?.[2] ?? null, heads.kv);
  const outputHeads = heads.q === null || heads.kv === null ? null : Math.max(heads.q, heads.kv);
  cx.output(0, [query?.[0] ?? null, query?.[1] ?? null, mul(outputHeads, valueSize)]);
  const state = [query?.[0] ?? null, heads.kv, divideExact(query?.[2] ?? null, heads.q), valueSize];
  const windows = cx.int('state_window') ?? 0;
  cx.output(1, cx.shape(3) ?? (windows > 0 ? [windows, ...state] : state), cx.dtype(3) ?? cx.dtype(0));
};

const standard = recurrent(2);

export const RECURRENT: Family = {
  GRU: standard,
  LSTM: standard,
  LinearAttention: linearAttention,
  RNN: standard,
  'com.microsoft.AttnLSTM': standard,
  'com.microsoft.DynamicQuantizeLSTM': recurrent(1),
  'com.microsoft.LinearAttention': linearAttention,
};
