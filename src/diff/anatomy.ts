import type { Anatomy, NormAnatomy, SiteAnatomy } from '../residual/anatomy.js';
import { type ResidualJson, residualJson, type SiteJson } from '../residual/report.js';
import type { Matching } from './matching.js';
import { commonSubsequence } from './sequence.js';

/** A fact of a site or norm, before and after. */
export interface FactChange {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What became of the residual structure. */
export interface ResidualDiff {
  readonly before: ResidualSummary;
  readonly after: ResidualSummary;
  /** Sites that both models have. */
  readonly kept: number;
  readonly changed: readonly {
    readonly before: string;
    readonly after: string;
    readonly node: string;
    readonly facts: readonly FactChange[];
  }[];
  readonly removed: readonly SiteJson[];
  readonly added: readonly SiteJson[];
  /** Norms of both models that are made otherwise, by their place. */
  readonly norms: readonly {
    readonly before: string;
    readonly after: string;
    readonly node: string;
    readonly facts: readonly FactChange[];
  }[];
}

/** Residual structure in numbers. */
export interface ResidualSummary {
  readonly summary: string;
  readonly sites: number;
  readonly kinds: ResidualJson['kinds'];
  readonly placements: Readonly<Record<string, number>>;
  readonly normKinds: ResidualJson['normKinds'];
}

/** Compares residual structure: sites by the nodes that merge, then in their order. */
export function diffResidual(first: Anatomy, second: Anatomy, matching: Matching): ResidualDiff {
  const [left, right] = [residualJson(first), residualJson(second)];
  const pairs = pairSites(first.sites, second.sites, matching);
  const [gone, come] = [new Set(pairs.map(([a]) => a)), new Set(pairs.map(([, b]) => b))];
  const changed = pairs.flatMap(([i, j]) => {
    const [before, after] = [left.sites[i]!, right.sites[j]!];
    const facts = siteFacts(before, after);
    return facts.length > 0 ? [{ before: before.id, after: after.id, node: before.node, facts }] : [];
  });
  return {
    before: summaryOf(left),
    after: summaryOf(right),
    kept: pairs.length,
    changed,
    removed: left.sites.filter((_, index) => !gone.has(index)),
    added: right.sites.filter((_, index) => !come.has(index)),
    norms: normChanges(first, second, [left, right], pairs, matching),
  };
}

function summaryOf(json: ResidualJson): ResidualSummary {
  const placements: Record<string, number> = {};
  for (const { placement } of json.sites) placements[placement] = (placements[placement] ?? 0) + 1;
  return { summary: json.summary, sites: json.blocks, kinds: json.kinds, placements, normKinds: json.normKinds };
}

type Pairs = readonly (readonly [number, number])[];

/** Places of sites that belong together. */
function pairSites(first: readonly SiteAnatomy[], second: readonly SiteAnatomy[], matching: Matching): Pairs {
  const places = new Map(second.map(({ site }, index) => [site.op.node, index]));
  const pairs: (readonly [number, number])[] = [];
  const [left, right] = [new Set(first.keys()), new Set(second.keys())];
  const pair = (i: number, j: number): void => {
    if (!left.delete(i) || !right.delete(j)) return;
    pairs.push([i, j]);
  };
  for (const [index, { site }] of first.entries()) {
    const other = matching.pairs.get(site.op.node);
    const place = other && places.get(other);
    if (place !== undefined) pair(index, place);
  }
  const keyOf = ({ stream, site }: SiteAnatomy): string => `${stream.id}|${site.kind}`;
  const [rest, others] = [[...left], [...right]];
  const texts = [rest.map((at) => keyOf(first[at]!)), others.map((at) => keyOf(second[at]!))] as const;
  for (const [i, j] of commonSubsequence(...texts)) pair(rest[i]!, others[j]!);
  return pairs.toSorted(([a], [b]) => a - b);
}

const SITE_FACTS = [
  'kind',
  'placement',
  'activationAfterAdd',
  'branches',
  'projection',
  'scale',
  'gate',
  'shape',
] as const;

function siteFacts(before: SiteJson, after: SiteJson): readonly FactChange[] {
  const facts: FactChange[] = SITE_FACTS.map((name) => ({ name, before: before[name], after: after[name] }));
  facts.push({ name: 'content', before: before.branch.content, after: after.branch.content });
  facts.push({ name: 'norms', before: before.branch.norms, after: after.branch.norms });
  facts.push({ name: 'parameters', before: before.branch.parameters, after: after.branch.parameters });
  return facts.filter(differs);
}

function normChanges(
  first: Anatomy,
  second: Anatomy,
  json: readonly [ResidualJson, ResidualJson],
  sites: Pairs,
  matching: Matching,
): ResidualDiff['norms'] {
  const siteOf = new Map(sites.map(([i, j]) => [first.sites[i]!.id, second.sites[j]!.id]));
  const keys = (
    norms: readonly NormAnatomy[],
    rename: (id: string) => string | undefined,
  ): ReadonlyMap<string, number> => {
    const found = new Map<string, number>();
    norms.forEach(({ role, site }, index) => {
      for (let nth = 0; ; nth++) {
        const key = `${site ? rename(site.id) : '-'}|${role}|${nth}`;
        if (found.has(key)) continue;
        found.set(key, index);
        return;
      }
    });
    return found;
  };
  const right = keys(second.norms, (id) => id);
  const byNode = new Map(second.norms.map(({ op }, index) => [op.node, index]));
  return [...keys(first.norms, (id) => siteOf.get(id))].flatMap(([key, i]) => {
    const node = matching.pairs.get(first.norms[i]!.op.node);
    const j = (node && byNode.get(node)) ?? right.get(key);
    if (j === undefined) return [];
    const [before, after] = [json[0].norms[i]!, json[1].norms[j]!];
    const facts = (['kind', 'role', 'axis', 'epsilon'] as const)
      .map((name) => ({ name, before: before[name], after: after[name] }))
      .filter((fact) => differs(fact) && !isOtherEnd(fact));
    return facts.length > 0 ? [{ before: before.id, after: after.id, node: before.node, facts }] : [];
  });
}

/** An axis counted from the other end says nothing without the rank. */
function isOtherEnd({ name, before, after }: FactChange): boolean {
  return name === 'axis' && typeof before === 'number' && typeof after === 'number' && before < 0 !== after < 0;
}

function differs({ before, after }: FactChange): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}
