import { copyOf, isPlain } from './chain.js';
import type { Detector } from './detect.js';
import type { Site } from './site.js';
import { isFeatureAxis } from './feature-axis.js';
import { intOf, onlyDataInput, type Op, type Val } from './view.js';

/** What a stream goes through between two sites, or after its last one. */
export interface TrunkWay {
  readonly norms: readonly Op[];
  readonly activation: boolean;
  /** Whether the way leads to another site of the stream. */
  readonly continues: boolean;
  /** Whether the next site's skip has weights: it may then read what belongs to the branch. */
  readonly tapped: boolean;
}

/** For every site the norms and activations on its stream up to the next site, or up to where the stream ends. */
export function trunkWays(detector: Detector, sites: readonly Site[]): ReadonlyMap<Site, TrunkWay> {
  const next = new Map<Site, Site[]>();
  for (const site of sites) {
    const list = site.previous && next.get(site.previous);
    if (list) list.push(site);
    else if (site.previous) next.set(site.previous, [site]);
  }
  const found = new Map<Site, TrunkWay>();
  for (const site of sites) {
    const following = (next.get(site) ?? [])[0];
    if (!following) {
      found.set(site, wayOut(detector, site));
      continue;
    }
    const way = wayBack(detector, tapOf(following), site) ?? { norms: [], activation: false, continues: true };
    found.set(site, { ...way, tapped: !isPlain(following.skip) });
  }
  return found;
}

/** Where a site continues its stream: a long skip comes to it from the side. */
function tapOf(site: Site): Val {
  return (site.crossing ? site.branches[0]?.operand : undefined) ?? site.skip.val;
}

/** The operations from the input of a site back to the site before. */
function wayBack(detector: Detector, input: Val, until: Site): Omit<TrunkWay, 'tapped'> | undefined {
  const norms: Op[] = [];
  let activation = false;
  let at: Val | undefined = input;
  for (let step = 0; at && step < 64; step++) {
    if (at === until.output) return { norms: norms.reverse(), activation, continues: true };
    if (at.op?.kind === 'norm') norms.push(at.op);
    const source = detector.pointwise.source(at);
    if (source && !source.linear) activation = true;
    at = source ? source.of : (copyOf(detector, at) ?? (at.op && back(at.op)));
  }
  return undefined;
}

function back(op: Op): Val | undefined {
  return op.kind === 'phi' ? op.inputs.find((val) => val?.op) : onlyDataInput(op);
}

/** The operations from the last site of a stream on, as long as there is one way only. */
function wayOut(detector: Detector, site: Site): TrunkWay {
  const norms: Op[] = [];
  let activation = false;
  let at: Val | undefined = site.output;
  for (let step = 0; at && step < 64; step++) {
    const use: Op | undefined = nextUse(at);
    const output: Val | undefined = use?.outputs[0];
    if (!use || !output) break;
    if (use.kind === 'norm') norms.push(use);
    else if (use.kind === 'pointwise' && norms.length === 0 && detector.pointwise.isActivation(output))
      activation = true;
    else if (!passes(use) && !joinsTokens(detector, use)) break;
    at = output;
  }
  return { norms, activation, continues: false, tapped: false };
}

/** The reader of a value; of several the norm, when the others only read shapes or outputs. */
function nextUse(val: Val): Op | undefined {
  const readers = new Set(val.uses);
  if (readers.size === 1) return val.uses[0];
  const norms = [...readers].filter((use) => use.kind === 'norm');
  return norms.length === 1 ? norms[0] : undefined;
}

/** Whether a Concat joins positions, not features. */
function joinsTokens(detector: Detector, op: Op): boolean {
  const axis = op.kind === 'concat' ? intOf(op, 'axis') : undefined;
  const output = op.outputs[0];
  return axis !== undefined && output !== undefined && !isFeatureAxis(detector.view, output, axis);
}

function passes(op: Op): boolean {
  switch (op.kind) {
    case 'layout':
    case 'move':
    case 'pool':
    case 'reduce':
    case 'pointwise':
    case 'phi':
      return true;
    case 'mul':
    case 'div':
    case 'add':
      return onlyDataInput(op) !== undefined;
    default:
      return false;
  }
}
