import { contentKey } from '../analysis/content.js';
import { isDeterministic } from '../analysis/training.js';
import { extractModel, type NodeView } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import { tensorType, type Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { Semantics } from '../pass/pass.js';
import type { NodeSnapshot, RewriteRecord } from '../rewrite/record.js';
import { constantOf } from '../schema/constant.js';
import { isOp } from '../schema/read.js';
import { randomness } from '../schema/traits.js';
import type { Types } from '../shape/types.js';
import type { SymbolicTensor } from '../shape/fact.js';
import type { Tensor } from '../tensor/tensor.js';
import { regionKey, type Weight } from './region-key.js';
import { runtimeForm } from './runtime-form.js';

/** One rewrite as two models with the same inputs and outputs: what was there, and what came in its place. */
export interface Region {
  readonly record: RewriteRecord;
  readonly semantics: Semantics;
  readonly before: Model;
  readonly after: Model;
  /** Elements of inputs that are known wherever the region stands, as shapes are. */
  readonly known: ReadonlyMap<string, SymbolicTensor>;
  /** Equal for regions that are equal up to names and weights. */
  readonly key: string;
  /** The weights of both sides as they are met: with equal keys and equal weights two regions are the same. */
  readonly weights: readonly Weight[];
  /** Symbols of dims that may be 0 where the model is used, as the length of a cache. */
  readonly emptiable: ReadonlySet<string>;
  /** Elements of inputs on which the sides may part, as rows of two tables that differ. */
  readonly interest?: ReadonlyMap<string, readonly number[]>;
  /**
   * The same rewrite with `level` steps of what comes before it, for a rewrite may rest on what feeds it. Later rewrites upstream are
   * taken for what they claim to be: equal to what they replaced.
   */
  widen(level: number): Cut;
}

/** What a rewrite comes to: something to run, nothing that could be seen, or something that cannot be cut out. */
export type Cut =
  | { readonly kind: 'region'; readonly region: Region }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'mismatch'; readonly why: string }
  | { readonly kind: 'uncovered'; readonly why: string };

/** Two values that a rewrite says are equal, each on its side; the same value where a node stayed with other inputs. */
interface Claim {
  readonly before: Value;
  readonly after: Value;
}

/** Largest number of nodes that are taken in addition to those of the rewrite. */
const CONTEXT = 400;

/** Cuts the two sides of a rewrite out of the model. To be called right after the rewrite, while the model is as it left it. */
export function cutRegion(record: RewriteRecord, semantics: Semantics, scene: Scene): Cut {
  const removed = new Map(record.removed.map((shot) => [shot.node, shot]));
  const claims: Claim[] = [];
  for (const claim of claimsOf(record)) {
    const [left, right] = [passedOn(claim.before, removed), constantOf(claim.after)];
    if (!left || !right) claims.push(claim);
    else if (left !== right && contentKey(left) !== contentKey(right))
      return { kind: 'mismatch', why: 'two constants differ' };
  }
  if (claims.length === 0) return { kind: 'nothing' };
  const own = [...record.removed, ...record.added, ...record.changed.map(({ after }) => after)];
  if (own.some(({ node }) => randomness(node) !== 'unknown' && !isDeterministic(node))) {
    return { kind: 'uncovered', why: 'it draws random numbers' };
  }
  const widen = (level: number): Cut => {
    const sides = expand(record, claims, level);
    if (typeof sides === 'string') return { kind: 'uncovered', why: sides };
    return extractSides({ record, semantics, claims, scene, widen }, sides);
  };
  return widen(0);
}

/** The constant that a value is, also through nodes of the first side that pass it on. */
function passedOn(value: Value, removed: ReadonlyMap<Node, NodeSnapshot>): Tensor | undefined {
  for (let at: Value | undefined = value; at;) {
    const constant = constantOf(at);
    if (constant) return constant;
    const shot: NodeSnapshot | undefined = isOp(at.producer, 'Identity') ? removed.get(at.producer!) : undefined;
    at = shot?.inputs[0];
  }
  return undefined;
}

/** What holds in the model around a rewrite. */
export interface Scene {
  readonly types: Types;
  /** Imported versions before the rewrite; it may have changed them. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly emptiable: ReadonlySet<string>;
}

interface Rewrite {
  readonly record: RewriteRecord;
  readonly semantics: Semantics;
  readonly claims: readonly Claim[];
  readonly scene: Scene;
  readonly widen: (level: number) => Cut;
}

/** The values that are said to be equal and that somebody outside of the rewrite sees. */
function claimsOf(record: RewriteRecord): Claim[] {
  const own = new Set<Node>([
    ...record.added.map(({ node }) => node),
    ...record.changed.map(({ after }) => after.node),
  ]);
  const made = new Set<Node>(record.added.map(({ node }) => node));
  const next = new Map(record.replaced.map(({ from, to }) => [from, to]));
  const claims: Claim[] = [];
  const targets = new Set<Value>();
  for (const { from } of record.replaced) {
    let to = from;
    for (let steps = next.size; steps >= 0 && next.has(to); steps--) to = next.get(to)!;
    targets.add(to);
    const isNew = from.producer && made.has(from.producer);
    const isSeen = to.uses.size > 0 || to.producer?.alive !== false;
    if (!isNew && isSeen && from !== to) claims.push({ before: from, after: to });
  }
  for (const { after } of record.changed) {
    for (const value of after.outputs) {
      const seen = [...value.uses].some((use) => use.kind === 'output' || !own.has(use.node));
      if (seen && !targets.has(value)) claims.push({ before: value, after: value });
    }
  }
  return claims;
}

type Views = ReadonlyMap<Node, NodeView>;

interface Sides {
  readonly before: Views;
  readonly after: Views;
  readonly inputs: readonly Value[];
  /** What only the second side needs of the context: made by both, so that both ask the same of the inputs. */
  readonly extra: readonly Value[];
}

/** Adds context until what the second side reads is known to the first one as well, then `level` steps more. */
function expand(record: RewriteRecord, claims: readonly Claim[], level: number): Sides | string {
  const view = (shot: NodeSnapshot): [Node, NodeView] => [shot.node, { inputs: shot.inputs, attrs: shot.attrs }];
  const before = new Map([...record.removed.map(view), ...record.changed.map((pair) => view(pair.before))]);
  const after = new Map([...record.added.map(view), ...record.changed.map((pair) => view(pair.after))]);
  const take = (value: Value): boolean => {
    const node = value.producer;
    if (!node || after.has(node) || before.has(node) || !isDeterministic(node)) return false;
    const as = { inputs: [...node.inputs], attrs: node.attrs };
    before.set(node, as);
    after.set(node, as);
    return true;
  };
  for (const claim of claims) {
    if (!constantOf(claim.before)) take(claim.before);
    if (!constantOf(claim.after)) take(claim.after);
  }
  for (let left = level; ;) {
    if (before.size + after.size > CONTEXT + record.removed.length + record.added.length)
      return 'it rests on too many nodes';
    const known = boundary(
      claims.map((claim) => claim.before),
      before,
    );
    const read = boundary(
      claims.map((claim) => claim.after),
      after,
    );
    const unknown = [...read].filter((value) => !known.has(value) && value.producer);
    const above = [...known].filter((value) => !read.has(value) && dependsOn(value, unknown));
    const lacking = above.length > 0 ? above : unknown;
    if (lacking.filter(take).length > 0) continue;
    const grown = left-- > 0 ? [...known].filter(take).length > 0 : false;
    if (grown) continue;
    const made = new Set(record.added.map(({ node }) => node));
    const extra = contextOf(
      claims.map((claim) => claim.after),
      after,
    ).filter((value) => {
      const node = value.producer!;
      return !made.has(node) && before.get(node) === after.get(node);
    });
    return { before, after, inputs: [...new Set([...known, ...read])], extra };
  }
}

/** Values that these nodes make on the way to the roots. */
function contextOf(roots: readonly Value[], views: Views): Value[] {
  const made: Value[] = [];
  const seen = new Set<Value>();
  const stack = [...roots];
  for (let value = stack.pop(); value; value = stack.pop()) {
    const view = value.producer && views.get(value.producer);
    if (!view || seen.has(value)) continue;
    seen.add(value);
    made.push(value);
    for (const input of [...view.inputs, ...capturedValues(value.producer!)]) if (input) stack.push(input);
  }
  return made;
}

/** Nodes between a value and what it may have been made from that are looked at. */
const NEAR = 40;

/** Whether a value is made from one of these, a few nodes further up. */
function dependsOn(value: Value, sources: readonly Value[]): boolean {
  if (sources.length === 0) return false;
  const seen = new Set<Value>([value]);
  for (const each of seen) {
    if (seen.size > NEAR) return false;
    const node = each.producer;
    for (const input of node ? [...node.inputs, ...capturedValues(node)] : []) {
      if (!input) continue;
      if (sources.includes(input)) return true;
      seen.add(input);
    }
  }
  return false;
}

/** Values that these nodes read from elsewhere, constants left out; in the order in which they are met. */
function boundary(roots: readonly Value[], views: Views): Set<Value> {
  const found = new Set<Value>();
  const seen = new Set<Value>();
  const stack = [...roots].reverse();
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (seen.has(value)) continue;
    seen.add(value);
    const node = value.producer;
    const view = node && views.get(node);
    if (!node || !view) {
      if (!constantOf(value) && value.def.kind !== 'sparse-initializer') found.add(value);
      continue;
    }
    for (const input of [...view.inputs, ...capturedValues(node)].reverse()) if (input) stack.push(input);
  }
  return found;
}

function extractSides(rewrite: Rewrite, { before, after, inputs: values, extra }: Sides): Cut {
  const { record, semantics, claims, scene, widen } = rewrite;
  const ends = claims.flatMap((claim) => [claim.before, claim.after]);
  if ([...ends, ...values].some((value) => rootRole(value) === 'function')) {
    return { kind: 'uncovered', why: 'it is inside a function' };
  }
  const inputs: { value: Value; name: string; type: Type }[] = [];
  const known = new Map<string, SymbolicTensor>();
  for (const [index, value] of values.entries()) {
    const { type, elements } = scene.types.fact(value);
    if (type && type.kind !== 'tensor') return { kind: 'uncovered', why: `${value.hint || 'an input'} is no tensor` };
    // What operators of no known schema give is taken to be float32: a rule that asks no types holds for these as well.
    inputs.push({ value, name: `x${index}`, type: tensorType(type?.dtype ?? 'float32', type?.shape) });
    if (isLoopCondition(value)) known.set(`x${index}`, { dtype: 'bool', shape: [], elements: [1] });
    else if (elements) known.set(`x${index}`, elements);
  }
  const { model } = ends[0]!.graph;
  const reached = new Set(
    contextOf(
      claims.map((claim) => claim.before),
      before,
    ),
  );
  const rest = extra.filter((value) => !reached.has(value));
  const now = new Map(model.opsets);
  const side = (
    pick: (claim: Claim) => Value,
    views: Views,
    opsets: ReadonlyMap<string, number>,
  ): Model | undefined => {
    const outputs = claims.map((claim, i) => ({ value: pick(claim), name: `y${i}`, type: undefined }));
    outputs.push(...rest.map((value, i) => ({ value, name: `context${i}`, type: undefined })));
    return pruned(extractModel(model, { inputs, outputs, opsets, view: (node) => views.get(node) }));
  };
  const left = side((claim) => claim.before, before, scene.opsets);
  const right = side((claim) => claim.after, after, now);
  if (!left || !right) return { kind: 'uncovered', why: 'it reads an input that cannot be cut' };
  const types = [...claims.map((claim) => claim.before), ...rest].map((value) => scene.types.of(value));
  const [first, second] = [runtimeForm(left, types), runtimeForm(right, types)];
  const [one, other] = [regionKey(first, known), regionKey(second, known)];
  const key = `${record.pass}|${record.rule}|${semantics}\n${one.key}\n${other.key}`;
  const weights = [...one.weights, ...other.weights];
  const { emptiable } = scene;
  const region = { record, semantics, before: first, after: second, known, key, weights, emptiable, widen };
  return { kind: 'region', region };
}

/** The condition that the body of a Loop is given: the body runs only while it is true. */
function isLoopCondition({ def }: Value): boolean {
  if (def.kind !== 'input' || def.graph.parent?.opType !== 'Loop') return false;
  return def.graph.inputs[1]?.value.def === def;
}

function rootRole(value: Value): string {
  let graph = value.graph;
  for (let outer = graph.outer; outer; outer = graph.outer) graph = outer;
  return graph.role.kind;
}

/** The model without functions when it calls none. */
function pruned(model: Model | undefined): Model | undefined {
  if (!model || model.functions.size === 0) return model;
  const called = new Set([...model.functions.values()].map((fn) => `${fn.domain}::${fn.name}`));
  const graphs = [...model.graphs()].filter((graph) => graph.role.kind !== 'function');
  const calls = graphs.some((graph) =>
    [...graph.nodes.values()].some((node) => called.has(`${node.domain}::${node.opType}`)),
  );
  if (!calls) model.functions.clear();
  return model;
}
