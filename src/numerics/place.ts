import type { Alignment, Difference } from '../analysis/align.js';
import { isStatic } from '../analysis/static.js';
import { extractModel } from '../ir/extract.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { intAttr, isOp } from '../schema/read.js';
import type { Types } from '../shape/types.js';
import type { Region } from './region.js';

const MOST_NODES = 2000;
/** Rows of tables that are looked up on purpose. */
const MOST_ROWS = 64;

/** Two models laid side by side, with what is known of their values. */
export interface Scene {
  readonly alignment: Alignment;
  readonly first: Model;
  readonly second: Model;
  readonly types: Types;
  readonly secondTypes: Types;
  /** Nodes of the first model that are none of its own, see {@link addDisturbed}. */
  readonly added: Set<Node>;
  /** When to stop looking, as `performance.now()` tells it. */
  readonly until: number;
}

/** A place as both models make it, and what it reads in the first one. */
export interface Place extends Region {
  readonly inputs: Parameters<typeof extractModel>[1]['inputs'];
}

/**
 * Both sides of a place as models with the same inputs: the nearest values that the two models compute alike, `level` steps further up.
 * `origin` is the difference that is looked for there, when the place is one behind it.
 */
export function cutPlace(
  scene: Scene,
  { first: a, second: b }: Difference,
  level: number,
  origin: Difference = { first: a, second: b },
): Place | undefined {
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
        const rows = partedRows(origin, x);
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
function partedRows({ first: a, second: b }: Difference, index: Value): readonly number[] | undefined {
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

/** The bodies of a place where both models run the same kind of control flow, as models with equal inputs. */
export function bodiesAt(scene: Scene, { first: a, second: b }: Difference): readonly (readonly [Model, Model])[] {
  const [one, other] = [a.producer, b.producer];
  if (!one || !other || one.op !== other.op || one.bodies.length !== other.bodies.length) return [];
  const pairs: (readonly [Model, Model])[] = [];
  for (const [index, { graph }] of one.bodies.entries()) {
    const pair = bodyPair(scene, graph, other.bodies[index]!.graph);
    if (pair) pairs.push(pair);
  }
  return pairs;
}

function bodyPair(
  { alignment, first, second, types, secondTypes }: Scene,
  x: Graph,
  y: Graph,
): readonly [Model, Model] | undefined {
  if (x.inputs.length !== y.inputs.length || x.outputs.length !== y.outputs.length) return undefined;
  const places = new Map<number | Graph['inputs'][number], { readonly xs: Value[]; readonly ys: Value[] }>();
  for (const [i, slot] of x.inputs.entries()) places.set(slot, { xs: [slot.value], ys: [y.inputs[i]!.value] });
  for (const value of capturedBy(x)) {
    const other = alignment.inSecond(value);
    if (!other) return undefined;
    places.set(alignment.firstKey(value), { xs: [value], ys: [other] });
  }
  for (const value of capturedBy(y)) {
    const other = alignment.inFirst(value);
    const known = places.get(alignment.secondKey(value));
    if (!other) return undefined;
    if (known) known.ys.push(value);
    else places.set(alignment.secondKey(value), { xs: [other], ys: [value] });
  }
  const list = [...places.values()];
  const make = (model: Model, graph: Graph, pick: 'xs' | 'ys', known: Types): Model | undefined =>
    extractModel(model, {
      inputs: list.map((at, i) => ({
        value: at[pick][0]!,
        aliases: at[pick].slice(1),
        name: `in${i}`,
        type: types.of(at.xs[0]!) ?? at.xs[0]!.type,
      })),
      outputs: graph.outputs.map(({ value }, i) => ({ value, name: `out${i}`, type: known.of(value) })),
    });
  const [one, other] = [make(first, x, 'xs', types), make(second, y, 'ys', secondTypes)];
  return one && other ? [one, other] : undefined;
}

/** Values from outside that a body reads, or gives back; constants left out. */
function capturedBy(body: Graph): ReadonlySet<Value> {
  const inside = (value: Value): boolean => {
    for (let graph: Graph | undefined = value.graph; graph; graph = graph.outer) if (graph === body) return true;
    return false;
  };
  const given = body.outputs.map(({ value }) => value).filter((value) => !inside(value));
  const read = (body.parent ? capturedValues(body.parent) : []).filter((value) => readIn(value, body));
  return new Set([...given, ...read].filter((value) => !isStatic(value)));
}

/** Whether some node in the body, at any depth, reads the value. */
function readIn(value: Value, body: Graph): boolean {
  for (const use of value.uses) {
    for (let graph: Graph | undefined = use.kind === 'input' ? use.node.graph : use.graph; graph; graph = graph.outer) {
      if (graph === body) return true;
    }
  }
  return false;
}
