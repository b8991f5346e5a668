import { isFeatureAxis } from './feature-axis.js';
import type { Step } from './site.js';
import { type Op, parameterOf, tensorOf, type View } from './view.js';

/** Whether a skip is one part of a value that was split by features: one of two streams. */
export function takesPart(view: View, { weights, moves }: Step): boolean {
  if (weights.length > 0 || moves.length === 0) return false;
  return moves.every((op) => op.type === 'Split' || isFeatureSlice(view, op));
}

function isFeatureSlice(view: View, op: Op): boolean {
  const axes = op.type === 'Slice' ? tensorOf(parameterOf(op, 3))?.ints() : undefined;
  const input = op.inputs[0];
  return axes !== undefined && input !== undefined && axes.every((axis) => isFeatureAxis(view, input, Number(axis)));
}
