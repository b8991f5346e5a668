import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { assertNever } from '../support/invariant.js';
import { isInteger } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { isUniformly } from './literal.js';
import { showNumber, showValue } from './miss.js';
import type { ConstantPattern, IntsPattern, LiteralPattern, ScalarPattern } from './pattern.js';

/** A pattern that only a constant can match. */
export type LeafPattern = ConstantPattern | ScalarPattern | LiteralPattern | IntsPattern;

/** What keeps a value from matching; `undefined` when it matches. */
export function constantMiss(pattern: LeafPattern, value: Value): string | undefined {
  const tensor = constantOf(value);
  if (!tensor) return `${showValue(value)} is not constant`;
  switch (pattern.kind) {
    case 'constant':
      return undefined;
    case 'scalar':
      return isNumber(tensor) ? undefined : `${showValue(value)} is ${showTensor(tensor)}, not one number`;
    case 'literal':
      return isUniformly(tensor, pattern.value, pattern.ulps)
        ? undefined
        : `${showValue(value)} is ${showTensor(tensor)}, not ${showNumber(pattern.value)}`;
    case 'ints':
      return integersMiss(pattern, tensor, value);
    default:
      return assertNever(pattern);
  }
}

function isNumber({ dtype, size }: Tensor): boolean {
  return size === 1 && dtype !== 'string' && dtype !== 'bool' && !dtype.startsWith('complex');
}

function integersMiss(pattern: IntsPattern, tensor: Tensor, value: Value): string | undefined {
  if (!isInteger(tensor.dtype) || tensor.shape.length > 1 || tensor.size > 64) {
    return `${showValue(value)} is ${showTensor(tensor)}, not a list of integers`;
  }
  const found = tensor.ints();
  const { elements } = pattern;
  if (!elements) return undefined;
  const equal = found.length === elements.length && found.every((item, index) => item === BigInt(elements[index] ?? 0));
  return equal ? undefined : `${showValue(value)} is [${found.join(', ')}], not [${elements.join(', ')}]`;
}

/** A small constant by its numbers, others by dtype and shape. */
function showTensor(tensor: Tensor): string {
  if (isNumber(tensor)) return showNumber(tensor.floats()[0]!);
  return `${tensor.dtype}[${tensor.shape.join(', ')}]`;
}
