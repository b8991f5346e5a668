import type { Detector } from './detect.js';
import { isPlain } from './chain.js';
import { takesPart } from './parts.js';
import { between, statsOf } from './region.js';
import type { Branch, Site, SiteKind } from './site.js';
import { hasOneUse, onlyDataInput, scalarOf, type Val } from './view.js';

/** What a site is that adds; of several kinds that fit the first in the order parallel, gated, scaled, projection, identity. */
export function kindOf(detector: Detector, site: Site): SiteKind {
  if (carriesFar(site)) return 'long-additive';
  if (isParallel(site)) return 'parallel';
  const gated = site.skip.gates.length > 0 || site.branches.some((branch) => isGated(detector, site, branch));
  if (gated) return 'gated';
  if (site.skip.coefficients.length > 0 || site.branches.some(isScaled) || isScaledSum(site)) return 'scaled';
  return isPlain(site.skip) || takesPart(detector.view, site.skip) ? 'identity' : 'projection';
}

/** A branch that goes down to a lower resolution and up again carries its input across stages. */
function carriesFar(site: Site): boolean {
  return site.branches.some(({ ops }) => {
    const stats = statsOf(ops);
    return stats.shrinks && stats.grows && stats.weighted >= 2;
  });
}

/** Several branches that each do something of their own: experts of one mixture and convolutions to be merged do not count. */
function isParallel(site: Site): boolean {
  const branches = site.branches.filter(({ ops }) => {
    const stats = statsOf(ops);
    return stats.weighted > 0 && stats.nonlinear > 0 && !stats.routes;
  });
  return branches.length > 1 || site.branches.some((branch) => isJoinedParallel(site, branch));
}

/** Attention and MLP joined by Concat before one common projection. */
function isJoinedParallel(site: Site, branch: Branch): boolean {
  const last = branch.end.val.op;
  const joined = last?.kind === 'mix' ? onlyDataInput(last)?.op : undefined;
  if (joined?.kind !== 'concat') return false;
  const parts = joined.inputs.flatMap((val) => (val ? [statsOf(between(site.input, val))] : []));
  const attention = parts.filter((stats) => stats.attends);
  const others = parts.filter((stats) => !stats.attends && stats.weighted > 0 && stats.nonlinear > 0);
  return attention.length > 0 && others.length > 0;
}

/** Whether the branch as a whole is multiplied by something that is computed apart from it. */
function isGated(detector: Detector, site: Site, branch: Branch): boolean {
  const value = branch.end.val;
  return branch.end.gates.some((gate) => {
    if (value === site.input) return true;
    if (between(value, gate).length > 0) return false;
    if (statsOf(between(site.input, gate)).routes) return false;
    return sourceOf(detector, gate) !== sourceOf(detector, value);
  });
}

/** Where the halves of a gated linear unit meet: what one layer of weights reads. */
function sourceOf(detector: Detector, val: Val): Val {
  let at = val;
  let weights = 0;
  for (let step = 0; step < 24; step++) {
    const source = detector.pointwise.source(at);
    const { op } = at;
    const only = op && onlyDataInput(op);
    if (source) at = source.of;
    else if (only && (op.kind === 'layout' || op.kind === 'move')) at = only;
    else if (only && op.kind === 'mix' && weights++ === 0) at = only;
    else break;
  }
  return at;
}

function isScaled(branch: Branch): boolean {
  return branch.end.coefficients.length > 0 && !branch.end.val.op?.node.opType.endsWith('Integer');
}

/** Skip and branch scaled after the sum by one number. */
function isScaledSum(site: Site): boolean {
  const use = hasOneUse(site.output) ? site.output.uses[0] : undefined;
  if (use?.kind !== 'mul' && use?.kind !== 'div') return false;
  if (use.outputs[0]?.uses.every((reader) => reader.kind === 'add')) return false;
  const factor = use.inputs.find((val) => val !== site.output);
  return factor?.constant === true && scalarOf(factor) !== undefined && scalarOf(factor) !== 1;
}
