import { describe } from '@jest/globals';
import { compareAll } from '../support/runtime-shapes.js';

describe('onnxruntime gives what is inferred: attention', () => {
  const MHA = 'float[b, s, 8] q, float[b, l, 8] k, float[b, l, 8] v, float[b, 2, p, 4] past';
  compareAll([
    [
      'Attention',
      'float[b, s, 6] x, float[6, 24] k, float[24] c',
      'y, u = com.microsoft.Attention<num_heads = 2>(x, k, c)',
    ],
    [
      'Attention with a past',
      'float[b, s, 6] x, float[6, 24] k, float[24] c, float[2, b, 2, p, 4] past',
      'y, u = com.microsoft.Attention<num_heads = 2>(x, k, c, "", past)',
    ],
    [
      'Attention with other widths',
      'float[b, s, 6] x, float[6, 28] k, float[28] c',
      'y = com.microsoft.Attention<num_heads = 2, qkv_hidden_sizes = [8, 8, 12]>(x, k, c)',
    ],
    ['MultiHeadAttention', MHA, 'y, pk, pv = com.microsoft.MultiHeadAttention<num_heads = 2>(q, k, v)'],
    [
      'MultiHeadAttention with a past and scores',
      MHA,
      'y, pk, pv, qk = com.microsoft.MultiHeadAttention<num_heads = 2>(q, k, v, "", "", "", past, past)',
    ],
    [
      'MultiHeadAttention over a cache',
      'float[b, s, 8] q, float[b, 2, l, 4] k',
      'y = com.microsoft.MultiHeadAttention<num_heads = 2>(q, k, k)',
    ],
    [
      'GroupQueryAttention',
      'float[1, s, 32] q, float[1, s, 16] k, float[1, 2, 16, 8] past, int32[1] n',
      't = Constant<value = int32 {10}>()\ny, pk, pv = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2>(q, k, k, past, past, n, t)',
      { n: [9] },
    ],
    [
      'GroupQueryAttention, a past shorter than the sequence',
      'float[1, s, 32] q, float[1, s, 16] k, float[1, 2, p, 8] past, int32[1] n',
      't = Constant<value = int32 {10}>()\ny, pk, pv = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2>(q, k, k, past, past, n, t)',
      { n: [9] },
    ],
    [
      'GroupQueryAttention, all packed into the query',
      'float[1, s, 64] q, float[1, 2, p, 8] past, int32[1] n',
      't = Constant<value = int32 {10}>()\ny, pk, pv = com.microsoft.GroupQueryAttention<num_heads = 4, kv_num_heads = 2>(q, "", "", past, past, n, t)',
      { n: [9] },
    ],
    [
      'RotaryEmbedding',
      'float[b, s, 8] x, int64[b, s] i, float[20, 2] c',
      'y = com.microsoft.RotaryEmbedding<num_heads = 2>(x, i, c, c)',
    ],
    [
      'QAttention',
      'uint8[b, s, 6] x, uint8[6, 24] k, float[24] c, float t',
      'y, u = com.microsoft.QAttention<num_heads = 2>(x, k, c, t, t)',
    ],
    [
      'DecoderMaskedMultiHeadAttention',
      'float[b, 1, 8] q, float[b, 2, 16, 4] past, int32[1] n',
      'y, pk, pv = com.microsoft.DecoderMaskedMultiHeadAttention<num_heads = 2, past_present_share_buffer = 1>(q, q, q, "", "", past, past, n)',
    ],
  ]);
});
