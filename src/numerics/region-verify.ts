import type { Model } from '../ir/model.js';
import type { Semantics } from '../pass/pass.js';
import type { RewriteRecord } from '../rewrite/record.js';
import type { Types } from '../shape/types.js';
import type { Binding } from './inputs.js';
import { cutRegions, type Region } from './region.js';
import { checkTogether, constantBytes } from './region-batch.js';
import { checkRegion, type CheckOptions, type RegionVerdict } from './region-check.js';
import { weightsKey } from './region-key.js';
import type { Runtime } from './runtime.js';
import type { RuntimeFault } from './second-opinion.js';

/** Rewrites of one run of a pipeline, cut out as they happen; see {@link RegionVerifier.check}. */
export class RegionBook {
  readonly regions: Region[] = [];
  readonly refuted: { readonly record: RewriteRecord; readonly why: string }[] = [];
  readonly uncovered: { readonly record: RewriteRecord; readonly why: string }[] = [];

  readonly #model: Model;
  readonly #types: Types;
  readonly #emptiable: ReadonlySet<string>;
  #opsets: ReadonlyMap<string, number>;

  /** `emptiable` names the symbols of dims that may be 0. */
  constructor(model: Model, types: Types, emptiable: ReadonlySet<string>) {
    this.#model = model;
    this.#types = types;
    this.#emptiable = emptiable;
    this.#opsets = new Map(model.opsets);
  }

  /** To be called right after the rewrite. */
  add(record: RewriteRecord, semantics: Semantics): void {
    const scene = { types: this.#types, opsets: this.#opsets, emptiable: this.#emptiable };
    this.#opsets = new Map(this.#model.opsets);
    if (semantics !== 'exact' && semantics !== 'equivalent') {
      this.uncovered.push({ record, why: `it is ${semantics}` });
      return;
    }
    let uncovered: string | undefined;
    for (const cut of cutRegions(record, semantics, scene)) {
      if (cut.kind === 'region') this.regions.push(cut.region);
      else if (cut.kind === 'uncovered') uncovered ??= cut.why;
      else this.refuted.push({ record, why: cut.why });
    }
    if (uncovered !== undefined) this.uncovered.push({ record, why: uncovered });
  }
}

/** A rewrite whose two sides differ. */
export interface Refuted {
  readonly record: RewriteRecord;
  readonly why: string;
  /** The smallest cut on which they differ for good; absent when two constants differ. */
  readonly region?: Region;
  /** Where float64 says that the runtime is to blame. */
  readonly fault?: RuntimeFault;
}

/** What the check of a {@link RegionBook} came to. */
export interface RegionOutcome {
  /** Rewrites, or parts of them that stand apart, whose sides were run. */
  readonly regions: number;
  readonly distinct: number;
  readonly refuted: readonly Refuted[];
  readonly uncovered: readonly { readonly record: RewriteRecord; readonly why: string }[];
  /** Largest difference over the noise or bound that was allowed for it, over all distinct regions. */
  readonly groups: readonly GroupReport[];
}

/** One kind of region, up to names and weights. */
export interface GroupReport {
  readonly key: string;
  readonly pass: string;
  readonly rule: string;
  readonly members: number;
  readonly level: number;
  readonly verdict: RegionVerdict;
}

/** How far a region that differs by itself is widened to see whether it differs where it stands. */
const LEVELS = [1, 2, 4, 8];
/** Weights of regions that are run with their own weights beside the first of their kind; the whole model covers the rest. */
const MEMBER_BYTES = 64 * 2 ** 20;

interface Group {
  readonly level: number;
  readonly verdict: RegionVerdict;
  readonly region: Region;
}

/** Verifies rewrites by themselves. Keeps what it found, so that a pipeline that is run again costs only what is new. */
export class RegionVerifier {
  readonly #runtime: Runtime;
  readonly #seed: number;
  readonly #hint: Binding;
  readonly #groups = new Map<string, Group>();
  readonly #onProgress: ((what: string) => void) | undefined;

  constructor(
    runtime: Runtime,
    { seed = 0, hint = new Map() }: { readonly seed?: number | undefined; readonly hint?: Binding },
    onProgress?: (what: string) => void,
  ) {
    this.#runtime = runtime;
    this.#seed = seed;
    this.#hint = hint;
    this.#onProgress = onProgress;
  }

  /** Each distinct region on all probes, every other one on one input with its own weights. Cost follows the distinct ones. */
  async check(book: RegionBook): Promise<RegionOutcome> {
    const kinds = new Map<string, Region[]>();
    for (const region of book.regions) {
      const members = kinds.get(region.key);
      if (members) members.push(region);
      else kinds.set(region.key, [region]);
    }
    const refuted: Refuted[] = [...book.refuted];
    const uncovered = [...book.uncovered];
    const groups: GroupReport[] = [];
    const rest: Region[] = [];
    await this.#checkKinds(kinds);
    for (const [key, members] of kinds) {
      const group = await this.#group(key, members[0]!);
      const { verdict, level, region } = group;
      const { pass, rule } = region.record;
      groups.push({ key, pass, rule, members: members.length, level, verdict });
      for (const member of members) {
        const { record } = member;
        if (verdict.status === 'uncovered') uncovered.push({ record, why: verdict.why ?? '' });
        else if (verdict.status === 'mismatch') refuted.push(refutedBy(record, { verdict, region }));
      }
      if (verdict.status === 'verified') rest.push(...widened(others(members), level));
    }
    refuted.push(...(await this.#checkRest(rest)));
    return {
      regions: book.regions.length,
      distinct: kinds.size,
      refuted: oncePerRewrite(refuted),
      uncovered: oncePerRewrite(uncovered),
      groups,
    };
  }

  /** All new kinds at once; what is not surely right is left for a closer look. */
  async #checkKinds(kinds: ReadonlyMap<string, readonly Region[]>): Promise<void> {
    const fresh = [...kinds].filter(([key]) => !this.#groups.has(key)).map(([, [region]]) => region!);
    if (fresh.length === 0) return;
    this.#onProgress?.(`verifying ${fresh.length} kinds of rewrites`);
    for (const [region, verdict] of await checkTogether(this.#runtime, fresh, this.#how(true))) {
      this.#groups.set(region.key, { level: 0, region, verdict });
    }
  }

  async #group(key: string, first: Region): Promise<Group> {
    const known = this.#groups.get(key);
    if (known) return known;
    const group = await this.#settle(first);
    this.#groups.set(key, group);
    return group;
  }

  /** Checks a region; when it differs, with more and more of what comes before it. */
  async #settle(region: Region, thorough = true): Promise<Group> {
    let group = { level: 0, region, verdict: await checkRegion(this.#runtime, region, this.#how(thorough)) };
    for (const level of LEVELS) {
      if (group.verdict.status !== 'mismatch') break;
      const cut = region.widen(level);
      if (cut.kind !== 'region' || cut.region.before.graph.nodes.size === group.region.before.graph.nodes.size) break;
      const verdict = await checkRegion(this.#runtime, cut.region, this.#how(thorough));
      if (verdict.status === 'uncovered') continue;
      group = { level, region: cut.region, verdict };
    }
    return group;
  }

  #how(thorough: boolean): CheckOptions {
    return { thorough, seed: this.#seed, hint: this.#hint };
  }

  async #checkRest(items: readonly Region[]): Promise<readonly Refuted[]> {
    const refuted: Refuted[] = [];
    let left = MEMBER_BYTES;
    const chosen = items.filter((region) => (left -= constantBytes(region)) > 0);
    if (chosen.length === 0) return refuted;
    this.#onProgress?.(`verifying ${chosen.length} more rewrites of these kinds`);
    const right = await checkTogether(this.#runtime, chosen, this.#how(false));
    for (const region of chosen) {
      if (right.has(region)) continue;
      const { verdict, region: where } = await this.#settle(region, false);
      if (verdict.status === 'mismatch') refuted.push(refutedBy(region.record, { verdict, region: where }));
    }
    return refuted;
  }
}

/** The first of each rewrite, of which several parts may say something. */
function oncePerRewrite<T extends { readonly record: RewriteRecord }>(list: readonly T[]): readonly T[] {
  const seen = new Set<RewriteRecord>();
  return list.filter(({ record }) => seen.size < seen.add(record).size);
}

/** Regions of one kind but for the first and those with the same weights as one before. */
function others([first, ...members]: readonly Region[]): readonly Region[] {
  const seen = new Set([weightsKey(first!.weights)]);
  return members.filter(({ weights }) => seen.size < seen.add(weightsKey(weights)).size);
}

function refutedBy(record: RewriteRecord, { verdict, region }: Pick<Group, 'verdict' | 'region'>): Refuted {
  const { why = '', fault } = verdict;
  return { record, why, region, ...(fault && { fault }) };
}

function widened(regions: readonly Region[], level: number): readonly Region[] {
  if (level === 0) return regions;
  return regions.flatMap((region) => {
    const cut = region.widen(level);
    return cut.kind === 'region' ? [cut.region] : [];
  });
}
