import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { assertNever } from '../support/invariant.js';
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
