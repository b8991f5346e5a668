import type { Attributes } from '../ir/attribute.js';
import type { Change } from '../ir/journal.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';

/** A node as it was, or is, at the moment of a rewrite: later rewrites change the node, not this. */
export interface NodeSnapshot {
  readonly node: Node;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Attributes;
  readonly outputs: readonly Value[];
}

/** What a rewrite did: enough to rebuild the region that it replaced and the one that came in its place. */
export interface RewriteRecord {
  /** 1, 2, … in the order of the run. */
  readonly number: number;
  readonly pass: string;
  readonly rule: string;
  /** Path of the root in the user's model. */
  readonly at: string;
  /** Nodes that are gone. */
  readonly removed: readonly NodeSnapshot[];
  /** Nodes that came. */
  readonly added: readonly NodeSnapshot[];
  /** Nodes that stayed with other inputs or attributes, beyond those that only read a replaced value under its new name. */
  readonly changed: readonly { readonly before: NodeSnapshot; readonly after: NodeSnapshot }[];
  /** Values that were said to be equal: wherever `from` was read, `to` is now. */
  readonly replaced: readonly { readonly from: Value; readonly to: Value }[];
}

/** Rebuilds from a list of changes what the nodes that they concern were like before, and what was replaced by what. */
export function summarize(
  changes: readonly Change[],
): Pick<RewriteRecord, 'removed' | 'added' | 'changed' | 'replaced'> {
  const before = new Map<
    Node,
    { inputs?: readonly (Value | undefined)[]; attrs?: Attributes; outputs?: readonly Value[] }
  >();
  const added = new Set<Node>();
  const removed = new Set<Node>();
  const replaced: { from: Value; to: Value }[] = [];
  for (const change of changes) {
    if (change.kind === 'add-node') added.add(change.node);
    else if (change.kind === 'erase-node') removed.add(change.node);
    else if (change.kind === 'replace-uses') replaced.push({ from: change.from, to: change.to });
    else if (change.kind === 'set-inputs' || change.kind === 'set-attributes' || change.kind === 'trim-outputs') {
      const state = before.get(change.node) ?? {};
      before.set(change.node, state);
      if (change.kind === 'set-inputs') state.inputs ??= change.before;
      else if (change.kind === 'set-attributes') state.attrs ??= change.before;
      else state.outputs ??= [...change.node.outputs, ...change.removed];
    }
  }
  const now = (node: Node): NodeSnapshot => ({
    node,
    inputs: [...node.inputs],
    attrs: node.attrs,
    outputs: [...node.outputs],
  });
  const was = (node: Node): NodeSnapshot => ({ ...now(node), ...before.get(node) });
  const stayed = [...before.keys()].filter((node) => !added.has(node) && !removed.has(node));
  const renamed = new Map(replaced.map(({ from, to }) => [from, to]));
  return {
    removed: [...removed].filter((node) => !added.has(node)).map(was),
    added: [...added].filter((node) => !removed.has(node)).map(now),
    changed: stayed
      .map((node) => ({ before: was(node), after: now(node) }))
      .filter((pair) => !onlyRenamed(pair, renamed)),
    replaced,
  };
}

function onlyRenamed(pair: { before: NodeSnapshot; after: NodeSnapshot }, renamed: ReadonlyMap<Value, Value>): boolean {
  const { before, after } = pair;
  if (before.attrs !== after.attrs || before.outputs.length !== after.outputs.length) return false;
  const follow = (value: Value | undefined): Value | undefined => {
    let at = value;
    while (at && renamed.has(at)) at = renamed.get(at);
    return at;
  };
  return (
    before.inputs.length === after.inputs.length && before.inputs.every((value, i) => follow(value) === after.inputs[i])
  );
}
