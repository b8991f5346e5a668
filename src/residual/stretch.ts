import { isFeatureAxis } from './feature-axis.js';
import { shapeOf, type Val, type View } from './view.js';

/** Whether `a` is stretched along some axis to the shape of `b`. */
export function isBroadcast(view: View, a: Val, b: Val): boolean {
  const [sa, sb] = [shapeOf(view, a), shapeOf(view, b)];
  if (!sa || !sb) return a.op?.type === 'Unsqueeze' && b.op?.type !== 'Unsqueeze';
  if (sa.length < sb.length) return true;
  return sa.length === sb.length && sa.some((dim, index) => dim === 1 && sb[index] !== 1);
}

/** Whether `a` is stretched to the shape of `b` along an axis after the first: over positions or channels, not over the batch. */
export function isStretched(view: View, a: Val, b: Val): boolean {
  const [sa, sb] = [shapeOf(view, a), shapeOf(view, b)];
  if (!sa || !sb || sa.length !== sb.length) return false;
  return sa.some((dim, index) => index > 0 && dim === 1 && sb[index] !== 1);
}

/** Whether `a` has one position where `b` has many: what it holds is the same everywhere. */
export function isPooled(view: View, a: Val, b: Val): boolean {
  const [sa, sb] = [shapeOf(view, a), shapeOf(view, b)];
  if (!sa || !sb || sa.length !== sb.length) return false;
  const axes = sa.flatMap((dim, axis) => (axis > 0 && dim === 1 && sb[axis] !== 1 ? [axis] : []));
  return axes.some((axis) => !isFeatureAxis(view, b, axis));
}
