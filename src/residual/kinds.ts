import type { Detector } from './detect.js';
import { isPlain, pickGate } from './chain.js';
import { takesPart } from './parts.js';
import { between, statsOf } from './region.js';
import type { Branch, Site, SiteKind } from './site.js';
import { dataInputs, hasOneUse, type Op, onlyDataInput, scalarOf, type Val } from './view.js';

/** What a site is that adds; of several kinds that fit the first in the order parallel, gated, scaled, projection, identity. */
export function kindOf(detector: Detector, site: Site): SiteKind {
  if (carriesFar(detector, site)) return 'long-additive';
  if (isParallel(site)) return 'parallel';
  const gated = site.skip.gates.length > 0 || site.branches.some((branch) => isGated(detector, site, branch));
  if (gated) return 'gated';
  if (site.skip.coefficients.length > 0 || site.branches.some(isScaled) || isScaledSum(site)) return 'scaled';
  return isPlain(site.skip) || takesPart(detector.view, site.skip) ? 'identity' : 'projection';
}

/**
 * A branch that goes down to a lower resolution and up again carries its input across stages. Gates may do so (GhostNetV2), and attention
 * that sees fewer positions (EfficientFormerV2) without sites of its own.
 */
function carriesFar(detector: Detector, site: Site): boolean {
  return site.branches.some((branch) => {
    const stats = statsOf(branch.ops);
    if (!stats.shrinks || !stats.grows || stats.weighted < 2) return false;
    if (stats.attends && !branch.ops.some((op) => op.outputs.some((val) => detector.isMerge(val)))) return false;
    const main = statsOf(withoutGates(detector, branch));
    return main.shrinks && main.grows;
  });
}

/** The operations of a branch that its values flow through, not those that only make factors. */
function withoutGates(detector: Detector, branch: Branch): readonly Op[] {
  const region = new Set(branch.ops);
  const found = new Set<Op>();
  const stack: Val[] = [branch.operand];
  for (let val = stack.pop(); val; val = stack.pop()) {
    const { op } = val;
    if (!op || !region.has(op) || found.has(op)) continue;
    found.add(op);
    const [a, b] = op.inputs;
    const gate = op.kind === 'mul' && a && b ? pickGate(detector, a, b) : undefined;
    for (const input of op.inputs) if (input && input !== gate) stack.push(input);
  }
  return [...found];
}

/** Several branches that each do something of their own: experts of one mixture and convolutions to be merged do not count. */
function isParallel(site: Site): boolean {
  const counts = new Map<Op, number>();
  for (const { ops } of site.branches) for (const op of ops) counts.set(op, (counts.get(op) ?? 0) + 1);
  const branches = site.branches.filter(({ ops }) => {
    const stats = statsOf(ops.filter((op) => counts.get(op) === 1));
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
    const source = sourceOf(detector, gate);
    return source !== sourceOf(detector, value) && !isOwnNorm(site, source);
  });
}

/** Whether a value is the normalized input of a site: what is computed from it is the branch's own. */
function isOwnNorm(site: Site, val: Val): boolean {
  let at: Val | undefined = val;
  let normed = false;
  while (at?.op && at !== site.input && (at.op.kind === 'norm' || at.op.kind === 'layout')) {
    normed ||= at.op.kind === 'norm';
    at = onlyDataInput(at.op);
  }
  return normed && at === site.input;
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
    else {
      const mixed = op && blended(op);
      if (!mixed) break;
      at = mixed;
    }
  }
  return at;
}

/** Operands of sums within a sum that are followed. */
const MOST_COPIES = 12;

/** What a sum adds to scaled or shifted copies of itself: the time shift of RWKV (arXiv:2305.13048, eq. 11). */
function blended(sum: Op): Val | undefined {
  if (sum.kind !== 'add') return undefined;
  const sources = new Set<Val>();
  const queue = [...dataInputs(sum)];
  for (let at = 0; at < queue.length && at < MOST_COPIES; at++) {
    const source = copied(queue[at]!);
    if (source.op?.kind === 'add') queue.push(...dataInputs(source.op));
    else sources.add(source);
  }
  return sources.size === 1 && queue.length <= MOST_COPIES ? [...sources][0] : undefined;
}

/** A value before parameters scaled it and positions were moved. */
function copied(val: Val): Val {
  let at = val;
  for (let step = 0; step < 12; step++) {
    const { op } = at;
    const only = op && onlyDataInput(op);
    if (!only || !/^(mul|div|layout|move|concat)$/.test(op.kind)) break;
    at = only;
  }
  return at;
}

function isScaled(branch: Branch): boolean {
  return branch.end.coefficients.length > 0;
}

/** Skip and branch scaled after the sum by one number. */
function isScaledSum(site: Site): boolean {
  const use = hasOneUse(site.output) ? site.output.uses[0] : undefined;
  if (use?.kind !== 'mul' && use?.kind !== 'div') return false;
  if (use.outputs[0]?.uses.every((reader) => reader.kind === 'add')) return false;
  const factor = use.inputs.find((val) => val !== site.output);
  return factor?.constant === true && scalarOf(factor) !== undefined && scalarOf(factor) !== 1;
}
