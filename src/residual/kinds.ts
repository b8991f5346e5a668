import { findAccumulators } from './accumulate.js';
import type { Detector } from './detect.js';
import { isPlain, isWeighted } from './chain.js';
import { between, isAggregation, statsOf } from './region.js';
import type { Branch, Site, SiteKind } from './site.js';
import { takesPart } from './parts.js';
import { dataInputs, hasOneUse, intOf, onlyDataInput, type Op, scalarOf, type Val } from './view.js';

/** Says of every site what it is, and takes those away that are parts of an operator of the network and no residual connection. */
export function classify(detector: Detector): Site[] {
  findAccumulators(detector);
  const sites = [...detector.sites];
  const inner = innerOps(sites);
  for (const site of sites) {
    if (site.kind === 'identity') site.kind = kindOf(detector, site);
    if (isInner(site, sites, inner) || isPositional(site, sites) || isCell(site)) drop(detector, site);
  }
  return [...detector.sites].sort((a, b) => a.op.order - b.op.order);
}

function drop(detector: Detector, site: Site): void {
  detector.sites.delete(site);
  for (const other of detector.sites) if (other.previous === site) other.previous = site.previous;
}

/**
 * Grouped convolutions with an activation that are added to a sequence before its first block are its position embedding
 * (wav2vec 2.0, arXiv:2006.11477, section 2).
 */
function isPositional(site: Site, sites: readonly Site[]): boolean {
  if (site.previous || site.op.kind !== 'add') return false;
  const grouped = site.branches.every(({ ops }) => {
    const weighted = ops.filter(isWeighted);
    return weighted.length > 0 && weighted.every((op) => op.type === 'Conv' && (intOf(op, 'group') ?? 1) > 1);
  });
  if (!grouped || site.linear) return false;
  const later = sites.find((other) => other.previous === site);
  return later?.branches.some(({ ops }) => statsOf(ops).attends) ?? false;
}

function kindOf(detector: Detector, site: Site): SiteKind {
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
    return stats.shrinks && stats.grows && stats.weighted >= 3;
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
  if (use.outputs[0]?.uses.some((reader) => reader.kind === 'add')) return false;
  const factor = use.inputs.find((val) => val !== site.output);
  return factor?.constant === true && scalarOf(factor) !== undefined && scalarOf(factor) !== 1;
}

/** The sites in whose branches an operation lies. */
function innerOps(sites: readonly Site[]): ReadonlyMap<Op, Site> {
  const found = new Map<Op, Site>();
  for (const site of sites) for (const branch of site.branches) for (const op of branch.ops) found.set(op, site);
  return found;
}

/**
 * Whether a site is the state of a recurrent cell that was unrolled: its gates add what the state says to what an input says. Under Loop
 * and Scan it is what the network carries from step to step.
 */
function isCell(site: Site): boolean {
  if (site.skip.gates.length === 0 || carriesState(site.op)) return false;
  const ops = site.branches.flatMap((branch) => branch.ops);
  const made = new Set<Val>([site.input, ...ops.flatMap((op) => op.outputs)]);
  return ops.some((op) => {
    const output = op.outputs[0];
    if (op.kind !== 'add' || !output || !leadsToGate(op)) return false;
    return dataInputs(op).some((val) => !made.has(val));
  });
}

/** Whether a sum is squashed right away, or after it was split into the gates of a cell. */
function leadsToGate(op: Op): boolean {
  const uses = op.outputs.flatMap((val) => val.uses);
  return uses.some((use) => SQUASHING.test(use.type) || (use.kind === 'move' && leadsToGateByPart(use)));
}

function leadsToGateByPart(op: Op): boolean {
  return op.outputs.some((val) => val.uses.some((use) => SQUASHING.test(use.type)));
}

const SQUASHING = /^(Sigmoid|HardSigmoid|Tanh)$/;

/** Whether an operation is part of what a Loop or Scan repeats. */
function carriesState({ node }: Op): boolean {
  const { graph } = node;
  return graph.parent?.opType === 'Loop' || graph.parent?.opType === 'Scan';
}

/**
 * A lone sum that adds what neighbours hold to a node's own features is message passing (GIN). A lone sum within a branch whose skip is scaled or gated belongs to the operator around it, as `D · u` of a state-space model does.
 */
function isInner(site: Site, sites: readonly Site[], inner: ReadonlyMap<Op, Site>): boolean {
  const outer = inner.get(site.op);
  if (site.previous || site.crossing || sites.some((other) => other.previous === site)) return false;
  if (site.op.kind === 'add' && site.branches.every(({ ops }) => isAggregation(statsOf(ops)))) return true;
  if (carriesState(site.op)) return false;
  return outer !== undefined && outer !== site && site.skip.coefficients.length + site.skip.gates.length > 0;
}
