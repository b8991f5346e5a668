import { doubleNorm, epsilon, epsilonDiffers } from '../diagnostics/codes/residual.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Anatomy, NormAnatomy } from './anatomy.js';
import { nodeLabel, placeOfOp } from './report.js';
import { hasOneUse, type Op, type View } from './view.js';

/** Norms that repeat each other, or whose epsilon vanishes. */
export function normFindings({ view, norms }: Anatomy): Diagnostic[] {
  return [...norms.flatMap((norm) => [...doubled(norm), ...vanishing(view, norm)]), ...differing(norms)];
}

/** Norms that have to agree before another one stands out. */
const LEAST_ALIKE = 4;

/** Norms of one kind and role on one stream whose epsilon is not the one that nearly all of them have. */
function differing(norms: readonly NormAnatomy[]): Diagnostic[] {
  const groups = new Map<string, NormAnatomy[]>();
  for (const norm of norms) {
    if (!norm.site || norm.op.norm?.epsilon === undefined) continue;
    const key = `${norm.op.norm.kind} ${norm.role} ${norm.site.stream.id}`;
    const list = groups.get(key);
    if (list) list.push(norm);
    else groups.set(key, [norm]);
  }
  return [...groups.values()].flatMap(outliers);
}

function outliers(group: readonly NormAnatomy[]): Diagnostic[] {
  const counts = new Map<number, number>();
  const valueOf = ({ op }: NormAnatomy): number => op.norm?.epsilon as number;
  for (const norm of group) counts.set(valueOf(norm), (counts.get(valueOf(norm)) ?? 0) + 1);
  const [common, count] = [...counts].reduce((best, each) => (each[1] > best[1] ? each : best));
  if (count < LEAST_ALIKE || (group.length - count) * 4 > count) return [];
  const others = group.filter((norm) => Math.abs(valueOf(norm) - common) > 0.01 * common);
  return others.map((norm) => epsilonDiffers(placeOfOp(norm.op), valueOf(norm), common, count));
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
