import { describe, expect, test } from '@jest/globals';
import { equivalence } from '../mutants/index.js';
import { graphOf } from '../support/model.js';

const SCORES = `(float[batch, 6] X) => (float[batch, 6] Y)
<float c = {0.5}, float e = {1e-12}, float two = {2}>
{ s = Mul (X, c) p = Softmax <axis = -1> (s) v = ReduceMean <axes = [-1]> (p) d = Sub (p, v) q = Pow (d, two)
  w = ReduceMean <axes = [-1]> (q) a = Add (w, e) r = Sqrt (a) Y = Div (d, r) }`;

const why = (from: string, to: string): string | undefined => {
  expect(SCORES).toContain(from);
  return equivalence(graphOf(SCORES), graphOf(SCORES.replace(from, to)));
};

describe('damage is no fault', () => {
  test.each([
    ['s = Mul (X, c)', 't = Mul (X, c) s = Add (t, c)'],
    ['d = Sub (p, v) q = Pow (d, two)', 'd = Sub (p, v) m = Sub (v, p) q = Pow (m, two)'],
  ])('%s → %s', (from, to) => {
    expect(why(from, to)).toMatch(/same/);
  });

  test('where only a shape is read', () => {
    const text = (op: string): string => `(int64[n] A, int64[n] B) => (int64[1] Y) { m = ${op} (A, B) Y = Shape (m) }`;
    expect(equivalence(graphOf(text('Max')), graphOf(text('Min')))).toBe('only its shape is read');
  });
});

describe('damage is a fault', () => {
  test.each([
    ['1e-12', '1e-11'],
    ['c = {0.5}', 'c = {0.5000001}'],
    ['d = Sub (p, v)', 'd = Sub (v, p)'],
    ['Div (d, r)', 'Div (r, d)'],
  ])('%s → %s', (from, to) => {
    expect(why(from, to)).toBeUndefined();
  });
});
