import type { Anatomy } from './anatomy.js';
import type { Site } from './site.js';
import type { Op, Val } from './view.js';

/** The paths of the unrolled network, each through or around every block (Veit et al. 2016, arXiv:1605.06431). */
export interface PathStatistics {
  readonly count: bigint;
  /** Blocks on a path, on average over all paths. */
  readonly expectedLength: number;
  readonly deviation: number;
}

/** Paths that lead to a value: how many, and the first two moments of their lengths. */
interface Paths {
  readonly count: bigint;
  readonly log2: number;
  readonly mean: number;
  readonly square: number;
}

const ONE: Paths = { count: 1n, log2: 0, mean: 0, square: 0 };

/** Counts paths from the inputs to that output which most paths reach. O(operations). */
export function countPaths({ view, sites }: Pick<Anatomy, 'view' | 'sites'>): PathStatistics {
  const byOp = new Map<Op, Site>(sites.map(({ site }) => [site.op, site]));
  const paths = new Map<Val, Paths>();
  const to = (val: Val): Paths => paths.get(val) ?? ONE;
  for (const op of view.ops) {
    const site = byOp.get(op);
    const found = site ? merge(to(site.input), site, to) : widest(op.inputs, to);
    for (const val of op.outputs) paths.set(val, found);
  }
  const { count, mean, square } = widest(view.outputs, to);
  return { count, expectedLength: mean, deviation: Math.sqrt(Math.max(0, square - mean * mean)) };
}

function widest(vals: readonly (Val | undefined)[], to: (val: Val) => Paths): Paths {
  let best = ONE;
  for (const val of vals) if (val && to(val).log2 > best.log2) best = to(val);
  return best;
}

function merge(skip: Paths, site: Site, to: (val: Val) => Paths): Paths {
  const ways = [skip, ...site.branches.map(({ operand }) => longer(to(operand)))];
  const count = ways.reduce((sum, way) => sum + way.count, 0n);
  const most = Math.max(...ways.map((way) => way.log2));
  const log2 = most + Math.log2(ways.reduce((sum, way) => sum + 2 ** (way.log2 - most), 0));
  const average = (of: (way: Paths) => number): number =>
    ways.reduce((sum, way) => sum + of(way) * 2 ** (way.log2 - log2), 0);
  return { count, log2, mean: average((way) => way.mean), square: average((way) => way.square) };
}

/** The same paths with one block more. */
function longer({ count, log2, mean, square }: Paths): Paths {
  return { count, log2, mean: mean + 1, square: square + 2 * mean + 1 };
}
