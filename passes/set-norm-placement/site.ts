import {
  dependsOn,
  isOp,
  type Locator,
  type Node,
  nodesBetween,
  type Operation,
  pathOf,
  recipeCodes,
  ResonnxError,
  type TargetSite,
  type Value,
} from '#core';
import { Addition, checkDistinct, findAddition } from '../_shared/addition.js';
import { findNorm, findNormBetween, getNorm, type NormSite } from '../_shared/norm-site.js';
import { sitesOf } from '../_shared/sites.js';
import { isNextPreNorm, normBehind } from '../_shared/trunk-norm.js';
import type { PlacementOptions } from './options.js';

/** Where the norm of a residual addition stands: before the branch, after the addition, at the branch's end, or at both of its ends. */
export type Placement = 'pre' | 'post' | 'post-branch' | 'sandwich';

/** A residual addition with its norm. `endNorm` is the norm at the end of the branch of a sandwich. */
export interface NormedAddition {
  readonly addition: Addition;
  readonly placement: Placement;
  readonly norm: NormSite;
  readonly endNorm: NormSite | undefined;
}

/**
 * The sites of an operation in the order in which the model runs them.
 * @throws ResonnxError `recipe/target-…`, `rewrite/refused` when a site has no norm, or one that stands elsewhere
 */
export function findSites(locator: Locator, operation: Operation): readonly NormedAddition[] {
  const found = sitesOf(operation).map((site) => findSite(locator, site));
  checkDistinct(found.map(({ addition }) => addition));
  const rank = new Map<Node, number>();
  for (const graph of new Set(found.map(({ addition }) => addition.graph))) {
    graph.topo().forEach((node, index) => rank.set(node, index));
  }
  return found.sort((a, b) => (rank.get(a.addition.node) ?? 0) - (rank.get(b.addition.node) ?? 0));
}

function findSite(locator: Locator, site: TargetSite): NormedAddition {
  const norm = namedNorm(locator, site, 'norm');
  const addition = locateAddition(locator, site, norm);
  const end = namedNorm(locator, site, 'branch_end_norm');
  const own = norm ?? findNormBetween(addition.skip, addition.branch) ?? normBehind(addition);
  if (!own) refuse(addition.node, 'no norm stands before the branch, at its end, or behind the addition');
  const placement = placementOf(addition, own);
  if (!placement) refuse(addition.node, `the norm that ends in "${own.output.hint}" belongs to another addition`);
  if (placement !== 'pre') return { addition, placement, norm: own, endNorm: undefined };
  const atEnd = end ?? (own.output === addition.branch ? undefined : normAtEnd(addition, own));
  return { addition, placement: atEnd ? 'sandwich' : 'pre', norm: own, endNorm: atEnd };
}

function refuse(node: Node, why: string): never {
  throw new ResonnxError([recipeCodes.refused({ path: pathOf(node) }, why)]);
}

function namedNorm(locator: Locator, site: TargetSite, key: 'norm' | 'branch_end_norm'): NormSite | undefined {
  const output = locator.findValue(site, `${key}_output`);
  const made = locator.findNode(site, `${key}_node`)?.outputs[0];
  if (output && made && output !== made) {
    throw new ResonnxError([
      recipeCodes.targetAmbiguous({ path: 'main' }, `${key}_output and ${key}_node disagree`, [output.hint, made.hint]),
    ]);
  }
  const value = output ?? made;
  return value && getNorm(value);
}

/** The addition that a site names, else the one whose norm it names: what the norm reads is its skip, or its sum. */
function locateAddition(locator: Locator, site: TargetSite, norm: NormSite | undefined): Addition {
  const names = ['residual_add', 'output', 'branch_value', 'skip_value'];
  if (!norm || names.slice(0, 3).some((key) => typeof site[key] === 'string'))
    return withoutStaleSkip(locator, site, norm);
  for (const use of norm.input.uses) {
    if (use.kind !== 'input' || !isOp(use.node, 'Add', 'Sum') || use.node.inputs.length !== 2) continue;
    const branch = use.node.inputs[1 - use.index]!;
    if (branch !== norm.input && dependsOn(branch, norm.output)) return new Addition(site, use.node, use.index);
  }
  const sum = norm.input.producer;
  if (isOp(sum, 'Add', 'Sum'))
    return findAddition(locator, { ...site, residual_add: undefined, output: norm.input.hint });
  throw new ResonnxError([
    recipeCodes.refused({ path: 'main' }, `no residual addition belongs to the norm "${norm.output.hint}"`),
  ]);
}

/** With a norm at hand a post-norm addition is the one that the norm reads. */
function withoutStaleSkip(locator: Locator, site: TargetSite, norm: NormSite | undefined): Addition {
  const producer = norm?.input.producer;
  const isPost = site['residual_add'] === undefined && site['output'] === undefined && isOp(producer, 'Add');
  if (isPost && producer.inputs.some((value) => value === locator.findValue(site, 'branch_value'))) {
    const branch = locator.findValue(site, 'branch_value');
    return new Addition(site, producer, producer.inputs[0] === branch ? 1 : 0);
  }
  return findAddition(locator, site);
}

/** Output of the final norm that is to be dropped: the named one, else the norm that reads the last sum; none where there is none. */
export function droppedNorm(
  locator: Locator,
  { targets }: Operation,
  { finalNorm }: PlacementOptions,
  sites: readonly NormedAddition[],
): Value | undefined {
  if (finalNorm !== 'drop') return undefined;
  if (targets.final_norm_output !== undefined) return locator.value(targets.final_norm_output);
  const { addition, norm } = sites.at(-1)!;
  const found = normBehind(addition);
  return found && found.output !== norm.output && !isNextPreNorm(found) ? found.output : undefined;
}

/** The norm that a branch ends in, other than the one that it starts with. */
function normAtEnd({ branch }: Addition, start: NormSite): NormSite | undefined {
  const norm = findNorm(branch);
  return norm && norm.output !== start.output && dependsOn(norm.input, start.output) ? norm : undefined;
}

/** The value under casts and identities, which exporters put between a stream and its readers. */
function underCasts(value: Value): Value {
  let at = value;
  while (isOp(at.producer, 'Cast', 'CastLike', 'Identity') && at.producer.inputs[0]) at = at.producer.inputs[0];
  return at;
}

function placementOf(addition: Addition, norm: NormSite): Placement | undefined {
  if (norm.input === addition.sum) return isNextPreNorm(norm) ? undefined : 'post';
  if (norm.output === addition.branch) return 'post-branch';
  const reads = underCasts(norm.input) === underCasts(addition.skip) || norm.output === addition.skip;
  return reads && dependsOn(addition.branch, norm.output) ? 'pre' : undefined;
}

/** Nodes of the branch that read `value`, outside of the given norm. */
export function branchReaders(value: Value, { branch }: Addition, except: readonly Node[] = []): readonly Node[] {
  const skip = new Set(except);
  return nodesBetween(value, branch).filter((node) => !skip.has(node) && node.inputs.includes(value));
}
