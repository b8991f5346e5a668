import { expect, test } from '@jest/globals';
import type { OpAttributes, OpName, OpOperands } from '../../src/schema/ops.js';
import { operatorNames } from '../../src/schema/schema.js';

/** A call as a pattern language types it: wrong names, kinds and operand counts fail to compile. */
function call<Op extends OpName>(op: Op, operands: OpOperands<Op, number>, attributes?: OpAttributes<Op>): string {
  return `${op}(${operands.map(String).join(', ')}) ${JSON.stringify(attributes ?? {})}`;
}

test('calls of known operators compile', () => {
  expect(call('Sub', [1, 2])).toBe('Sub(1, 2) {}');
  expect(call('Conv', [1, 2], { group: 4, pads: [0, 0], auto_pad: 'NOTSET' })).toContain('"group":4');
  expect(call('Clip', [1, undefined, 3])).toBe('Clip(1, undefined, 3) {}');
  expect(call('Concat', [1, 2, 3, 4], { axis: 1 })).toContain('Concat(1, 2, 3, 4)');
  expect(call('Cast', [1], { to: 'FLOAT' })).toContain('FLOAT');
  expect(call('Cast', [1], { to: 1 })).toContain('"to":1');
  expect(call('ReduceMean', [1, 2], { keepdims: 0 })).toBe(call('ReduceMean', [1, 2], { keepdims: 0 }));
});

test('wrong calls fail to compile', () => {
  const wrong = [
    // @ts-expect-error no operator of that name
    () => call('Subb', [1, 2]),
    // @ts-expect-error an operand is missing
    () => call('Sub', [1]),
    // @ts-expect-error an operand too many
    () => call('Sub', [1, 2, 3]),
    // @ts-expect-error no attribute of that name
    () => call('Conv', [1, 2], { groups: 1 }),
    // @ts-expect-error an INT, not a string
    () => call('Conv', [1, 2], { group: '1' }),
    // @ts-expect-error an operator without attributes
    () => call('Erf', [1], { axis: 1 }),
  ];
  expect(wrong).toHaveLength(6);
});

test('the union names every operator of the default domain', () => {
  const some: readonly OpName[] = ['Abs', 'LayerNormalization', 'Xor'];
  expect(some.every((op) => operatorNames('').includes(op))).toBe(true);
  const microsoft: OpName<'com.microsoft'> = 'SkipLayerNormalization';
  expect(operatorNames('com.microsoft')).toContain(microsoft);
});
