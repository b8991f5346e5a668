import { type Dim, add, divideExact, max, mul } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { Family, Infer, NodeContext } from '../context.js';

/** Heads of a query, key or value: `[B, S, H * D]` or `[B, H, S, D]` taken apart. */
interface Heads {
  readonly batch: Dim;
  readonly heads: Dim;
  readonly length: Dim;
  readonly size: Dim;
}

function headsOf(shape: Shape | undefined, count: number | undefined): Heads {
  if (shape?.length === 4) {
    return { batch: shape[0] ?? null, heads: shape[1] ?? null, length: shape[2] ?? null, size: shape[3] ?? null };
  }
  const packed = shape?.length === 3 ? shape : [null, null, null];
  const heads = count ?? null;
  return { batch: packed[0] ?? null, heads, length: packed[1] ?? null, size: divideExact(packed[2] ?? null, heads) };
}

/** The first that is known. */
function known(...dims: readonly (Dim | undefined)[]): Dim {
  return dims.find((dim) => dim !== undefined && dim !== null) ?? null;
}

/**
 * Attention 23-25: Y `[B, H_q, S, D_v]`, or `[B, S, H_q * D_v]` where Q has rank 3; present_key `[B, H_kv, P + L, D]`, present_value
 * `[B, H_kv, P + L, D_v]` with a past of length P; qk_matmul_output `[B, H_q, S, P + L]`.
 */
const attention: Infer = (cx) => {
  const rank = cx.shape(0)?.length;
  const q = headsOf(cx.shape(0), cx.int('q_num_heads'));
  const k = headsOf(cx.shape(1), cx.int('kv_num_heads'));
  const v = headsOf(cx.shape(2), cx.int('kv_num_heads'));
  const size = known(v.size, cx.shape(5)?.[3]);
  if (rank === 4) cx.output(0, [q.batch, q.heads, q.length, size]);
  else if (rank === 3) cx.output(0, [q.batch, q.length, mul(q.heads, size)]);
  const total = (past: number, length: Dim): Dim => (cx.has(past) ? add(cx.shape(past)?.[2] ?? null, length) : length);
  const heads = known(k.heads, v.heads);
  if (cx.outputCount > 1) cx.output(1, [q.batch, heads, total(4, k.length), known(k.size, q.size)]);
  if (cx.outputCount > 2) cx.output(2, [q.batch, heads, total(5, known(v.length, k.length)), size]);
  if (cx.outputCount > 3) cx.output(3, [q.batch, q.heads, q.length, total(4, k.length)]);
};

/** ai.onnx.preview.FlexAttention 1: `[B, H_q, S, D_v]` of Q `[B, H_q, S, D]` and V `[B, H_kv, L, D_v]`. */
const flexAttention: Infer = (cx) => {
  const q = cx.shape(0);
  cx.output(0, [q?.[0] ?? null, q?.[1] ?? null, q?.[2] ?? null, cx.shape(2)?.[3] ?? null]);
};

/** `[2, B, N, P + S, H]`, or the past as it is when both share one buffer. */
function stackedPresent(cx: NodeContext, past: number, q: Heads): Shape | undefined {
  const shape = cx.shape(past);
  if (cx.int('past_present_share_buffer') === 1) return shape;
  const total = cx.has(past) ? add(shape?.[3] ?? null, q.length) : q.length;
  return [2, q.batch, q.heads, total, known(shape?.[4], q.size)];
}

/** Widths of query, key and value, of `qkv_hidden_sizes` or a third of the packed weights. */
function projectedWidths(cx: NodeContext, weights: Dim): { readonly q: Dim; readonly v: Dim } {
  const declared = cx.ints('qkv_hidden_sizes');
  if (declared?.length === 3) return { q: declared[0] ?? null, v: declared[2] ?? null };
  const third = divideExact(weights, 3);
  return { q: third, v: third };
}

/**
 * com.microsoft.Attention 1, QAttention 1, DecoderMaskedSelfAttention 1: `[B, S, W_v]` of input `[B, S, I]` with weights
 * `[I, W_q + W_k + W_v]`; present `[2, B, N, P + S, W_q / N]`. Input of rank 2 (PackedAttention 1) gives `[T, W_v]`.
 */
function packedWeights(past: number | undefined): Infer {
  return (cx) => {
    const x = cx.shape(0);
    const bias = cx.shape(2);
    const widths = projectedWidths(cx, known(cx.shape(1)?.[1], bias?.[0]));
    if (x !== undefined) cx.output(0, [...x.slice(0, -1), widths.v]);
    if (past === undefined || cx.outputCount < 2) return;
    const heads = cx.int('num_heads') ?? null;
    const size = divideExact(widths.q, heads);
    cx.output(1, stackedPresent(cx, past, { batch: x?.[0] ?? null, heads, length: x?.[1] ?? null, size }));
  };
}

/** Width of a value input `[B, L, W]` or `[B, N, L, H]`, of a packed key `[B, L, N, 2, H]` or query `[B, S, N, 3, H]`. */
function valueWidth(cx: NodeContext, key: number, value: number): Dim {
  const [q, k, v] = [cx.shape(0), cx.shape(key), cx.shape(value)];
  if (v?.length === 3) return v[2] ?? null;
  if (v?.length === 4) return mul(v[1] ?? null, v[3] ?? null);
  if (cx.has(value)) return null;
  if (k?.length === 5) return mul(k[2] ?? null, k[4] ?? null);
  if (cx.has(key) || q === undefined) return null;
  return q.length >= 4 ? mul(q.at(-3) ?? null, q.at(-1) ?? null) : null;
}

/** Length of the key input, whatever its layout: that of the query when both are packed together. */
function keyLength(k: Shape | undefined, given: boolean, query: Dim): Dim {
  if (!given) return query;
  return (k?.length === 4 ? k[2] : k?.[1]) ?? null;
}

/**
 * com.microsoft.MultiHeadAttention 1, DecoderMaskedMultiHeadAttention 1: output `[B, S, W_v]`; present key and value
 * `[B, N, P + L, H]`, as the past where `past_sequence_length` says that both share a buffer; qk `[B, N, S, P + L]`.
 * `key`, `past` and `length` are the inputs key, past_key and past_sequence_length.
 */
function multiHead(slots: { readonly key: number; readonly past: number; readonly length: number }): Infer {
  return (cx) => {
    const q = cx.shape(0);
    const heads = cx.int('num_heads') ?? null;
    const [batch, steps] = [q?.[0] ?? cx.fresh(), q?.[1] ?? cx.fresh()];
    const width = valueWidth(cx, slots.key, slots.key + 1);
    cx.output(0, [batch, steps, width]);
    if (cx.outputCount < 2) return;
    const shared = cx.has(slots.length);
    const length = keyLength(cx.shape(slots.key), cx.has(slots.key), steps);
    const past = [cx.shape(slots.past), cx.shape(slots.past + 1)];
    const before = past[0]?.[2] ?? null;
    const total = (shared ? before : cx.has(slots.past) ? add(before, length) : length) ?? cx.fresh();
    const querySize = q?.length === 5 ? (q[4] ?? null) : divideExact(q?.[2] ?? null, heads);
    for (const [i, size] of [querySize, divideExact(width, heads)].entries()) {
      const present = [batch, heads, total, known(past[i]?.[3], size)];
      if (cx.outputCount > i + 1) cx.output(i + 1, shared ? (past[i] ?? present) : present);
    }
    if (cx.outputCount > 3) cx.output(3, [batch, heads, steps, total], cx.dtype(0));
  };
}

/**
 * com.microsoft.GroupQueryAttention 1: output `[B, S, H_q * D]` with query `[B, S, H_q * D]`, or `[B, S, (H_q + 2 * H_kv) * D]`
 * where key and value are packed into it; present key and value `[B, H_kv, max(P, total_sequence_length), D]`; output_qk
 * `[B, H_q, S, total_sequence_length]`.
 */
const groupQuery: Infer = (cx) => {
  const q = cx.shapeOfRank(0, 3);
  const [heads, kvHeads] = [cx.int('num_heads') ?? null, cx.int('kv_num_heads') ?? null];
  const packed = add(heads, mul(kvHeads, 2));
  const size = divideExact(q?.[2] ?? null, cx.has(1) ? heads : packed);
  const [batch, steps] = [q?.[0] ?? null, q?.[1] ?? null];
  cx.output(0, [batch, steps, cx.has(1) ? (q?.[2] ?? null) : mul(heads, size)]);
  const total = cx.scalar(6) ?? cx.fresh();
  for (const i of [1, 2]) {
    if (cx.outputCount <= i) continue;
    const past = cx.shape(i + 2);
    const length = cx.has(i + 2) ? max(past?.[2] ?? null, total) : total;
    cx.output(i, [batch, kvHeads, length, known(past?.[3], size)], cx.dtype(i + 2) ?? cx.dtype(0));
  }
  if (cx.outputCount > 3) cx.output(3, [batch, heads, steps, total]);
};

/** com.microsoft.SparseAttention 1: output as GroupQueryAttention; present key and value as the past, whose buffers they share. */
const sparseAttention: Infer = (cx) => {
  const q = cx.shapeOfRank(0, 3);
  const [heads, kvHeads] = [cx.int('num_heads') ?? null, cx.int('kv_num_heads') ?? null];
  const size = divideExact(q?.[2] ?? null, add(heads, mul(kvHeads, 2)));
  cx.output(0, [q?.[0] ?? null, q?.[1] ?? null, cx.has(1) ? (q?.[2] ?? null) : mul(heads, size)]);
  for (const i of [1, 2]) cx.output(i, cx.shape(i + 2));
};

/** com.microsoft.PackedMultiHeadAttention 1: `[T, W_v]` of value `[T, W_v]` or packed query `[T, N, 3, H]`. */
const packedMultiHead: Infer = (cx) => {
  const [q, v] = [cx.shape(0), cx.shape(2)];
  const width = q?.length === 4 ? mul(q[1] ?? null, q[3] ?? null) : (v?.[1] ?? null);
  cx.output(0, [q?.[0] ?? null, width]);
};

/** com.microsoft.PagedAttention 1, SparsePagedAttention 1: output `[T, H_q * D]` as query; caches as they came in. */
const pagedAttention: Infer = (cx) => {
  const q = cx.shape(0);
  const [heads, kvHeads] = [cx.int('num_heads') ?? null, cx.int('kv_num_heads') ?? null];
  const packed = divideExact(q?.[1] ?? null, add(heads, mul(kvHeads, 2)));
  if ((cx.int('v_head_size') ?? 0) === 0) {
    cx.output(0, [q?.[0] ?? null, cx.has(1) ? (q?.[1] ?? null) : mul(heads, packed)]);
  }
  for (const i of [1, 2]) if (cx.outputCount > i) cx.output(i, cx.shape(i + 2));
};

/** com.microsoft.DecoderAttention 1: output as query `[S, B, W]`; caches `[B, N, …, W / N]`. */
const decoderAttention: Infer = (cx) => {
  const q = cx.shape(0);
  cx.output(0, q);
  const heads = cx.int('num_heads') ?? null;
  for (const i of [1, 2]) {
    if (cx.outputCount > i) cx.output(i, [q?.[1] ?? null, heads, null, divideExact(q?.[2] ?? null, heads)]);
  }
};

/** com.microsoft.QOrderedAttention 1: `[B, S, W_v]` with V_weight `[I, W_v]`. */
const qOrderedAttention: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, x && [...x.slice(0, -1), cx.shape(7)?.[1] ?? null]);
};

/** RotaryEmbedding 23, com.microsoft.RotaryEmbedding 1, MRotaryEmbedding 1, LongformerAttention 1, QOrderedLongformerAttention 1: as input 0. */
const same: Infer = (cx) => cx.output(0, cx.shape(0));

/** com.microsoft.GemmaRotaryEmbedding 1: as q and as k. */
const gemmaRotary: Infer = (cx) => {
  cx.output(0, cx.shape(1));
  cx.output(1, cx.shape(3));
};

/** com.microsoft.RelativePositionBias 1: `[1, N, query_length, key_length]` with bias_table `[buckets, N]`. */
const relativePositionBias: Infer = (cx) => {
  cx.output(0, [1, cx.shape(0)?.[1] ?? null, cx.scalar(1), cx.scalar(2)]);
};

/** com.microsoft.GatedRelativePositionBias 1: `[B, N, S, S]` as rel_pos says S, with query_layer `[B, S, N * H]`. */
const gatedRelativePositionBias: Infer = (cx) => {
  const [q, position, offset] = [cx.shape(0), cx.shape(2), cx.shape(6)];
  const batch = cx.has(6) ? (offset?.[0] ?? null) : (q?.[0] ?? null);
  cx.output(0, [batch, cx.int('num_heads') ?? null, position?.[2] ?? null, position?.[3] ?? null]);
};

/** com.microsoft.RemovePadding 1: `[tokens, D]`, token_offset `[B, S]`, cumulated_seq_len `[B + 1]`, max_seq_len `[1]` of input `[B, S, D]`. */
const removePadding: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, [cx.fresh(), x?.[2] ?? null]);
  cx.output(1, [x?.[0] ?? null, x?.[1] ?? null]);
  cx.output(2, [add(x?.[0] ?? null, 1)]);
  cx.output(3, [1]);
};

/** com.microsoft.RestorePadding 1: `[B, S, D]` of input `[tokens, D]` and token_offset `[B, S]`. */
const restorePadding: Infer = (cx) => {
  const offset = cx.shape(1);
  cx.output(0, [offset?.[0] ?? null, offset?.[1] ?? null, cx.shape(0)?.[1] ?? null]);
};

export const ATTENTION: Family = {
  Attention: attention,
  RotaryEmbedding: same,
  'ai.onnx.preview.FlexAttention': flexAttention,
  'com.microsoft.Attention': packedWeights(4),
  'com.microsoft.DecoderAttention': decoderAttention,
  'com.microsoft.DecoderMaskedMultiHeadAttention': multiHead({ key: 1, past: 5, length: 7 }),
  'com.microsoft.DecoderMaskedSelfAttention': packedWeights(4),
  'com.microsoft.GatedRelativePositionBias': gatedRelativePositionBias,
  'com.microsoft.GemmaRotaryEmbedding': gemmaRotary,
  'com.microsoft.GroupQueryAttention': groupQuery,
  'com.microsoft.LongformerAttention': same,
  'com.microsoft.MRotaryEmbedding': same,
  'com.microsoft.MultiHeadAttention': multiHead({ key: 1, past: 6, length: 8 }),
  'com.microsoft.PackedAttention': packedWeights(undefined),
  'com.microsoft.PackedMultiHeadAttention': packedMultiHead,
  'com.microsoft.PagedAttention': pagedAttention,
  'com.microsoft.QAttention': packedWeights(8),
  'com.microsoft.QOrderedAttention': qOrderedAttention,
  'com.microsoft.QOrderedLongformerAttention': same,
  'com.microsoft.RelativePositionBias': relativePositionBias,
  'com.microsoft.RemovePadding': removePadding,
  'com.microsoft.RestorePadding': restorePadding,
  'com.microsoft.RotaryEmbedding': same,
  'com.microsoft.SparseAttention': sparseAttention,
  'com.microsoft.SparsePagedAttention': pagedAttention,
};
