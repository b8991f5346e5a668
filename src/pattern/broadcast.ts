import type { Shape } from '../ir/type.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { isBroadcasting } from '../schema/traits.js';
import type { Types } from '../shape/types.js';
import type { Pat } from './pattern.js';

/**
 * Rules drop the operands that `scalar` and `literal` match, so these must not have a say in the shape of the result: of an operator
 * that broadcasts, another operand must be known to have all of their dims. Gives the first operand that breaks this.
 */
export function shapingOperand(
  operands: readonly (Pat | undefined)[],
  node: Node,
  chosen: readonly number[],
  types: Types,
): Value | undefined {
  if (!isBroadcasting(node)) return undefined;
  for (const [at, operand] of operands.entries()) {
    const index = chosen[at];
    const value = index === undefined ? undefined : node.inputs[index];
    if (!operand || !value || !isNumeric(operand)) continue;
    const shape = constantOf(value)?.shape ?? [];
    if (shape.length === 0) continue;
    const others = node.inputs.filter((_, other) => other !== index);
    if (!others.some((other) => other && absorbs(types.shape(other), shape))) return value;
  }
  return undefined;
}

function isNumeric(pattern: Pat): boolean {
  switch (pattern.kind) {
    case 'scalar':
    case 'literal':
      return true;
    case 'optional':
    case 'where':
      return isNumeric(pattern.pattern);
    case 'one-of':
      return pattern.alternatives.every(isNumeric);
    default:
      return false;
  }
}

/** Whether broadcasting a constant of shape `small` against `big` surely gives `big`. */
function absorbs(big: Shape | undefined, small: readonly number[]): boolean {
  if (!big || big.length < small.length) return false;
  const skipped = big.length - small.length;
  return small.every((dim, axis) => dim === 1 || dim === big[skipped + axis]);
}
