import type { Detector } from './detect.js';
import { between, statsOf } from './region.js';
import { headOf } from './meetings.js';
import type { Site } from './site.js';
import { chainOf } from './chain.js';
import { hasOneUse, type Op, orderOf, type Val } from './view.js';

/**
 * Finds sums that collect what leaves a stream at several places: the skip sum of WaveNet, the forecasts of N-BEATS. Each addition
 * carries what left earlier across the sites between. O(operations).
 */
export function findAccumulators(detector: Detector): void {
  const inner = new Set<Op>();
  for (const site of detector.sites) for (const { ops } of site.branches) for (const op of ops) inner.add(op);
  const latest = latestSites(detector);
  const made = new Map<Val, Site>();
  for (const [sum] of detector.sums) {
    const { op } = sum;
    if (!op || inner.has(op)) continue;
    const data = op.inputs.filter((val): val is Val => val !== undefined && !val.constant);
    const [a, b] = data;
    if (!a || !b || data.length !== 2) continue;
    const [early, late] = isEarlier(latest.get(a), latest.get(b)) ? [a, b] : [b, a];
    const site = latest.get(late);
    if (!site || !hasOneUse(early) || !hasOneUse(late)) continue;
    if (leavesBefore(detector, early, latest.get(early), site) && isExit(site, late))
      record(detector, made, op, early, late);
  }
}

/** For every value the last site that it depends on. */
function latestSites(detector: Detector): ReadonlyMap<Val, Site> {
  const latest = new Map<Val, Site>();
  for (const op of detector.view.ops) {
    let last: Site | undefined;
    for (const val of op.inputs) {
      const site = val && latest.get(val);
      if (isEarlier(last, site)) last = site;
    }
    for (const val of op.outputs) {
      const site = detector.streams.mergeAt(val) ?? last;
      if (site) latest.set(val, site);
    }
  }
  return latest;
}

function isEarlier(a: Site | undefined, b: Site | undefined): boolean {
  return b !== undefined && (a === undefined || a.index < b.index);
}

/** Whether a value left the stream of a site before it. */
function leavesBefore(detector: Detector, val: Val, last: Site | undefined, site: Site): boolean {
  if (last) return detector.streams.isBefore({ site: last, origin: last.origin }, site);
  return orderOf(val) > orderOf(site.origin) && statsOf(between(site.origin, val)).mixes > 0;
}

/** Whether a value is computed from a site's result with weights. */
function isExit(site: Site, val: Val): boolean {
  return statsOf(between(site.output, val)).weighted > 0;
}

function record(detector: Detector, made: Map<Val, Site>, op: Op, early: Val, late: Val): void {
  const output = op.outputs[0] as Val;
  const [skip, end] = [early, late].map((val) => headOf({ val, sign: 1, chain: chainOf(detector, val) }));
  if (!skip || !end) return;
  const site = detector.record(
    {
      kind: 'long-additive',
      op,
      output,
      input: early,
      operand: early,
      skip: { ...skip, val: early },
      branches: [{ operand: late, end, ops: [] }],
      crossing: true,
    },
    early,
  );
  site.previous = made.get(early);
  site.origin = site.previous?.origin ?? early;
  made.set(output, site);
}
