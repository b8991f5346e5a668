import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { evaluate, symbol } from '../../src/dim/dim.js';
import { type AxisWindow, ceilPositions, coverage, positions } from '../../src/shape/window.js';

const size = fc.integer({ min: 0, max: 40 });
/** Windows whose padding is smaller than the kernel, which operators ask for. */
const window: fc.Arbitrary<AxisWindow> = fc
  .record({
    kernel: fc.integer({ min: 1, max: 6 }),
    stride: fc.integer({ min: 1, max: 5 }),
    dilation: fc.integer({ min: 1, max: 3 }),
  })
  .chain((shape) =>
    fc
      .record({
        begin: fc.integer({ min: 0, max: shape.kernel - 1 }),
        end: fc.integer({ min: 0, max: shape.kernel - 1 }),
      })
      .map((pads) => ({ ...shape, ...pads, same: false })),
  );

/** The offset of the last element of the window that starts at 0. */
function reach({ kernel, dilation }: AxisWindow): number {
  return ((kernel as number) - 1) * dilation;
}

/** Starts, in steps of the stride from the first padded element, for which `fits` holds. */
function countStarts(input: number, { begin, end, stride }: AxisWindow, fits: (start: number) => boolean): number {
  let count = 0;
  for (let start = 0; start < begin + input + end; start += stride) if (fits(start)) count++;
  return count;
}

test('positions counts the windows that lie inside the padded axis', () => {
  fc.assert(
    fc.property(size, window, (input, each) => {
      const length = each.begin + input + each.end;
      fc.pre(length > reach(each));
      const counted = countStarts(input, each, (start) => start + reach(each) < length);
      expect(positions(input, each)).toBe(counted);
      expect(evaluate(positions(symbol('n'), each), new Map([['n', input]]))).toBe(counted);
    }),
  );
});

test('ceilPositions counts those, and one that hangs over the end but starts before the padding there', () => {
  fc.assert(
    fc.property(size, window, (input, each) => {
      const length = each.begin + input + each.end;
      fc.pre(length > reach(each));
      const inside = countStarts(input, each, (start) => start + reach(each) < length);
      const remains = (inside - 1) * each.stride + reach(each) + 1 < length;
      const startsInside = inside * each.stride < each.begin + input;
      const counted = inside + (remains && startsInside ? 1 : 0);
      const expected = counted - ((inside - 1) * each.stride >= each.begin + input ? 1 : 0);
      expect(ceilPositions(input, each)).toBe(expected);
      expect(evaluate(ceilPositions(symbol('n'), each), new Map([['n', input]]))).toBe(expected);
    }),
  );
});

test('coverage marks every element that a scattered window touches, cut by the padding', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), window, fc.integer({ min: 0, max: 3 }), (input, each, extra) => {
      let last = 0;
      for (let i = 0; i < input; i++) last = Math.max(last, i * each.stride + reach(each));
      const covered = last + 1 + extra - each.begin - each.end;
      expect(coverage(input, each, extra)).toBe(covered);
      expect(evaluate(coverage(symbol('n'), each, extra), new Map([['n', input]]))).toBe(covered);
    }),
  );
});

test('SAME gives as many positions as there are multiples of the stride below the size', () => {
  fc.assert(
    fc.property(size, window, (input, each) => {
      const same = { ...each, same: true };
      let counted = 0;
      for (let start = 0; start < input; start += each.stride) counted++;
      expect(positions(input, same)).toBe(counted);
      expect(ceilPositions(input, same)).toBe(counted);
    }),
  );
});
