import { isDeterministic } from '../analysis/training.js';
import { extractModel } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import { tensorType, type Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { Semantics } from '../pass/pass.js';
import type { RewriteRecord } from '../rewrite/record.js';
import { randomness } from '../schema/traits.js';
import type { Types } from '../shape/types.js';
import type { SymbolicTensor } from '../shape/fact.js';
import { regionKey, type Weight } from './region-key.js';
import { type Claim, claimsOf, contextOf, expand, partsOf, type Sides, type Views, viewsOf } from './region-sides.js';
import { runtimeForm } from './runtime-form.js';

/** A rewrite, or a part of one, as two models with the same inputs and outputs: what was there, and what came in its place. */
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

/** What a rewrite comes to: something to run, constants that differ, or something that cannot be cut out. */
export type Cut =
  | { readonly kind: 'region'; readonly region: Region }
  | { readonly kind: 'mismatch'; readonly why: string }
  | { readonly kind: 'uncovered'; readonly why: string };

/**
 * Cuts the two sides of a rewrite out of the model, each part of it that shares no node with the others by itself. Nothing where nobody
 * could see what it did. To be called right after the rewrite, while the model is as it left it.
 */
export function cutRegions(record: RewriteRecord, semantics: Semantics, scene: Scene): readonly Cut[] {
  const claims = claimsOf(record);
  if (!claims) return [{ kind: 'mismatch', why: 'two constants differ' }];
  if (claims.length === 0) return [];
  const own = [...record.removed, ...record.added, ...record.changed.map(({ after }) => after)];
  if (own.some(({ node }) => randomness(node) !== 'unknown' && !isDeterministic(node))) {
    return [{ kind: 'uncovered', why: 'it draws random numbers' }];
  }
  const views = viewsOf(record);
  return partsOf(claims, views).map((part) => {
    const widen = (level: number): Cut => {
      const sides = expand(part, views, level);
      if (typeof sides === 'string') return { kind: 'uncovered', why: sides };
      return extractSides({ record, semantics, claims: part, scene, widen }, sides);
    };
    return widen(0);
  });
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
