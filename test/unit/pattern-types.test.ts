import { expect, test } from '@jest/globals';
import type { Match } from '../../src/pattern/match.js';
import { op, opIn } from '../../src/pattern/op-pattern.js';
import { any, constant, integers, optional, scalar, where } from '../../src/pattern/pattern.js';
import { ok } from '../../src/pattern/verdict.js';

const x = any('x');
const W = constant('W');
const b = constant('b');

test('calls that fit their operator compile', () => {
  const calls = [
    op.Sub(x, W),
    op.Conv(x, W),
    op.Conv(x, W, b),
    op.Conv(x, W, optional(b), { group: (group) => group === 1, auto_pad: (pad = 'NOTSET') => pad === 'NOTSET' }),
    op.Clip(x, undefined, scalar('max')),
    op.Concat(x, x, x, { axis: (axis) => axis === 1 }),
    op.Split(x, { axis: (axis = 0) => axis === -1 }).out(1),
    op.ReduceMean(x, { axes: (axes) => axes?.length === 1 && axes[0] === -1 }),
    op.BatchNormalization(x, b, b, b, b, { training_mode: (t = 0) => t === 0 }),
    opIn('com.microsoft').Gelu(x),
  ];
  expect(calls.map((call) => call.kind)).toEqual([...Array(6).fill('op'), 'output', 'op', 'op', 'op']);
});

test('calls that do not fit fail to compile', () => {
  const wrong = [
    // @ts-expect-error no operator of that name
    () => op.Subb(x, W),
    // @ts-expect-error an operand is missing
    () => op.Sub(x),
    // @ts-expect-error an operand too many
    () => op.Sub(x, W, W),
    // @ts-expect-error a required operand cannot be left out
    () => op.Conv(x, undefined, b),
    // @ts-expect-error no attribute of that name
    () => op.Conv(x, W, { groups: (group: number) => group === 1 }),
    // @ts-expect-error group is a number
    () => op.Conv(x, W, { group: (group?: string) => group === '1' }),
    // @ts-expect-error a number is not an operand
    () => op.Pow(x, 2),
    // @ts-expect-error an operator of another domain
    () => opIn('com.microsoft').Conv(x, W),
    // @ts-expect-error not a domain with known operators
    () => opIn('com.example'),
  ];
  expect(wrong).toHaveLength(9);
});

test('what a match gives has the type of the pattern', () => {
  const eps = scalar('eps');
  const axes = integers('axes');
  const guarded = where(eps, () => ok);
  const reads = (m: Match): number => {
    const right: number = m.get(eps) + m.get(guarded) + m.get(W).size + (m.get(axes)[0] ?? 0);
    // @ts-expect-error a value is not a number
    const value: number = m.get(x);
    // @ts-expect-error a tensor is not a value
    const uses: unknown = m.get(W).uses;
    // @ts-expect-error what may be absent is not read without asking
    const size: number = m.maybe(b).size;
    // @ts-expect-error an omitted operand is asked for with maybe
    const omitted: unknown = m.get(optional(b));
    return right + value + size + Number(uses) + Number(omitted);
  };
  expect(reads).toHaveLength(1);
});
