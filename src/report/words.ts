import type { DiffReport } from '../api/diff.js';
import type { DimJson } from '../residual/report.js';

/** A whole number with commas. */
export function grouped(value: number | string): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 node`, `2 nodes`. */
export function plural(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`;
}

/** Dims as people write them; `…` where not even their number is known. */
export function shapeText(shape: readonly DimJson[] | null): string {
  return shape ? `[${shape.map((dim) => dim ?? '?').join(', ')}]` : '[…]';
}

/** A count of paths: of large ones the order of magnitude. */
export function pathsText(count: string): string {
  return count.length <= 12 ? grouped(count) : `about 10^${count.length - 1}`;
}

/** A small number in few digits. */
export function real(value: number): string {
  return value === 0
    ? '0'
    : Math.abs(value) >= 0.001 && Math.abs(value) < 1e5
      ? String(Number(value.toPrecision(3)))
      : value.toExponential(1);
}

/** Replacements of the same operators by the same operators. */
export interface ReplacedGroup {
  readonly kind: 'replaced' | 'added' | 'removed';
  /** Operators, e.g. `ReduceMean, 2 Sub, Sqrt`; empty where there are none. */
  readonly before: string;
  readonly after: string;
  /** Each place, by its last node. */
  readonly places: readonly string[];
}

/** Replacements that are alike taken together, in the order in which they are met. */
export function groupReplaced(replaced: DiffReport['nodes']['replaced']): readonly ReplacedGroup[] {
  const groups = new Map<string, { readonly group: Omit<ReplacedGroup, 'places'>; readonly places: string[] }>();
  for (const { removed, added } of replaced) {
    const [before, after] = [operatorsText(removed), operatorsText(added)];
    const key = `${before} → ${after}`;
    const place = (added.at(-1) ?? removed.at(-1))!.node;
    const known = groups.get(key);
    if (known) known.places.push(place);
    else {
      const kind = before === '' ? 'added' : after === '' ? 'removed' : 'replaced';
      groups.set(key, { group: { kind, before, after }, places: [place] });
    }
  }
  return [...groups.values()].map(({ group, places }) => ({ ...group, places }));
}

function operatorsText(nodes: readonly { readonly op: string }[]): string {
  const counts = new Map<string, number>();
  for (const { op } of nodes) counts.set(op, (counts.get(op) ?? 0) + 1);
  return [...counts].map(([op, count]) => (count === 1 ? op : `${count} ${op}`)).join(', ');
}

/** Changes that are alike taken together: what is said of them, with the places. */
export function groupBy<T>(list: readonly T[], textOf: (each: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const each of list) {
    const text = textOf(each);
    const known = groups.get(text);
    if (known) known.push(each);
    else groups.set(text, [each]);
  }
  return groups;
}

/** What changed at a node: `axis 1 → -1, input B w → v`. */
export function nodeChangeText({ op, attributes, inputs }: DiffReport['nodes']['changed'][number]): string {
  const facts = Object.entries(attributes).map(
    ([name, { before, after }]) => `${name} ${json(before)} → ${json(after)}`,
  );
  const slots = Object.entries(inputs).map(([name, { before, after }]) => {
    if (before === null) return `+ input ${name}`;
    return after === null ? `- input ${name}` : `input ${name} ${before} → ${after}`;
  });
  return `${op}: ${[...facts, ...slots].join(', ')}`;
}

/** A fact before and after: `placement pre → post`. */
export function factText({
  name,
  before,
  after,
}: {
  readonly name: string;
  readonly before: unknown;
  readonly after: unknown;
}): string {
  return `${name} ${json(before)} → ${json(after)}`;
}

/** A value of JSON, short: texts without quotes, `none` for nothing. */
export function json(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `[${value.map(json).join(', ')}]`;
  return Object.entries(value)
    .map(([name, each]) => `${name} ${json(each)}`)
    .join(' ');
}

/** How a weight differs. */
export function weightChangeText({ before, after, difference }: DiffReport['weights']['changed'][number]): string {
  const size = before.shape.reduce((product, dim) => product * dim, 1);
  if (difference) {
    return `${grouped(difference.elements)} of ${plural(size, 'element')} differ, by at most ${real(difference.maxAbs)}`;
  }
  return `${before.dtype}[${before.shape.join(', ')}] → ${after.dtype}[${after.shape.join(', ')}]`;
}

/** Counts by name: `24 pre, 2 none`. */
export function countsText(counts: Readonly<Record<string, number | undefined>>): string {
  const list = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return list.length > 0 ? list.join(', ') : 'none';
}
