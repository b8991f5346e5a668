import type { Shape, Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import { showValue } from '../pattern/miss.js';
import { showType } from '../shape/fact.js';
import type { Types } from '../shape/types.js';
import { invariant } from '../support/invariant.js';

/**
 * Checks that a value may take the place of another: what is known of both does not contradict.
 * @throws InvariantError that names the rule
 */
export function checkSeam(rule: string, from: Value, to: Value, types: Types): void {
  const [before, after] = [types.of(from), types.of(to)];
  invariant(
    compatible(before, after),
    `rule ${rule} puts ${showType(after)} in the place of ${showValue(from)}, which is ${showType(before)}`,
  );
}

function compatible(a: Type | undefined, b: Type | undefined): boolean {
  if (!a || !b) return true;
  if (a.kind !== 'tensor' || b.kind !== 'tensor') return a.kind === b.kind;
  return (!a.dtype || !b.dtype || a.dtype === b.dtype) && compatibleShapes(a.shape, b.shape);
}

function compatibleShapes(a: Shape | undefined, b: Shape | undefined): boolean {
  if (!a || !b) return true;
  return (
    a.length === b.length &&
    a.every((dim, axis) => typeof dim !== 'number' || typeof b[axis] !== 'number' || dim === b[axis])
  );
}
