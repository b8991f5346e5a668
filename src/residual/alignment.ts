import { alignEqual, alignShapes, type IsFresh, type ShapeAlignment, weakest } from '../analysis/align-dims.js';
import { repairOptions } from '../analysis/repair.js';
import {
  residualBroadcast,
  residualConditional,
  residualMismatch,
  residualUnproven,
} from '../diagnostics/codes/alignment.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { pathOf } from '../ir/path.js';
import type { Shape } from '../ir/type.js';
import { showShape } from '../shape/fact.js';
import type { Types } from '../shape/types.js';
import type { Anatomy } from './anatomy.js';
import type { Site } from './site.js';
import { intOf, shapeOf, type View } from './view.js';

/**
 * What is not proven equal where skip and branch of a residual connection meet: an addition needs one shape, a Concat equal sizes
 * beside its axis. One finding per site: its weakest pair of operands. Operands that are constant (biases) are left alone.
 */
export function alignmentFindings(anatomy: Anatomy, types: Types): readonly Diagnostic[] {
  const isFresh: IsFresh = (name) => types.isFreshName(name);
  return anatomy.sites.flatMap(({ site }) => finding(site, anatomy.view, isFresh) ?? []);
}

interface Pair {
  readonly left: Shape | undefined;
  readonly right: Shape | undefined;
  readonly alignment: ShapeAlignment;
}

function finding(site: Site, view: View, isFresh: IsFresh): Diagnostic | undefined {
  const shapes = site.op.inputs.filter((val) => val && !val.constant).map((val) => val && shapeOf(view, val));
  const axis = site.op.kind === 'concat' ? intOf(site.op, 'axis') : undefined;
  const pairs = shapes.slice(1).map((right): Pair => {
    const left = shapes[0];
    return { left, right, alignment: align(left, right, axis, isFresh) };
  });
  const verdict = weakest(pairs.map((pair) => pair.alignment.verdict));
  const worst = pairs.find((pair) => pair.alignment.verdict === verdict);
  return worst && describe(site, worst);
}

function align(
  left: Shape | undefined,
  right: Shape | undefined,
  axis: number | undefined,
  isFresh: IsFresh,
): ShapeAlignment {
  if (axis === undefined || !left || !right || left.length !== right.length) return alignShapes(left, right, isFresh);
  const joined = axis < 0 ? axis + left.length : axis;
  const axes = left.flatMap((dim, at) => {
    return at === joined ? [] : [{ axis: at, ...alignEqual(dim, right[at] ?? null, isFresh) }];
  });
  return { verdict: weakest(axes.map((each) => each.verdict)), axes };
}

function describe(site: Site, { left, right, alignment }: Pair): Diagnostic | undefined {
  const at = { path: pathOf(site.op.node), op: site.op.node.op };
  const [a, b] = [left ? showShape(left) : 'unknown', right ? showShape(right) : 'unknown'];
  switch (alignment.verdict) {
    case 'equal':
      return undefined;
    case 'broadcast':
      return residualBroadcast(at, a, b, grows(alignment));
    case 'conditional':
      return residualConditional(at, a, b, conditionOf(alignment));
    case 'unknown':
      return residualUnproven(at, a, b);
    case 'wrong': {
      const repairs = left && right ? repairOptions(left, right).map((repair) => repair.text) : [];
      return residualMismatch(at, a, b, repairs);
    }
  }
}

/** Whether each side is stretched along some axis. */
function grows({ axes }: ShapeAlignment): boolean {
  const stretched = axes.filter((axis) => axis.verdict === 'broadcast');
  return stretched.some((axis) => axis.left === 1) && stretched.some((axis) => axis.right === 1);
}

function conditionOf({ axes }: ShapeAlignment): string {
  return [...new Set(axes.flatMap((axis) => axis.equation ?? []))].join(' and ');
}
