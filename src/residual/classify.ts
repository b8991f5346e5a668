import { findAccumulators } from './accumulate.js';
import { isWeighted } from './chain.js';
import { branchContent } from './content.js';
import type { Detector } from './detect.js';
import { kindOf } from './kinds.js';
import { takesPart } from './parts.js';
import { between, isAggregation, isGrouped, statsOf } from './region.js';
import type { Branch, Site } from './site.js';
import type { Position } from './streams.js';
import { dataInputs, type Op, type Val } from './view.js';

/** What sites have to do with each other. */
interface Relations {
  /** Sites that continue the stream of a site. */
  readonly followers: ReadonlyMap<Site, readonly Site[]>;
  /** The site in whose branch an operation lies. */
  readonly outer: ReadonlyMap<Op, Site>;
  /** Sites whose skip passes by other sites, by the value that they read. */
  readonly long: ReadonlyMap<Val, readonly Site[]>;
}

/** Says of every site what it is, and takes those away that are parts of an operator of the network and no residual connection. */
export function classify(detector: Detector): Site[] {
  findAccumulators(detector);
  const sites = [...detector.sites];
  const relations = relate(sites);
  for (const site of sites) {
    if (site.kind === 'long-additive') updateTwin(detector, site, relations);
    if (site.kind === 'identity') site.kind = kindOf(detector, site);
    if (isInner(detector, site, relations) || isPositional(site, relations) || isCell(site)) {
      detector.sites.delete(site);
      for (const other of relations.followers.get(site) ?? []) other.previous = site.previous;
      for (const other of relations.long.get(site.input) ?? []) shorten(detector, other, site);
    }
  }
  return [...detector.sites].sort((a, b) => a.op.order - b.op.order);
}

function relate(sites: readonly Site[]): Relations {
  const followers = new Map<Site, Site[]>();
  const outer = new Map<Op, Site>();
  const long = new Map<Val, Site[]>();
  for (const site of sites) {
    const { previous } = site;
    const beside = site.kind === 'long-additive' ? long.get(site.input) : undefined;
    if (beside) beside.push(site);
    else if (site.kind === 'long-additive') long.set(site.input, [site]);
    const list = previous && followers.get(previous);
    if (list) list.push(site);
    else if (previous) followers.set(previous, [site]);
    for (const { ops } of site.branches) for (const op of ops) outer.set(op, site);
  }
  return { followers, outer, long };
}

/**
 * The second of two streams that begin as one (Reformer, arXiv:2001.04451, eq. 9): it takes up what the first one's site gives, while the
 * first one goes on by itself. Then the skip passes by nothing of its own.
 */
function updateTwin(detector: Detector, site: Site, { followers }: Relations): void {
  const [branch] = site.branches;
  const passed = branch && detector.streams.lastMergeBefore(branch.operand, site.input);
  if (!branch || !passed || passed.previous !== detector.streams.position(site.input).site) return;
  const goesOn = (followers.get(passed) ?? []).some((other) => other !== site);
  const after = between(passed.output, branch.operand);
  const direct = after.every((op) => !op.outputs.some((val) => detector.isMerge(val)));
  if (!goesOn || !direct || statsOf(after).weighted === 0) return;
  const ops = between(site.input, branch.operand);
  const stats = statsOf(ops);
  if (stats.shrinks || stats.grows) return;
  Object.assign(site, { kind: 'identity', crossing: false, branches: [{ ...branch, ops }], previous: passed.previous });
}

/** A skip that passes by nothing but what turned out to be no site begins where that one did. */
function shorten(detector: Detector, site: Site, passed: Site): void {
  const [branch, ...more] = site.branches;
  if (!branch || more.length > 0 || detector.streams.lastMergeBefore(branch.operand, site.input) !== passed) return;
  const ops = between(site.input, branch.operand);
  const stats = statsOf(ops);
  if (stats.shrinks || stats.grows) return;
  const { previous } = passed;
  Object.assign(site, { kind: 'identity', crossing: false, branches: [{ ...branch, ops }], previous });
  site.origin = previous?.origin ?? passed.origin;
}

/**
 * Grouped convolutions with an activation that are added to a sequence before its first block are its position embedding
 * (wav2vec 2.0, arXiv:2006.11477, section 2).
 */
function isPositional(site: Site, { followers }: Relations): boolean {
  if (site.previous || site.op.kind !== 'add' || site.linear) return false;
  const grouped = site.branches.every(({ ops }) => {
    const weighted = ops.filter(isWeighted);
    return weighted.length > 0 && weighted.every(isGrouped);
  });
  const [later] = followers.get(site) ?? [];
  return grouped && (later?.branches.some(({ ops }) => statsOf(ops).attends) ?? false);
}

const SQUASHING = /^(Sigmoid|HardSigmoid|Tanh)$/;

/**
 * Whether a site is the state of a recurrent cell that was unrolled: its gates add what the state says to what an input says. Under Loop
 * and Scan it is what the network carries from step to step.
 */
function isCell(site: Site): boolean {
  if (site.skip.gates.length === 0 || carriesState(site.op)) return false;
  const ops = site.branches.flatMap((branch) => branch.ops);
  const made = new Set<Val>([site.input, ...ops.flatMap((op) => op.outputs)]);
  return ops.some((op) => op.kind === 'add' && leadsToGate(op) && dataInputs(op).some((val) => !made.has(val)));
}

/** Whether a sum is squashed right away, or after it was split into the gates of a cell. */
function leadsToGate(op: Op): boolean {
  const uses = op.outputs.flatMap((val) => val.uses);
  const parts = uses.filter((use) => use.kind === 'move').flatMap((use) => use.outputs.flatMap((val) => val.uses));
  return [...uses, ...parts].some((use) => SQUASHING.test(use.type));
}

/** Whether an operation is part of what a Loop or Scan repeats. */
function carriesState({ node }: Op): boolean {
  const { graph } = node;
  return graph.parent?.opType === 'Loop' || graph.parent?.opType === 'Scan';
}

/**
 * A lone sum that adds what neighbours hold to a node's own features is message passing (GIN, arXiv:1810.00826, eq. 4.1). A lone sum
 * within a branch belongs to the operator around it when its skip is scaled or gated, as `D · u` of a state-space model is, when it takes
 * one part of split features (Res2Net, arXiv:1904.01169), or when it projects what the skip around it carries (GatedGCN). A lone Concat that
 * puts messages beside what the skip around it carries is the update of a node (arXiv:1704.01212, eq. 2).
 */
function isInner(detector: Detector, site: Site, { followers, outer }: Relations): boolean {
  if (site.crossing || (followers.get(site) ?? []).length > 0) return false;
  if (site.op.kind === 'add' && site.branches.every(({ ops }) => isAggregation(statsOf(ops)))) return true;
  const around = outer.get(site.op);
  if (carriesState(site.op) || !around || around === site) return false;
  const beside = samePlace(detector.streams.position(site.input), around);
  if (site.op.kind === 'concat') return beside && around.op.kind === 'add' && site.branches.every(passesMessages);
  if (site.previous && !beside) return false;
  const { skip } = site;
  if (skip.coefficients.length + skip.gates.length > 0) return true;
  if (site.previous) return false;
  return takesPart(detector.view, skip) || ((site.entered || skip.weights.length > 0) && beside);
}

function passesMessages({ ops }: Branch): boolean {
  return branchContent(ops).content === 'message-passing';
}

function samePlace(position: Position, around: Site): boolean {
  return position.origin === around.origin && position.site === around.previous;
}
