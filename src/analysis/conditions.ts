import { shapeConditional } from '../diagnostics/codes/shape.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { pathOf } from '../ir/path.js';
import type { Types } from '../shape/types.js';
import { type Alignment, alignments, describeOperands } from './alignment.js';

/** What must hold of the input dims for the model to be valid: one finding per condition, at the first place that asks for it. */
export function conditionFindings(model: Model, types: Types): readonly Diagnostic[] {
  const places = new Map<string, Alignment[]>();
  for (const alignment of alignments(model, types)) {
    if (alignment.verdict !== 'conditional') continue;
    for (const axis of alignment.axes) {
      if (axis.verdict !== 'conditional' || axis.equation === undefined) continue;
      const known = places.get(axis.equation);
      if (known) known.push(alignment);
      else places.set(axis.equation, [alignment]);
    }
  }
  return [...places].map(([condition, found]) => {
    const { node } = found[0] as Alignment;
    const at = { path: pathOf(node), op: node.op };
    return shapeConditional(at, condition, describeOperands(found[0] as Alignment, types), found.length);
  });
}
