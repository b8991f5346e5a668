import { contentKey } from '../analysis/content.js';
import { isDeterministic } from '../analysis/training.js';
import type { NodeView } from '../ir/extract.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import type { NodeSnapshot, RewriteRecord } from '../rewrite/record.js';
import { constantOf } from '../schema/constant.js';
import { isOp } from '../schema/read.js';
import type { Tensor } from '../tensor/tensor.js';

/** Two values that a rewrite says are equal, each on its side; the same value where a node stayed with other inputs. */
export interface Claim {
  readonly before: Value;
  readonly after: Value;
}

/** What nodes are taken to be on one side. */
export interface Views {
  get(node: Node): NodeView | undefined;
}

/** The nodes of a rewrite as they were and as they are. */
export interface RewriteViews {
  readonly before: ReadonlyMap<Node, NodeView>;
  readonly after: ReadonlyMap<Node, NodeView>;
  /** Those that came with it. */
  readonly made: ReadonlySet<Node>;
}

/** What to cut out for some claims. */
export interface Sides {
  readonly before: Views;
  readonly after: Views;
  readonly inputs: readonly Value[];
  /** What only the second side needs of the context: made by both, so that both ask the same of the inputs. */
  readonly extra: readonly Value[];
}

/** Largest number of nodes that are taken in addition to those of the rewrite. */
const CONTEXT = 200;

/** What somebody outside of the rewrite sees of it; nothing when two constants differ. */
export function claimsOf(record: RewriteRecord): readonly Claim[] | undefined {
  const removed = new Map(record.removed.map((shot) => [shot.node, shot]));
  const claims: Claim[] = [];
  for (const claim of seenClaims(record)) {
    const [left, right] = [passedOn(claim.before, removed), constantOf(claim.after)];
    if (!left || !right) claims.push(claim);
    else if (left !== right && contentKey(left) !== contentKey(right)) return undefined;
  }
  return claims;
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

function seenClaims(record: RewriteRecord): readonly Claim[] {
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

/** See {@link RewriteViews}. */
export function viewsOf({ removed, added, changed }: RewriteRecord): RewriteViews {
  const view = (shot: NodeSnapshot): [Node, NodeView] => [shot.node, { inputs: shot.inputs, attrs: shot.attrs }];
  return {
    before: new Map([...removed.map(view), ...changed.map((pair) => view(pair.before))]),
    after: new Map([...added.map(view), ...changed.map((pair) => view(pair.after))]),
    made: new Set(added.map(({ node }) => node)),
  };
}

/** Claims that have nodes of the rewrite in common, on either side; constants join nothing. O(nodes of the rewrite). */
export function partsOf(claims: readonly Claim[], { before, after }: RewriteViews): readonly (readonly Claim[])[] {
  const parents = claims.map((_, index) => index);
  const find = (index: number): number => {
    let at = index;
    while (parents[at] !== at) at = parents[at] = parents[parents[at]!]!;
    return at;
  };
  const owners = new Map<Node, number>();
  for (const [side, views] of [before, after].entries()) {
    const seen = new Set<Node>();
    for (const [index, claim] of claims.entries()) {
      const stack = [side === 0 ? claim.before : claim.after];
      for (let value = stack.pop(); value; value = stack.pop()) {
        const node = value.producer;
        const view = node && views.get(node);
        if (!node || !view || constantOf(value)) continue;
        const owner = owners.get(node);
        if (owner === undefined) owners.set(node, index);
        else join(parents, find(owner), find(index));
        if (seen.has(node)) continue;
        seen.add(node);
        for (const input of [...view.inputs, ...capturedValues(node)]) if (input) stack.push(input);
      }
    }
  }
  const parts = new Map<number, Claim[]>();
  for (const [index, claim] of claims.entries()) {
    const root = find(index);
    const part = parts.get(root);
    if (part) part.push(claim);
    else parts.set(root, [claim]);
  }
  return [...parts.values()];
}

/** The one that comes first stands for both. */
function join(parents: number[], a: number, b: number): void {
  parents[Math.max(a, b)] = Math.min(a, b);
}

/** Adds context until what the second side reads is known to the first one as well, then `level` steps more; or says why not. */
export function expand(claims: readonly Claim[], own: RewriteViews, level: number): Sides | string {
  const context = new Map<Node, NodeView>();
  const before: Views = { get: (node) => own.before.get(node) ?? context.get(node) };
  const after: Views = { get: (node) => own.after.get(node) ?? context.get(node) };
  const [olds, news] = [claims.map((claim) => claim.before), claims.map((claim) => claim.after)];
  const take = (value: Value): boolean => {
    const node = value.producer;
    if (!node || after.get(node) || before.get(node) || !isDeterministic(node)) return false;
    context.set(node, { inputs: [...node.inputs], attrs: node.attrs });
    return true;
  };
  for (const end of [...olds, ...news]) if (!constantOf(end)) take(end);
  for (let left = level; ;) {
    if (context.size > CONTEXT) return 'it rests on too many nodes';
    const [known, read] = [boundary(olds, before), boundary(news, after)];
    const unknown = [...read].filter((value) => !known.has(value) && value.producer);
    const above = [...known].filter((value) => !read.has(value) && dependsOn(value, unknown));
    const lacking = above.length > 0 ? above : unknown;
    if (lacking.filter(take).length > 0) continue;
    const grown = left-- > 0 ? [...known].filter(take).length > 0 : false;
    if (grown) continue;
    const extra = contextOf(news, after).filter(({ producer }) => !own.made.has(producer!) && context.has(producer!));
    return { before, after, inputs: [...new Set([...known, ...read])], extra };
  }
}

/** Values that these nodes make on the way to the roots. */
export function contextOf(roots: readonly Value[], views: Views): Value[] {
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
