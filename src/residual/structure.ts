import { format } from '../dim/dim.js';
import type { Anatomy, SiteAnatomy } from './anatomy.js';
import { branchContent, type BranchContent } from './content.js';
import { shapeOf, type View } from './view.js';

/** Longest repeated layer that is looked for, in sites. */
const MOST_PERIOD = 12;

/** Neighbouring sites of one stream that have one size, and the layer that they repeat. */
export interface Stage {
  readonly stream: string;
  readonly sites: readonly SiteAnatomy[];
  /** What one layer does, site by site. */
  readonly layer: readonly BranchContent[];
  /** How often the layer is repeated; sites beyond the last whole layer are left over. */
  readonly repeats: number;
}

/** The stages of a model, in order. */
export function stagesOf({ view, streams }: Pick<Anatomy, 'view' | 'streams'>): readonly Stage[] {
  return streams.flatMap(({ id, sites }) => {
    const groups: SiteAnatomy[][] = [];
    let before: string | undefined;
    for (const each of sites) {
      const key = shapeKey(view, each);
      const last = groups.at(-1);
      if (last && key === before) last.push(each);
      else groups.push([each]);
      before = key;
    }
    return groups.map((group): Stage => ({ stream: id, sites: group, ...repetition(group) }));
  });
}

/** Sites of as many elements belong together, however they are laid out; dense ones grow. */
function shapeKey(view: View, { site }: SiteAnatomy): string {
  if (site.kind === 'dense-concat') return 'dense';
  const shape = shapeOf(view, site.output);
  if (!shape) return '?';
  const numbers = shape.reduce<number>((size, dim) => (typeof dim === 'number' ? size * dim : size), 1);
  const symbols = shape.flatMap((dim) => (typeof dim === 'number' ? [] : [format(dim)])).sort();
  return [numbers, ...symbols].join();
}

/** The content of a site's branches. */
export function contentOfSite({ site }: SiteAnatomy): BranchContent {
  return branchContent(site.branches.flatMap(({ ops }) => ops)).content;
}

/** The shortest run of sites that, repeated, gives the group. */
function repetition(sites: readonly SiteAnatomy[]): Pick<Stage, 'layer' | 'repeats'> {
  const contents = sites.map(contentOfSite);
  const keys = sites.map(({ site, placement }, index) => `${site.kind}|${placement}|${contents[index]}`);
  for (let period = 1; period <= Math.min(MOST_PERIOD, Math.floor(keys.length / 2)); period++) {
    const repeats = Math.floor(keys.length / period);
    if (keys.every((key, index) => index >= repeats * period || key === keys[index % period])) {
      return { layer: contents.slice(0, period), repeats };
    }
  }
  return { layer: contents, repeats: 1 };
}
