import { type Alignment, alignModels, type Difference } from '../analysis/align.js';
import { extractModel } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import { capturedValues } from '../ir/order.js';
import { pathOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import { inferTypes, type Types } from '../shape/types.js';
import type { Binding } from './inputs.js';
import type { Region } from './region.js';
import { checkRegion } from './region-check.js';
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
const MOST_PLACES = 8;
/** Steps by which the surroundings of a place are taken in: what feeds it, as the rewrite may rest on that. */
const LEVELS = [0, 1];
const MOST_NODES = 2000;

/**
 * Compares two models of nearly the same structure where they part, each place cut out of both and run on values made for it: what a
 * whole run hides in its rounding noise shows here. A place that differs counts only when no surroundings make up for it: neither
 * what feeds it nor the next few operators behind it.
 */
export async function compareLocally(
  runtime: Runtime,
  first: Model,
  second: Model,
  hint: Binding,
  seed = 0,
): Promise<LocalComparison> {
  const alignment = alignModels(first, second);
  const { differences } = alignment;
  const none = { places: differences.length, checked: 0 };
  if (differences.length === 0 || differences.length > MOST_PLACES || !areOfOneSize(first, second)) return none;
  const scene = { alignment, first, second, types: inferTypes(first), secondTypes: inferTypes(second) };
  let checked = 0;
  for (const difference of differences) {
    const why = await judgePlace(runtime, scene, difference, hint, seed);
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
}

/** `alike`, why not, or nothing when no piece could be run. */
async function judgePlace(
  runtime: Runtime,
  scene: Scene,
  difference: Difference,
  hint: Binding,
  seed: number,
): Promise<string | undefined> {
  let why: string | undefined;
  const pairs: readonly (readonly [Value, Value])[] = [[difference.first, difference.second], ...difference.above];
  for (const [a, b] of pairs) {
    for (const level of LEVELS) {
      const region = cut(scene, a, b, level);
      if (!region) continue;
      const verdict = await checkRegion(runtime, region, { thorough: true, seed, hint, edges: true });
      if (verdict.status === 'verified') return 'alike';
      if (verdict.status !== 'mismatch') continue;
      const { producer } = difference.first;
      why ??= `${producer ? pathOf(producer) : difference.first.hint}: ${verdict.why ?? 'the models differ here'}`;
    }
  }
  return why;
}

/** Both sides of a place as models with the same inputs: the nearest values that the two models compute alike, `level` steps further up. */
function cut(scene: Scene, a: Value, b: Value, level: number): Region | undefined {
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
  const before = extractModel(first, {
    inputs: list.map(({ x, xs, name, type }) => ({ value: x, aliases: xs, name, type })),
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
    known,
    key: `${a.id}:${b.id}:${level}`,
    weights: [],
    emptiable: new Set(),
    widen: () => ({ kind: 'uncovered', why: 'a place of two models has no rewrite' }),
  };
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
    const steps = above >= 0 ? above + 1 : value !== target && find(value) ? 0 : -1;
    const node = value.producer;
    if (steps >= level || (steps >= 0 && !node)) {
      found.set(value, steps);
      continue;
    }
    seen.add(value);
    if (!node || seen.size > MOST_NODES) return undefined;
    for (const input of [...node.inputs, ...capturedValues(node)]) if (input) stack.push([input, steps]);
  }
  return [...found.keys()];
}
