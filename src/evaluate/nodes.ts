import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { hasReference } from '../schema/read.js';
import type { NumericArray } from '../tensor/array.js';
import { ACTIVATIONS } from './activations.js';
import { ARITHMETIC } from './arithmetic.js';
import { type Budget, Call, type Kernel } from './call.js';
import { CASTS } from './cast.js';
import { type Elements, fromNumeric } from './elements.js';
import { LAYOUT } from './layout.js';
import { checkOperandTypes } from './operand-types.js';
import { invalid, Stop } from './stop.js';

// The other families are loaded with the evaluator of whole models alone.
const ELEMENTWISE: ReadonlyMap<string, Kernel> = new Map(
  [ACTIVATIONS, ARITHMETIC, CASTS, LAYOUT].flatMap((family) => Object.entries(family)),
);

/**
 * What nodes of one graph compute, given producers first, from the values that `read` knows; only their first outputs, and only what
 * computes each element by itself or lays elements out anew. `undefined` where one is something else, or depends on something else.
 */
export function evaluateNodes(
  nodes: readonly Node[],
  read: (value: Value) => NumericArray | undefined,
  limit: number,
): ReadonlyMap<Value, Elements> | undefined {
  const known = new Map<Value, Elements>();
  const budget: Budget = { left: limit, limit };
  const operand = (value: Value): Elements => {
    const found = known.get(value);
    if (found) return found;
    const given = read(value);
    if (!given) throw invalid(`${value.hint} has no value`);
    return fromNumeric(given);
  };
  try {
    for (const node of nodes) {
      const kernel = ELEMENTWISE.get(node.op);
      if (!kernel || hasReference(node)) return undefined;
      const inputs = node.inputs.map((value) => value && operand(value));
      const call = new Call(node, inputs, node.attrs, budget);
      checkOperandTypes(call);
      known.set(node.outputs[0]!, kernel(call)[0]!);
    }
    return known;
  } catch (cause) {
    if (cause instanceof Stop || cause instanceof RangeError) return undefined;
    throw cause;
  }
}
