import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { isCommutative } from '../schema/traits.js';
import { assertNever } from '../support/invariant.js';
import type { OpPattern } from './op-pattern.js';
import type { Pat } from './pattern.js';

/** Whether a look at the value and at the operator that makes it leaves the pattern a chance. Cheap; never wrong when it says no. */
export function couldMatch(pattern: Pat, value: Value): boolean {
  switch (pattern.kind) {
    case 'any':
    case 'through':
      return true;
    case 'constant':
    case 'scalar':
    case 'literal':
    case 'ints':
      return constantOf(value) !== undefined;
    case 'one-of':
      return pattern.alternatives.some((each) => couldMatch(each, value));
    case 'optional':
    case 'where':
      return couldMatch(pattern.pattern, value);
    case 'op':
    case 'output': {
      const call = pattern.kind === 'op' ? pattern : pattern.of;
      const { producer } = value;
      return producer?.opType === call.opType && producer.domain === call.domain;
    }
    default:
      return assertNever(pattern);
  }
}

/** {@link couldMatch} for a pattern at a node, and for its operands; no allocations. */
export function couldMatchAt(pattern: Pat, node: Node): boolean {
  switch (pattern.kind) {
    case 'op':
      return couldCall(pattern, node);
    case 'output':
      return couldCall(pattern.of, node);
    case 'one-of':
      return pattern.alternatives.some((each) => couldMatchAt(each, node));
    case 'where':
      return couldMatchAt(pattern.pattern, node);
    default:
      return true;
  }
}

function couldCall(pattern: OpPattern, node: Node): boolean {
  if (pattern.opType !== node.opType || pattern.domain !== node.domain) return false;
  const free = isCommutative(node);
  const { operands } = pattern;
  for (let at = 0; at < operands.length; at++) {
    const operand = operands[at];
    if (!operand || operand.kind === 'optional' || operand.kind === 'any') continue;
    if (!(free ? anyInput(operand, node) : isInput(operand, node.inputs[at]))) return false;
  }
  return true;
}

function anyInput(pattern: Pat, node: Node): boolean {
  for (const input of node.inputs) if (isInput(pattern, input)) return true;
  return false;
}

function isInput(pattern: Pat, input: Value | undefined): boolean {
  return input !== undefined && couldMatch(pattern, input);
}
