import type { Model } from '../ir/model.js';
import { Detector } from './detect.js';
import { foldNorms } from './fold-norms.js';
import { foldStacks } from './fold-stacks.js';
import { buildView } from './inline.js';
import { classify } from './classify.js';
import { type NormRole, rolesOf } from './roles.js';
import { type BranchNorms, branchNorms, placementOf } from './placement.js';
import type { Placement, Site } from './site.js';
import { type TrunkWay, trunkWays } from './trunk.js';
import type { Op, TypeSource, Val, View } from './view.js';

/** A site with where its norms stand. */
export interface SiteAnatomy {
  readonly id: string;
  readonly site: Site;
  readonly placement: Placement;
  readonly branches: readonly BranchNorms[];
  readonly stream: StreamAnatomy;
  /** What the stream goes through after the site. */
  readonly way: TrunkWay;
}

/** A chain of sites. */
export interface StreamAnatomy {
  readonly id: string;
  readonly sites: SiteAnatomy[];
  readonly origin: Val;
  finalNorm: Op | undefined;
}

/** A norm of the network and the part that it plays. */
export interface NormAnatomy {
  readonly id: string;
  readonly op: Op;
  readonly role: NormRole;
  readonly site: SiteAnatomy | undefined;
}

/** The residual structure of a model. */
export interface Anatomy {
  readonly view: View;
  readonly detector: Detector;
  readonly sites: readonly SiteAnatomy[];
  readonly streams: readonly StreamAnatomy[];
  readonly norms: readonly NormAnatomy[];
  /** Whether the stream that feeds the first output ends in a norm. */
  readonly finalNorm: boolean;
  /** The stream that feeds the first output. */
  readonly mainStream: StreamAnatomy | undefined;
}

/** Finds norms, streams and sites of a model. O(operations) but for skips that pass by many sites. */
export function anatomyOf(model: Model, types: TypeSource): Anatomy {
  const view = foldNorms(foldStacks(buildView(model, types)));
  const detector = new Detector(view);
  const found = classify(detector);
  const ways = trunkWays(detector, found);
  const streams: StreamAnatomy[] = [];
  const bySite = new Map<Site, SiteAnatomy>();
  const sites = found.map((site, index): SiteAnatomy => {
    const branches = site.branches.map((branch) => branchNorms(detector, site, branch));
    const way = ways.get(site) as TrunkWay;
    const stream = streamOf(site, bySite, streams);
    const placement = placementOf(branches, isTrunkNormed(site, way, bySite));
    const made: SiteAnatomy = { id: `r${index}`, site, placement, branches, stream, way };
    stream.sites.push(made);
    bySite.set(site, made);
    return made;
  });
  for (const stream of streams) stream.finalNorm = finalNormOf(stream);
  const main = mainStream(view, sites);
  const anatomy = { view, detector, sites, streams, mainStream: main };
  return { ...anatomy, norms: rolesOf(anatomy), finalNorm: main?.finalNorm !== undefined };
}

/** A site goes on with the stream of the one before it, unless another site did already. */
function streamOf(site: Site, bySite: ReadonlyMap<Site, SiteAnatomy>, streams: StreamAnatomy[]): StreamAnatomy {
  const before = site.previous && bySite.get(site.previous);
  if (before && before.stream.sites.at(-1) === before) return before.stream;
  const made: StreamAnatomy = { id: `s${streams.length}`, sites: [], origin: site.origin, finalNorm: undefined };
  streams.push(made);
  return made;
}

/** Whether a norm stands on the stream after the site; at the end of a stream the sites before decide whether it belongs to the site. */
function isTrunkNormed(site: Site, way: TrunkWay, bySite: ReadonlyMap<Site, SiteAnatomy>): boolean {
  if (way.norms.length === 0) return false;
  if (way.continues || !site.previous) return true;
  const before = bySite.get(site.previous);
  return before !== undefined && !before.way.tapped && before.way.norms.length > 0;
}

/** The norm after the last site of a stream, beyond those that stand after every block. */
function finalNormOf(stream: StreamAnatomy): Op | undefined {
  const last = stream.sites.at(-1);
  if (!last) return undefined;
  const alike = stream.sites.slice(0, -1).filter(({ placement }) => placement === last.placement);
  const inner = alike.some(({ way }) => !way.tapped && way.norms.length > 0) || last.placement === 'post';
  return last.way.norms[inner ? 1 : 0];
}

/** The stream whose last site is nearest to the first output. */
function mainStream(view: View, sites: readonly SiteAnatomy[]): StreamAnatomy | undefined {
  const byOp = new Map(sites.map((each) => [each.site.op, each]));
  const seen = new Set<Op>();
  const stack = view.outputs.slice(0, 1);
  let best: SiteAnatomy | undefined;
  for (let val = stack.pop(); val; val = stack.pop()) {
    const { op } = val;
    if (!op || seen.has(op)) continue;
    seen.add(op);
    const site = byOp.get(op);
    if (site) {
      if (!best || best.site.op.order < op.order) best = site;
      continue;
    }
    for (const input of op.inputs) if (input) stack.push(input);
  }
  return best?.stream;
}
