import { doubleNorm, epsilon } from '../diagnostics/codes/residual.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Anatomy, NormAnatomy } from './anatomy.js';
import { nodeLabel, placeOfOp } from './report.js';
import { hasOneUse, type Op, type View } from './view.js';

/** Norms that repeat each other, or whose epsilon vanishes. */
export function normFindings({ view, norms }: Anatomy): Diagnostic[] {
  return norms.flatMap((norm) => [...doubled(norm), ...vanishing(view, norm)]);
}

function doubled({ op }: NormAnatomy): Diagnostic[] {
  let at = op.inputs[0];
  while (at?.op?.kind === 'layout' && hasOneUse(at)) at = at.op.inputs[0];
  const first: Op | undefined = at?.op;
  if (!at || first?.kind !== 'norm' || !hasOneUse(at) || first.norm?.kind === 'affine') return [];
  return [doubleNorm(placeOfOp(op), nodeLabel(first), nodeLabel(op))];
}

/** Least positive numbers of the small float types, subnormal ones included. */
const LEAST: ReadonlyMap<string, number> = new Map([
  ['float16', 2 ** -24],
  ['bfloat16', 2 ** -133],
]);

function vanishing(view: View, { op }: NormAnatomy): Diagnostic[] {
  const value = op.node.inputs[0];
  const dtype = value && view.types.dtype(value);
  const least = dtype && LEAST.get(dtype);
  const own = op.norm?.epsilon;
  if (!dtype || own === undefined || op.norm?.kind === 'batch') return [];
  const isGone = own === 0 || (least !== undefined && own < least / 2);
  return isGone ? [epsilon(placeOfOp(op), own, dtype)] : [];
}
