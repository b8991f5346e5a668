import type { Model } from '../ir/model.js';
import type { Value } from '../ir/value.js';
import { isDataMovement } from '../schema/traits.js';

/** Operators whose results are elements of their inputs, or follow from them without any rounding of sums or products. */
const CRISP: ReadonlySet<string> = new Set(
  `Abs And ArgMax ArgMin Cast Ceil Clip Equal Floor Greater GreaterOrEqual Identity IsInf IsNaN Less LessOrEqual Max
   Min Neg Not OneHot Or Relu Round Shape Sign Size TopK Xor NonZero Constant ConstantOfShape`.split(/\s+/),
);

/**
 * Names of the outputs that no rounding reaches: where inputs are equal they are equal, so that rounding noise in the inputs excuses no
 * difference in them. Outputs that depend on bodies or calls are not among them. O(nodes).
 */
export function crispOutputs(model: Model): ReadonlySet<string> {
  const crisp = new Set<Value>();
  for (const slot of model.graph.inputs) crisp.add(slot.value);
  for (const node of model.graph.topo()) {
    const exact = isDataMovement(node) || (node.domain === '' && CRISP.has(node.opType));
    const inputs = node.inputs.every((value) => !value || value.constant || crisp.has(value));
    if (exact && inputs && node.bodies.length === 0) for (const value of node.outputs) crisp.add(value);
  }
  return new Set(model.graph.outputs.filter(({ value }) => crisp.has(value)).map(({ name }) => name));
}
