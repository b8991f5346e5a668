import { dtypeChange, needlessProjection, paddedSkip } from '../diagnostics/codes/residual.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { format } from '../dim/dim.js';
import type { Shape } from '../ir/type.js';
import { DTYPES, isFloat } from '../tensor/dtype.js';
import type { Anatomy, SiteAnatomy } from './anatomy.js';
import { mixesCopies } from './form.js';
import { takesPart } from './parts.js';
import { placeOfOp } from './report.js';
import { dtypeOf, shapeOf, type View } from './view.js';

/** Shapes and element types at the sums. */
export function shapeFindings({ view, sites }: Anatomy): Diagnostic[] {
  return sites.flatMap((each) => [...dtypeFinding(view, each), ...projectionFinding(view, each)]);
}

function text(shape: Shape): string {
  return `[${shape.map(format).join(', ')}]`;
}

function dtypeFinding(view: View, { site }: SiteAnatomy): Diagnostic[] {
  const [from, to] = [dtypeOf(view, site.skip.val), dtypeOf(view, site.output)];
  const narrows =
    from !== undefined && to !== undefined && isFloat(from) && isFloat(to) && DTYPES[to].bits < DTYPES[from].bits;
  return narrows && site.skip.val.op?.kind !== 'norm' ? [dtypeChange(placeOfOp(site.op), from, to)] : [];
}

function projectionFinding(view: View, { site }: SiteAnatomy): Diagnostic[] {
  const { weights, moves } = site.skip;
  if (takesPart(view, site.skip) || mixesCopies(view, site)) return [];
  const fills = moves.filter((op) => op.kind === 'concat' || op.type === 'Pad' || op.type === 'Slice');
  if (weights.length === 0 && fills.length > 0) {
    return [paddedSkip(placeOfOp(site.op), [...new Set(fills.map((op) => op.type))].join(' and '))];
  }
  const [from, to] = [shapeOf(view, site.input), shapeOf(view, site.output)];
  const same = from && to && from.every((dim) => dim !== null) && text(from) === text(to);
  return site.kind === 'projection' && weights.length > 0 && same
    ? [needlessProjection(placeOfOp(site.op), text(from))]
    : [];
}
