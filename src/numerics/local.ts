import { alignModels, type Difference } from '../analysis/align.js';
import { cloneModel } from '../ir/copy.js';
import { extractModel } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { pathOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import { inferTypes } from '../shape/types.js';
import { isFloat } from '../tensor/dtype.js';
import { addDisturbed, readingInstead } from './disturb.js';
import type { Binding } from './inputs.js';
import { bodiesAt, cutPlace, type Scene } from './place.js';
import type { Region } from './region.js';
import { checkRegion, type RegionVerdict } from './region-check.js';
import type { Runtime } from './runtime.js';

/** What comparing two models place by place came to. */
export interface LocalComparison {
  /** Places where the models are made differently. */
  readonly places: number;
  /** Those that were run side by side. */
  readonly checked: number;
  /** The first place that computes something else, with nothing around it that makes up for it. */
  readonly why?: string;
}

/** With more places than these the models are other networks to begin with, and only their outputs can be compared. */
const MOST_PLACES = 24;
/** Steps by which the surroundings of a place are taken in: what feeds it, as the rewrite may rest on that. */
const LEVELS = [0, 1];
/** Operators behind a place of two equal forms, and steps above it, within which a difference too small to tell may grow. */
const GROWS_WITHIN = 3;
const GROWS_FROM = 2;
/**
 * Surroundings make up for a difference when they leave this many times less of it, beside what is allowed, than of another difference
 * of its size. Else they only hide it, as a saturated softmax or the sum of a deep network does.
 */
const MADE_UP = 30;
/** Share of integers or booleans that a difference must change to show in them at all: rounding to integers hides small ones. */
const SHOWN = 0.05;
/** Operators behind a place that may make up for it, one after the other and in all. */
const DEEPEST = 6;
const WIDEST = 16;
/** Bodies inside of bodies that are compared by themselves. */
const DEEPEST_BODY = 6;
/** No place is begun after this many milliseconds. */
const BUDGET_MS = 15_000;

/**
 * Compares two models of nearly the same structure where they part, each place cut out of both and run on values made for it: what a
 * whole run hides in its rounding noise shows here. A place that differs counts only when no surroundings make up for it: neither
 * what feeds it nor the next few operators behind it.
 */
export async function compareLocally(
  runtime: Runtime,
  one: Model,
  second: Model,
  hint: Binding,
  seed = 0,
  { depth = 0, until = performance.now() + BUDGET_MS }: { readonly depth?: number; readonly until?: number } = {},
): Promise<LocalComparison> {
  const first = cloneModel(one);
  const alignment = alignModels(first, second);
  const { differences } = alignment;
  const none = { places: differences.length, checked: 0 };
  if (differences.length === 0 || differences.length > MOST_PLACES || !areOfOneSize(first, second)) return none;
  const scene = {
    alignment,
    first,
    second,
    types: inferTypes(first),
    secondTypes: inferTypes(second),
    added: new Set<Node>(),
    until: until + BUDGET_MS,
  };
  const check: Check = (region) =>
    checkRegion(runtime, region, { thorough: true, seed, hint, edges: true, alike: areOfOneForm(region) });
  let checked = 0;
  for (const difference of differences) {
    if (performance.now() > until) break;
    for (const [x, y] of depth < DEEPEST_BODY ? bodiesAt(scene, difference) : []) {
      const { why } = await compareLocally(runtime, x, y, hint, seed, { depth: depth + 1, until });
      if (why !== undefined) return { places: differences.length, checked: checked + 1, why };
    }
    const why = await judgePlace(scene, difference, check);
    if (why === undefined) continue;
    checked++;
    if (why !== 'alike') return { places: differences.length, checked, why };
  }
  return { places: differences.length, checked };
}

/** A network with a layer more has its places elsewhere: what is laid beside each other there does not belong together. */
function areOfOneSize(first: Model, second: Model): boolean {
  const [a, b] = [first.graph.nodes.size, second.graph.nodes.size];
  return Math.abs(a - b) <= Math.max(3, 0.15 * Math.min(a, b));
}

/** Whether both sides are made of the same operators. */
function areOfOneForm({ before, after }: Region): boolean {
  const operators = (model: Model): string =>
    [...model.graph.nodes.values()]
      .map(({ op }) => op)
      .filter((op) => op !== 'Constant')
      .sort()
      .join();
  return operators(before) === operators(after);
}

type Check = (region: Region) => Promise<RegionVerdict>;

/** `alike`, why not, or nothing when no piece could be run. */
async function judgePlace(scene: Scene, place: Difference, check: Check): Promise<string | undefined> {
  let found: RegionVerdict | undefined;
  for (const level of LEVELS) {
    const region = cutPlace(scene, place, level);
    const verdict = region && (await check(region));
    if (verdict?.status === 'verified' && !(found && isLasting(found, verdict)))
      return areOfOneForm(region!) ? await judgeGrowth(scene, place, check) : 'alike';
    if (verdict?.status === 'mismatch') found ??= verdict;
    // What feeds an index reaches some rows of a table only under sizes that are not tried.
    if (region?.interest?.size) break;
  }
  if (!found) return undefined;
  if (await isMadeUp(scene, place, found, check)) return 'alike';
  return explain(place, found);
}

/** Whether a difference is still there with more of what feeds the place, and only has become too small to tell. */
function isLasting(found: RegionVerdict, { excess = 0 }: RegionVerdict): boolean {
  return found.differs === true && excess * MADE_UP > (found.excess ?? 0);
}

/**
 * Two pieces of one form differ in constants or attributes alone, so that both round alike: what is too small to tell where they part
 * may show a few operators further on, as an epsilon does behind a division by small numbers.
 */
async function judgeGrowth(scene: Scene, place: Difference, check: Check): Promise<string> {
  let reached: readonly Difference[] = [place];
  const seen = new Set<Value>([place.first]);
  for (let depth = 0; depth < GROWS_WITHIN && performance.now() < scene.until; depth++) {
    reached = reached.flatMap((at) => scene.alignment.behind(at)).filter(({ first }) => !seen.has(first));
    for (const at of reached.slice(0, WIDEST)) {
      seen.add(at.first);
      const region = cutPlace(scene, at, GROWS_FROM, place);
      if (!region || !areOfOneForm(region)) continue;
      const verdict = await check(region);
      if (verdict.status === 'mismatch') return explain(at, verdict);
    }
  }
  return 'alike';
}

function explain({ first: { producer, hint } }: Difference, { why }: RegionVerdict): string {
  return `${producer ? pathOf(producer) : hint}: ${why ?? 'the models differ here'}`;
}

/**
 * Whether all that reads a place that differs makes up for it within a few operators. What other places read is judged there. Shapes
 * and the like, which nothing in the place could change, count for nothing.
 */
async function isMadeUp(scene: Scene, place: Difference, found: RegionVerdict, check: Check): Promise<boolean> {
  const queue = [{ at: place, depth: 0 }];
  const seen = new Set<Value>([place.first]);
  let counts = false;
  const own = cutPlace(scene, place, 0);
  const isOneForm = own !== undefined && areOfOneForm(own);
  for (const { at, depth } of queue) {
    // Without time to see what follows only constants and attributes are held against the second model.
    if (performance.now() > scene.until) return !isOneForm;
    const readers = scene.alignment.behind(at);
    const makers = new Set(readers.map(({ first }) => first.producer));
    for (const use of at.first.uses) {
      if (use.kind === 'output') return false;
      if (!makers.has(use.node) && !scene.added.has(use.node)) counts = true;
    }
    for (const reader of readers) {
      if (seen.has(reader.first)) continue;
      seen.add(reader.first);
      const effect = await effectOf(scene, [place, reader], found, check);
      if (effect === 'hidden' || (effect === 'left' && (depth >= DEEPEST || queue.length > WIDEST))) return false;
      if (effect === 'made up') counts = true;
      if (effect === 'left') queue.push({ at: reader, depth: depth + 1 });
    }
  }
  return counts;
}

/**
 * What becomes of the difference of a place in a value behind it: it is `left`, `made up` for, or only `hidden`; `none` when no other
 * difference of its size would show there either.
 */
async function effectOf(
  scene: Scene,
  [place, reader]: readonly [Difference, Difference],
  found: RegionVerdict,
  check: Check,
): Promise<'left' | 'made up' | 'hidden' | 'none'> {
  const region = cutPlace(scene, reader, 0, place);
  const verdict = region && (await check(region));
  if (!region || verdict?.status !== 'verified') return 'left';
  const { first, types } = scene;
  const reach = found.maxAbs !== undefined && Number.isFinite(found.maxAbs) ? found.maxAbs : 1;
  const known = new Set(first.graph.nodes.values());
  const disturbed = addDisturbed(first.graph, place.first, types.dtype(place.first), reach);
  for (const node of first.graph.nodes.values()) if (!known.has(node)) scene.added.add(node);
  if (!disturbed) return 'made up';
  const views = readingInstead(place.first, disturbed);
  const after = extractModel(first, {
    inputs: region.inputs,
    outputs: [{ value: reader.first, name: 'out', type: types.of(reader.first) }],
    view: (node) => views.get(node),
  });
  const other = after && (await check({ ...region, after }));
  if (!other || other.status === 'verified') return 'none';
  const dtype = types.dtype(reader.first);
  if (!dtype || !isFloat(dtype)) return other.maxRel >= SHOWN ? 'made up' : 'none';
  return (other.excess ?? 0) >= MADE_UP * (verdict.excess ?? 0) ? 'made up' : 'hidden';
}
