import { describe, expect, test } from '@jest/globals';
import { agree } from '../../passes/_shared/attention/dims.js';
import { type Dim, parse } from '../../src/dim/dim.js';

const dim = (text: string): Dim => parse(text) ?? null;

describe('dims that were broadcast with each other agree', () => {
  test.each([
    ['s', 's'],
    ['7', '7'],
    ['min(s, 64)', 's'],
    ['floor(b*s/b)', 's'],
    ['2*s', 's + s'],
  ])('%s and %s', (a, b) => {
    expect(agree(dim(a), dim(b))).toBe(true);
  });

  test.each([
    ['1', 's'],
    ['s', 't'],
    ['s', '2*s'],
    ['min(s, 1)', 's'],
    ['max(s, 2)', '1'],
    ['floor(s/2)', 's'],
  ])('%s and %s may differ', (a, b) => {
    expect(agree(dim(a), dim(b))).toBe(false);
  });

  test('what is unknown agrees with nothing', () => {
    expect(agree(null, null)).toBe(false);
    expect(agree(null, dim('s'))).toBe(false);
  });
});
