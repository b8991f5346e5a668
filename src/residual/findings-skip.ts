import { missingSkip } from '../diagnostics/codes/residual.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { equal } from '../dim/dim.js';
import type { Anatomy, StreamAnatomy } from './anatomy.js';
import { isWeighted } from './chain.js';
import { between } from './region.js';
import { placeOfOp } from './report.js';
import { type Op, shapeOf, tensorOf, type Val, type View } from './view.js';

/** Branches that a layer has to be like before its missing skip stands out. */
const LEAST_ALIKE = 3;

/** Places where a stream ends and the next one begins with a layer that is like the branches of both, but for the sum. */
export function skipFindings({ view, streams, detector }: Anatomy): Diagnostic[] {
  const counts = new Map<string, number>();
  for (const { sites } of streams) {
    for (const { site } of sites) {
      const [branch, ...more] = site.branches;
      const key = branch && more.length === 0 && !site.crossing ? layersOf(branch.ops) : '';
      if (key !== '') counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  return streams.flatMap((stream) => {
    const end = stream.sites.at(-1)?.site.output;
    const start = end && streams.find((other) => follows(view, end, other));
    const ops = end && start ? between(end, start.origin) : [];
    if (!start || ops.some((op) => op.outputs.some((val) => detector.isMerge(val)))) return [];
    const alike = counts.get(layersOf(ops)) ?? 0;
    return alike >= LEAST_ALIKE && start.origin.op ? [missingSkip(placeOfOp(start.origin.op), alike)] : [];
  });
}

/** Whether a stream begins with a value that was made from another one and has its shape. */
function follows(view: View, end: Val, { origin, sites }: StreamAnatomy): boolean {
  const [from, to] = [shapeOf(view, end), shapeOf(view, origin)];
  if (!origin.op || !from || !to || from.length !== to.length || sites.length === 0) return false;
  return from.every((dim, axis) => equal(dim, to[axis] ?? null)) && between(end, origin).length > 0;
}

/** The layers of a region: operators with the shapes of their weights. */
function layersOf(ops: readonly Op[]): string {
  const layers = ops.filter((op) => op.kind === 'mix');
  if (!layers.some(isWeighted)) return '';
  return layers.map((op) => `${op.type}${op.inputs.map((val) => tensorOf(val)?.shape.join('x') ?? '')}`).join(' ');
}
