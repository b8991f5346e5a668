import { type Alignment, alignModels, type Difference } from '../analysis/align.js';
import { isStatic } from '../analysis/static.js';
import { cloneModel } from '../ir/copy.js';
import { extractModel } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import { pathOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import { isFloat } from '../tensor/dtype.js';
import { inferTypes, type Types } from '../shape/types.js';
import { constantOf } from '../schema/constant.js';
import { intAttr, isOp } from '../schema/read.js';
import { addDisturbed, readingInstead } from './disturb.js';
import type { Binding } from './inputs.js';
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
const MOST_NODES = 2000;
/** Rows of tables that are looked up on purpose. */
const MOST_ROWS = 64;
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
  };
  const check: Check = (region) => checkRegion(runtime, region, { thorough: true, seed, hint, edges: true });
  let checked = 0;
  for (const difference of differences) {
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

interface Scene {
  readonly alignment: Alignment;
  readonly first: Model;
  readonly second: Model;
  readonly types: Types;
  readonly secondTypes: Types;
  /** Nodes of the first model that are none of its own, see {@link addDisturbed}. */
  readonly added: Set<Node>;
}

type Check = (region: Region) => Promise<RegionVerdict>;

/** `alike`, why not, or nothing when no piece could be run. */
async function judgePlace(scene: Scene, place: Difference, check: Check): Promise<string | undefined> {
  let found: RegionVerdict | undefined;
  for (const level of LEVELS) {
    const region = cut(scene, place, level);
    const verdict = region && (await check(region));
    if (verdict?.status === 'verified') return 'alike';
    if (verdict?.status === 'mismatch') found ??= verdict;
  }
  if (!found) return undefined;
  if (await isMadeUp(scene, place, found, check)) return 'alike';
  const { producer, hint } = place.first;
  return `${producer ? pathOf(producer) : hint}: ${found.why ?? 'the models differ here'}`;
}

/**
 * Whether all that reads a place that differs makes up for it within a few operators. What other places read is judged there. Shapes
 * and the like, which nothing in the place could change, count for nothing.
 */
async function isMadeUp(scene: Scene, place: Difference, found: RegionVerdict, check: Check): Promise<boolean> {
  const queue = [{ at: place, depth: 0 }];
  const seen = new Set<Value>([place.first]);
  let counts = false;
  for (const { at, depth } of queue) {
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
  const region = cut(scene, reader, 0);
  const verdict = region && (await check(region));
  if (!region || verdict?.status !== 'verified') return 'left';
  const { first, types } = scene;
  const reach = Number.isFinite(found.maxRel) ? Math.min(1, found.maxRel) : 1;
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

/** A place as both models make it, and what it reads in the first one. */
interface Place extends Region {
  readonly inputs: Parameters<typeof extractModel>[1]['inputs'];
}

/** Both sides of a place as models with the same inputs: the nearest values that the two models compute alike, `level` steps further up. */
function cut(scene: Scene, { first: a, second: b }: Difference, level: number): Place | undefined {
  const { alignment, first, second, types, secondTypes } = scene;
  const left = boundary(a, alignment.inSecond, level);
  const right = boundary(b, alignment.inFirst, level);
  if (!left || !right) return undefined;
  const places = new Map<number, { x: Value; y: Value; xs: Value[]; ys: Value[] }>();
  for (const x of left) {
    const key = alignment.firstKey(x);
    const place = places.get(key);
    if (place) place.xs.push(x);
    else places.set(key, { x, y: alignment.inSecond(x)!, xs: [], ys: [] });
  }
  for (const y of right) {
    const key = alignment.secondKey(y);
    const place = places.get(key);
    if (place) place.ys.push(y);
    else places.set(key, { x: alignment.inFirst(y)!, y, xs: [], ys: [] });
  }
  const list = [...places.values()].map((place, i) => ({
    ...place,
    name: `in${i}`,
    type: types.of(place.x) ?? place.x.type,
  }));
  const output = { name: 'out', type: undefined };
  const inputs = list.map(({ x, xs, name, type }) => ({ value: x, aliases: xs, name, type }));
  const before = extractModel(first, {
    inputs,
    outputs: [{ value: a, ...output, type: types.of(a) }],
  });
  const after = extractModel(second, {
    inputs: list.map(({ y, ys, name, type }) => ({ value: y, aliases: ys, name, type })),
    outputs: [{ value: b, ...output, type: secondTypes.of(b) }],
  });
  if (!before || !after) return undefined;
  const known = new Map(
    list.flatMap(({ x, name }) => (types.elements(x) ? [[name, types.elements(x)!] as const] : [])),
  );
  return {
    record: { number: 0, pass: 'verify', rule: 'place', at: '', removed: [], added: [], changed: [], replaced: [] },
    semantics: 'equivalent',
    before,
    after,
    inputs,
    known,
    interest: new Map(
      list.flatMap(({ x, name }) => {
        const rows = partedRows(a, b, x);
        return rows ? [[name, rows] as const] : [];
      }),
    ),
    key: `${a.id}:${b.id}:${level}`,
    weights: [],
    emptiable: new Set(),
    widen: () => ({ kind: 'uncovered', why: 'a place of two models has no rewrite' }),
  };
}

/** Rows in which the tables of two Gathers differ, if `index` chooses among them. */
function partedRows(a: Value, b: Value, index: Value): readonly number[] | undefined {
  const [one, other] = [a.producer, b.producer];
  if (!isOp(one, 'Gather') || !isOp(other, 'Gather') || one.inputs[1] !== index) return undefined;
  const [left, right] = [constantOf(one.inputs[0]), constantOf(other.inputs[0])];
  const axis = intAttr(one, 'axis') ?? 0;
  if (!left || !right || axis !== 0 || left.shape.join() !== right.shape.join() || left.dtype !== right.dtype)
    return undefined;
  const [x, y] = [left.bytes(), right.bytes()];
  const width = x.length / left.shape[0]!;
  const rows: number[] = [];
  for (let at = 0; at < x.length && rows.length < MOST_ROWS; at++) {
    if (x[at] === y[at]) continue;
    const row = Math.floor(at / width);
    rows.push(row);
    at = (row + 1) * width - 1;
  }
  return rows.length > 0 ? rows : undefined;
}

/** The nearest values above that the other model has too, then `level` producers further up; nothing when there is no end to it. */
function boundary(
  target: Value,
  find: (value: Value) => Value | undefined,
  level: number,
): readonly Value[] | undefined {
  const found = new Map<Value, number>();
  const seen = new Set<Value>();
  const stack: (readonly [Value, number])[] = [[target, -1]];
  for (let item = stack.pop(); item; item = stack.pop()) {
    const [value, above] = item;
    if (value.constant || seen.has(value)) continue;
    const isShared = value !== target && find(value) !== undefined && !isStatic(value);
    const steps = above >= 0 ? above + 1 : isShared ? 0 : -1;
    const node = value.producer;
    if ((steps >= level && !(node && isStatic(value))) || (steps >= 0 && !node)) {
      found.set(value, steps);
      continue;
    }
    seen.add(value);
    if (!node || seen.size > MOST_NODES) return undefined;
    for (const input of [...node.inputs, ...capturedValues(node)]) if (input) stack.push([input, steps]);
  }
  return [...found.keys()];
}
