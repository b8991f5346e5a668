import { describe } from '@jest/globals';
import { type InferCase, testCases } from '../support/infer.js';

describe('Attention', () => {
  const FOUR = 'float[b, 8, s, 16] q, float[b, 2, l, 16] k, float[b, 2, l, 24] v';
  const cases: readonly InferCase[] = [
    ['rank 4: [B, H_q, S, D_v]', FOUR, 'y = Attention(q, k, v)', { y: 'float32[b, 8, s, 24]' }, 23],
    [
      'rank 3 packs the heads',
      'float[b, s, 128] q, float[b, l, 32] k, float[b, l, 48] v',
      'y = Attention<q_num_heads = 8, kv_num_heads = 2>(q, k, v)',
      { y: 'float32[b, s, 192]' },
      23,
    ],
    [
      'a past makes the present longer; the scores are [B, H_q, S, P + L]',
      `${FOUR}, float[b, 2, p, 16] pk, float[b, 2, p, 24] pv`,
      'y, nk, nv, qk = Attention(q, k, v, "", pk, pv)',
      {
        y: 'float32[b, 8, s, 24]',
        nk: 'float32[b, 2, l+p, 16]',
        nv: 'float32[b, 2, l+p, 24]',
        qk: 'float32[b, 8, s, l+p]',
      },
      24,
    ],
    ['FlexAttention', FOUR, 'y = ai.onnx.preview.FlexAttention(q, k, v)', { y: 'float32[b, 8, s, 24]' }],
    [
      'RotaryEmbedding',
      'float[b, s, 64] x, float[m, 8] c',
      'y = RotaryEmbedding<num_heads = 4>(x, c, c)',
      { y: 'float32[b, s, 64]' },
      23,
    ],
  ];
  testCases(cases);
});

describe('attention of onnxruntime', () => {
  const cases: readonly InferCase[] = [
    [
      'packed weights: a third each',
      'float[b, s, 32] x, float[32, 192] w, float[192] c, float[2, b, 4, p, 16] past',
      'y, z = com.microsoft.Attention<num_heads = 4>(x, w, c, "", past)',
      { y: 'float32[b, s, 64]', z: 'float32[2, b, 4, p+s, 16]' },
    ],
    [
      'qkv_hidden_sizes say otherwise',
      'float[b, s, 32] x, float[32, 160] w, float[160] c',
      'y, z = com.microsoft.Attention<num_heads = 4, qkv_hidden_sizes = [64, 64, 32]>(x, w, c)',
      { y: 'float32[b, s, 32]', z: 'float32[2, b, 4, s, 16]' },
    ],
    [
      'a shared buffer keeps its length',
      'float[b, s, 32] x, float[32, 192] w, float[192] c, float[2, b, 4, 128, 16] past, int32 n',
      'y, z = com.microsoft.Attention<num_heads = 4, past_present_share_buffer = 1>(x, w, c, "", past, "", n)',
      { y: 'float32[b, s, 64]', z: 'float32[2, b, 4, 128, 16]' },
    ],
    [
      'QAttention is of the type of its scales',
      'uint8[b, s, 32] x, int8[32, 192] w, float[192] c, float t, float u',
      'y = com.microsoft.QAttention<num_heads = 4>(x, w, c, t, u)',
      { y: 'float32[b, s, 64]' },
    ],
    [
      'tokens without padding',
      'float[t, 32] x, float[32, 96] w, float[96] c, int32[b, s] o, int32[m] u',
      'y = com.microsoft.PackedAttention<num_heads = 4>(x, w, c, o, u)',
      { y: 'float32[t, 32]' },
    ],
    [
      'MultiHeadAttention: the width of value',
      'float[b, s, 64] q, float[b, l, 64] k, float[b, l, 32] v',
      'y, pk, pv = com.microsoft.MultiHeadAttention<num_heads = 4>(q, k, v)',
      { y: 'float32[b, s, 32]', pk: 'float32[b, 4, l, 16]', pv: 'float32[b, 4, l, 8]' },
    ],
    [
      'key and value from a cache [B, N, L, H]',
      'float[b, s, 64] q, float[b, 4, l, 16] k, float[b, 4, l, 8] v',
      'y = com.microsoft.MultiHeadAttention<num_heads = 4>(q, k, v)',
      { y: 'float32[b, s, 32]' },
    ],
    [
      'query, key and value packed',
      'float[b, s, 4, 3, 16] q',
      'y = com.microsoft.MultiHeadAttention<num_heads = 4>(q)',
      { y: 'float32[b, s, 64]' },
    ],
    [
      'key and value packed',
      'float[b, s, 64] q, float[b, l, 4, 2, 16] k',
      'y = com.microsoft.MultiHeadAttention<num_heads = 4>(q, k)',
      { y: 'float32[b, s, 64]' },
    ],
    [
      'past and present, and the scores',
      'float[b, s, 64] q, float[b, l, 64] k, float[b, l, 64] v, float[b, 4, p, 16] past',
      'y, pk, pv, qk = com.microsoft.MultiHeadAttention<num_heads = 4>(q, k, v, "", "", "", past, past)',
      {
        y: 'float32[b, s, 64]',
        pk: 'float32[b, 4, l+p, 16]',
        pv: 'float32[b, 4, l+p, 16]',
        qk: 'float32[b, 4, s, l+p]',
      },
    ],
    [
      'one token at a time into shared buffers',
      'float[b, 1, 64] q, float[b, 1, 64] k, float[b, 1, 64] v, float[b, 4, 128, 16] past, int32 n',
      'y, pk, pv = com.microsoft.DecoderMaskedMultiHeadAttention<num_heads = 4, past_present_share_buffer = 1>(q, k, v, "", "", past, past, n)',
      { y: 'float32[b, 1, 64]', pk: 'float32[b, 4, 128, 16]', pv: 'float32[b, 4, 128, 16]' },
    ],
    [
      'GroupQueryAttention: the cache is as long as the whole sequence or its buffer',
      'float16[b, s, 128] q, float16[b, s, 32] k, float16[b, s, 32] v, float16[b, 2, 256, 16] past, int32[b] n',
      `t = Constant<value_int = 40>()
       c = Cast<to = 6>(t)
       y, pk, pv = com.microsoft.GroupQueryAttention<num_heads = 8, kv_num_heads = 2>(q, k, v, past, past, n, c)`,
      {
        t: 'int64[]',
        c: 'int32[]',
        y: 'float16[b, s, 128]',
        pk: 'float16[b, 2, 256, 16]',
        pv: 'float16[b, 2, 256, 16]',
      },
    ],
    [
      'query, key and value packed: H_q + 2 * H_kv heads',
      'float16[b, s, 192] q, int32[b] n, int32 t',
      'y, pk, pv = com.microsoft.GroupQueryAttention<num_heads = 8, kv_num_heads = 2>(q, "", "", "", "", n, t)',
      { y: 'float16[b, s, 128]', pk: 'float16[b, 2, u0, 16]', pv: 'float16[b, 2, u0, 16]' },
    ],
    [
      'RotaryEmbedding',
      'float[b, 4, s, 16] x, int64[b, s] p, float[m, 8] c',
      'y = com.microsoft.RotaryEmbedding(x, p, c, c)',
      { y: 'float32[b, 4, s, 16]' },
    ],
    [
      'RelativePositionBias',
      'float[32, 4] x',
      'n = Constant<value_int = 7>()\nm = Constant<value_int = 9>()\ny = com.microsoft.RelativePositionBias<max_distance = 128>(x, n, m)',
      { n: 'int64[]', m: 'int64[]', y: 'float32[1, 4, 7, 9]' },
    ],
    [
      'padding goes and comes back',
      'float[b, s, 64] x, int32[b] n',
      'p, o, c, m = com.microsoft.RemovePadding(x, n)\ny = com.microsoft.RestorePadding(p, o)',
      { p: 'float32[u0, 64]', o: 'int32[b, s]', c: 'int32[b+1]', m: 'int32[1]', y: 'float32[b, s, 64]' },
    ],
  ];
  testCases(cases);
});
