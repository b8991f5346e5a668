import { Moments } from './moments.js';
import { hasOneUse, type Op, relink, shapeOf, type Val, type View } from './view.js';

/** Replaces sums over a stack of values (Unsqueeze, Concat, Mul by weights, ReduceSum) by sums of these values. O(operations). */
export function foldStacks(view: View): View {
  const moments = new Moments(view);
  let changed = false;
  for (const op of view.ops) {
    if (op.type !== 'ReduceSum' && op.type !== 'ReduceMean') continue;
    const axes = moments.axesOf(op);
    const stack = axes?.length === 1 ? stackOf(view, op.inputs[0], axes[0] as number) : undefined;
    if (!stack) continue;
    Object.assign(op, { kind: 'add', type: 'Sum', inputs: stack, signs: stack.map(() => 1) });
    changed = true;
  }
  return changed ? { ...view, ops: relink(view.ops, view.outputs) } : view;
}

/** The values that were stacked along an axis, through a product with weights. */
function stackOf(view: View, val: Val | undefined, axis: number): readonly Val[] | undefined {
  let at = val;
  if (at?.op?.kind === 'mul' && hasOneUse(at)) {
    const [a, b]: readonly (Val | undefined)[] = at.op.inputs;
    at = a?.constant ? b : a;
    if (!(a?.constant || b?.constant)) return undefined;
  }
  const op: Op | undefined = at?.op;
  if (!at || op?.kind !== 'concat' || !hasOneUse(at)) return undefined;
  const parts = op.inputs.filter((part): part is Val => part !== undefined);
  const rank = shapeOf(view, at)?.length;
  const along = rank === undefined ? axis : (axis + rank) % rank;
  const single = parts.every((part) => part.op?.type === 'Unsqueeze' || shapeOf(view, part)?.[along] === 1);
  return single && parts.length > 1 ? parts : undefined;
}
