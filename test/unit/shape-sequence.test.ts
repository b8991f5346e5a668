import { describe, expect, test } from '@jest/globals';
import { infer, type InferCase, testCases } from '../support/infer.js';

describe('sequences and optionals', () => {
  const cases: readonly InferCase[] = [
    [
      'elements that agree keep their shape',
      'float[n, 3] x, float[n, 3] z, int64 i',
      's = SequenceConstruct(x, z)\ny = SequenceAt(s, i)\nl = SequenceLength(s)',
      { s: 'sequence of float32[n, 3]', y: 'float32[n, 3]', l: 'int64[]' },
    ],
    [
      'sizes that differ are unknown, and each element has its own',
      'float[n, 3] x, float[m, 3] z, int64 i',
      's = SequenceConstruct(x, z)\na = SequenceAt(s, i)\nb = SequenceAt(s, i)',
      { s: 'sequence of float32[?, 3]', a: 'float32[u0, 3]', b: 'float32[u1, 3]' },
    ],
    [
      'inserted into an empty sequence',
      'float[n, 3] x, float[n, 3] z, int64 i',
      `e = SequenceEmpty()
       s = SequenceInsert(e, x)
       t = SequenceInsert(s, z, i)
       u = SequenceErase(t)`,
      {
        e: 'sequence of float32 of unknown rank',
        s: 'sequence of float32[n, 3]',
        t: 'sequence of float32[n, 3]',
        u: 'sequence of float32[n, 3]',
      },
    ],
    [
      'SplitToSequence into ones',
      'float[n, 3] x',
      's = SplitToSequence(x)\nt = SplitToSequence<axis = 1, keepdims = 0>(x)',
      { s: 'sequence of float32[1, 3]', t: 'sequence of float32[n]' },
    ],
    [
      'into equal pieces, and with a rest',
      'float[6, 3] x',
      'k = Constant<value_int = 2>()\nl = Constant<value_int = 4>()\ns = SplitToSequence(x, k)\nt = SplitToSequence(x, l)',
      { k: 'int64[]', l: 'int64[]', s: 'sequence of float32[2, 3]', t: 'sequence of float32[?, 3]' },
    ],
    [
      'into given pieces',
      'float[6, 3] x',
      'k = Constant<value_ints = [3, 3]>()\nl = Constant<value_ints = [2, 4]>()\ns = SplitToSequence(x, k)\nt = SplitToSequence(x, l)',
      { k: 'int64[2]', l: 'int64[2]', s: 'sequence of float32[3, 3]', t: 'sequence of float32[?, 3]' },
    ],
    [
      'joined and stacked',
      'float[n, 3] x, float[n, 3] z',
      's = SequenceConstruct(x, z)\ny = ConcatFromSequence<axis = -1>(s)\nw = ConcatFromSequence<axis = 1, new_axis = 1>(s)',
      { s: 'sequence of float32[n, 3]', y: 'float32[n, u0]', w: 'float32[n, u1, 3]' },
    ],
    [
      'optionals',
      'float[n, 3] x',
      'o = Optional(x)\ny = OptionalGetElement(o)\nz = OptionalGetElement(x)\nh = OptionalHasElement(o)',
      { o: 'optional of float32[n, 3]', y: 'float32[n, 3]', z: 'float32[n, 3]', h: 'bool[]' },
    ],
  ];
  testCases(cases);

  const GROWN = (first: string): string => `e = ${first}
      s = Loop<body = g (int64 i, bool c, seq(float[]) q) => (bool c2, seq(float[]) r) {
        c2 = Identity(c)
        t = NonZero(x)
        f = Cast<to = 1>(t)
        r = SequenceInsert(q, f)
      }>(n, "", e)
      a = SequenceAt(s, n)
      b = SequenceAt(s, n)`;

  test.each(['SequenceConstruct(z)', 'SequenceEmpty()'])(
    '%s that grows in a loop: each element has its own size',
    (first) => {
      const { types } = infer('float[h] x, float[1, k] z, int64 n', GROWN(first));
      expect(types['s']).toBe('sequence of float32[1, ?]');
      expect(types['a']).toMatch(/^float32\[1, u\d+\]$/);
      expect(types['b']).toMatch(/^float32\[1, u\d+\]$/);
      expect(types['a']).not.toBe(types['b']);
    },
  );

  test('a name in the declared type of a sequence may stand for a size of each element', () => {
    const nodes = `a = SequenceAt(q, i)
      b = SequenceMap<body = g (float[k] t) => (float[l] u) { u = Relu(t) }>(q)
      c = SequenceMap<body = g (float[k] t, float[k] v) => (float[l] u) { u = Add(t, v) }>(q, q)`;
    expect(infer('seq(float[k]) q, int64 i', nodes).types).toEqual({
      a: 'float32[u0]',
      b: 'sequence of float32[?]',
      c: 'sequence of float32[?]',
    });
  });
});
