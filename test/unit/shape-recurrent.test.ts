import { describe, expect, test } from '@jest/globals';
import { infer, type InferCase, testCases } from '../support/infer.js';

describe('recurrent networks', () => {
  const cases: readonly InferCase[] = [
    [
      'LSTM',
      'float[s, b, 4] x, float[1, 24, 4] w, float[1, 24, 6] r',
      'y, h, c = LSTM<hidden_size = 6>(x, w, r)',
      { y: 'float32[s, 1, b, 6]', h: 'float32[1, b, 6]', c: 'float32[1, b, 6]' },
    ],
    [
      'both directions, batch first',
      'float[b, s, 4] x, float[2, 18, 4] w, float[2, 18, 6] r',
      'y, h = GRU<hidden_size = 6, direction = "bidirectional", layout = 1>(x, w, r)',
      { y: 'float32[b, s, 2, 6]', h: 'float32[b, 2, 6]' },
    ],
    [
      'the hidden size follows from R; reverse is one direction',
      'float[s, b, 4] x, float[1, 6, 4] w, float[1, 6, 6] r',
      'y, h = RNN<direction = "reverse">(x, w, r)',
      { y: 'float32[s, 1, b, 6]', h: 'float32[1, b, 6]' },
    ],
    [
      'only the last state is wanted',
      'float[s, b, 4] x, float[1, 24, 4] w, float[1, 24, 6] r',
      '"", h = LSTM<hidden_size = 6>(x, w, r)',
      { '': 'float32[s, 1, b, 6]', h: 'float32[1, b, 6]' },
    ],
    [
      'DynamicQuantizeLSTM: R is [D, H, 4 * H]',
      'float[s, b, 4] x, int8[1, 4, 24] w, int8[1, 6, 24] r, float[1] t, int8[1] z',
      'y = com.microsoft.DynamicQuantizeLSTM(x, w, r, "", "", "", "", "", t, z, t, z)',
      { y: 'float32[s, 1, b, 6]' },
    ],
    [
      'LinearAttention: state [B, H_kv, d_k, d_v]',
      'float[b, t, 32] q, float[b, t, 16] k, float[b, t, 20] v, float[b, t, 2] g, float[b, t, 2] z',
      'y, s = LinearAttention<q_num_heads = 4, kv_num_heads = 2>(q, k, v, "", g, z)',
      { y: 'float32[b, t, 40]', s: 'float32[b, 2, 8, 10]' },
      27,
    ],
  ];
  testCases(cases);

  test.each([
    [
      'hidden size',
      'float[s, b, 4] x, float[1, 24, 4] w, float[1, 24, 6] r',
      '<hidden_size = 5>',
      'hidden_size and R: 5 against 6',
    ],
    [
      'directions',
      'float[s, b, 4] x, float[1, 24, 4] w, float[1, 24, 6] r',
      '<direction = "bidirectional">',
      'directions of W: 1 against 2',
    ],
    [
      'input size',
      'float[s, b, 3] x, float[1, 24, 4] w, float[1, 24, 6] r',
      '<hidden_size = 6>',
      'input sizes of W and X: 4 against 3',
    ],
  ])('reports a clash of the %s', (_, inputs, attributes, problem) => {
    expect(infer(inputs, `y = LSTM${attributes}(x, w, r)`).problems).toEqual([`shape/mismatch: ${problem}`]);
  });

  test('reports data that are not of rank 3', () => {
    const { problems, types } = infer('float[s, 4] x, float[1, 24, 4] w, float[1, 24, 6] r', 'y = LSTM(x, w, r)');
    expect(problems).toEqual(['shape/rank: input "X" has rank 2, expected 3']);
    expect(types['y']).toBe('float32[u1, 1, u0, 6]');
  });
});
