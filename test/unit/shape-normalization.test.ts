import { describe, expect, test } from '@jest/globals';
import { infer, type InferCase, testCases } from '../support/infer.js';

const BN = 'float[n, 5, h] x, float[5] s, float[5] c, float[5] m, float[5] v';
const TOKENS = 'float16[b, s, 64] x, float16[64] g';

describe('normalization', () => {
  const cases: readonly InferCase[] = [
    ['BatchNormalization', BN, 'y = BatchNormalization(x, s, c, m, v)', { y: 'float32[n, 5, h]' }],
    [
      'running statistics in training',
      BN,
      'y, rm, rv = BatchNormalization<training_mode = 1>(x, s, c, m, v)',
      { y: 'float32[n, 5, h]', rm: 'float32[5]', rv: 'float32[5]' },
    ],
    [
      'saved statistics before version 14',
      BN,
      'y, rm, rv, sm, sv = BatchNormalization(x, s, c, m, v)',
      { y: 'float32[n, 5, h]', rm: 'float32[5]', rv: 'float32[5]', sm: 'float32[5]', sv: 'float32[5]' },
      9,
    ],
    [
      'LayerNormalization: statistics keep the axes before `axis`, float32 by stash_type',
      'float16[b, s, 2, 64] x, float16[2, 64] g',
      'y, m, i = LayerNormalization<axis = 2>(x, g)',
      { y: 'float16[b, s, 2, 64]', m: 'float32[b, s, 1, 1]', i: 'float32[b, s, 1, 1]' },
    ],
    [
      'LayerNormalization where an older opset is imported',
      TOKENS,
      'y = LayerNormalization(x, g)',
      { y: 'float16[b, s, 64]' },
      12,
    ],
    [
      'SimplifiedLayerNormalization in the default domain',
      TOKENS,
      'y = SimplifiedLayerNormalization(x, g)',
      { y: 'float16[b, s, 64]' },
      17,
    ],
    [
      'RMSNormalization is of the type of its scale',
      'float16[b, 64] x, float[64] g',
      'y = RMSNormalization(x, g)',
      { y: 'float32[b, 64]' },
      23,
    ],
    [
      'as the input',
      'float[n, 4, h] x, float[4] s, float[2] g',
      `a = InstanceNormalization(x, s, s)
       b = GroupNormalization<num_groups = 2>(x, s, s)
       c = LpNormalization(x)
       d = MeanVarianceNormalization<axes = [0, 2]>(x)
       e = LRN<size = 3>(x)`,
      {
        a: 'float32[n, 4, h]',
        b: 'float32[n, 4, h]',
        c: 'float32[n, 4, h]',
        d: 'float32[n, 4, h]',
        e: 'float32[n, 4, h]',
      },
    ],
    [
      'SkipLayerNormalization: the sum is output 3, the statistics float32',
      TOKENS,
      'y, m, i, t = com.microsoft.SkipLayerNormalization(x, x, g)',
      { y: 'float16[b, s, 64]', m: 'float32[b, s, 1]', i: 'float32[b, s, 1]', t: 'float16[b, s, 64]' },
    ],
    [
      'SkipSimplifiedLayerNormalization with statistics left out',
      TOKENS,
      'y, "", "", t = com.microsoft.SkipSimplifiedLayerNormalization(x, x, g)',
      { y: 'float16[b, s, 64]', '': 'float32[b, s, 1]', t: 'float16[b, s, 64]' },
    ],
    [
      'EmbedLayerNormalization',
      'int32[b, s] ids, float[1000, 64] w, float[512, 64] p, float[64] g',
      'y, m, e = com.microsoft.EmbedLayerNormalization(ids, "", w, p, "", g, g)',
      { y: 'float32[b, s, 64]', m: 'int32[b]', e: 'float32[b, s, 64]' },
    ],
    [
      'BitmaskDropout packs 32 elements a word',
      'float[2, 33] x',
      'y, m = com.microsoft.BitmaskDropout(x)',
      { y: 'float32[2, 33]', m: 'uint32[3]' },
    ],
    [
      'SkipGroupNorm gives the sum too',
      'float16[n, h, w, 32] x, float[32] g',
      'y, t = com.microsoft.SkipGroupNorm<groups = 4, activation = 0>(x, g, g, x)',
      { y: 'float16[n, h, w, 32]', t: 'float16[n, h, w, 32]' },
    ],
  ];
  testCases(cases);

  test('a scale of another length than the channels is reported', () => {
    const { problems } = infer('float[n, 5, h] x, float[4] s', 'y = BatchNormalization(x, s, s, s, s)');
    expect(problems).toContain('shape/mismatch: channels and scale: 5 against 4');
  });

  test('a gamma of another length than the last axis is reported', () => {
    const { problems } = infer('float[b, s, 64] x, float[32] g', 'y = com.microsoft.SkipLayerNormalization(x, x, g)');
    expect(problems).toEqual(['shape/mismatch: last axis and gamma: 64 against 32']);
  });
});
