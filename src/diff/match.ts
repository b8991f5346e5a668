import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { Interner, type Item, itemsOf, keysAbove, keysBelow } from './keys.js';
import { isElementwise } from '../schema/traits.js';
import type { Matching } from './matching.js';
import { regionsOf } from './regions.js';
import { commonSubsequence, longestIncreasing } from './sequence.js';
import { Spread } from './spread.js';

/** Two graphs that stand in the same place. */
export interface GraphPair {
  readonly first: Graph;
  readonly second: Graph;
}

/**
 * Matches the nodes of two graphs by structure: what is computed alike from the inputs, what goes the same ways to the outputs, what
 * reads the same weights, what stands in the same order between such nodes, and from all of these to their neighbours. Names decide
 * only which graph inputs and outputs belong together. Graphs around these have to be matched before. O(nodes) where most nodes match.
 */
export function matchGraphs({ first, second }: GraphPair, matching: Matching): void {
  pairInputs(first, second, matching);
  const items = [itemsOf(first), itemsOf(second)] as const;
  const names = outsideNames(matching);
  const below = (grain: 'content' | 'form'): void => {
    const interner = new Interner();
    const left = keysBelow(items[0], grain, names[0], interner);
    const right = keysBelow(items[1], grain, names[1], interner);
    const sides = [group(items[0], left, matching), group(items[1], right, matching)] as const;
    pairGroups(...sides, matching, true);
  };
  below('content');
  const interner = new Interner();
  const [left, right] = [keysAbove(items[0], interner), keysAbove(items[1], interner)];
  pairGroups(group(items[0], left, matching), group(items[1], right, matching), matching, false);
  pairByWeights(items, matching);
  const spread = new Spread({ first, second }, items, matching);
  spread.run('alike');
  below('form');
  pairInOrder(items, matching);
  spread.run('alike');
  spread.run('operator');
  if (pairInside({ first, second }, items, matching)) spread.run('alike');
}

/** Nodes inside of pieces that were replaced, in their order: those that do more than arithmetic, of which another may consist as well. */
function pairInside(
  { first, second }: GraphPair,
  items: readonly [readonly Item[], readonly Item[]],
  matching: Matching,
): boolean {
  const known = new Map(items.flat().map((item) => [item.node, item]));
  const inner = (nodes: readonly Node[]): readonly Node[] => nodes.filter((node) => !isElementwise(node));
  const before = matching.pairs.size;
  for (const { removed, added } of regionsOf(first, second, matching)) {
    const [a, b] = [inner(removed), inner(added)];
    const texts = [a, b].map((nodes) => nodes.map((node) => known.get(node)!.local('form')));
    for (const [i, j] of commonSubsequence(texts[0]!, texts[1]!)) matching.pair(a[i]!, b[j]!);
  }
  return matching.pairs.size > before;
}

/** Inputs of one name belong together, then those of one place. */
function pairInputs(first: Graph, second: Graph, matching: Matching): void {
  const rest = new Set(second.inputs.map((_, index) => index));
  const left: number[] = [];
  for (const [index, slot] of first.inputs.entries()) {
    const at = second.inputs.findIndex(({ name }) => name === slot.name);
    if (at < 0) left.push(index);
    else if (rest.delete(at)) matching.pairInputs(slot.value, second.inputs[at]!.value);
  }
  for (const index of left) {
    if (rest.delete(index)) matching.pairInputs(first.inputs[index]!.value, second.inputs[index]!.value);
  }
}

/** Names for values from outside of a graph: equal for those that correspond. */
function outsideNames(matching: Matching): readonly [(value: Value) => string, (value: Value) => string] {
  const first = (value: Value): string => `v${value.id}`;
  const known = new Map<Value, string>(
    [...matching.inputs].map(([left, right]): readonly [Value, string] => [right, first(left)]),
  );
  for (const [left, right] of matching.pairs) {
    left.outputs.forEach((value, index) => {
      const other = right.outputs[index];
      if (other) known.set(other, first(value));
    });
  }
  return [first, (value) => known.get(value) ?? `w${value.id}`];
}

type Groups = ReadonlyMap<string | number, readonly Node[]>;

/** Nodes without a counterpart, by key. */
function group(
  items: readonly Item[],
  keys: { get(node: Node): string | number | undefined },
  matching: Matching,
): Groups {
  const groups = new Map<string | number, Node[]>();
  for (const { node } of items) {
    const key = keys.get(node);
    if (key === undefined || matching.has(node)) continue;
    const list = groups.get(key);
    if (list) list.push(node);
    else groups.set(key, [node]);
  }
  return groups;
}

/** Pairs nodes of one key in their order; groups of different size only where `uneven` allows it. */
function pairGroups(left: Groups, right: Groups, matching: Matching, uneven: boolean): void {
  for (const [key, nodes] of left) {
    const others = right.get(key) ?? [];
    if (others.length !== nodes.length && !uneven) continue;
    nodes.slice(0, others.length).forEach((node, index) => matching.pair(node, others[index]!));
  }
}

/** Nodes that read the same weights, as no other does. */
function pairByWeights(items: readonly [readonly Item[], readonly Item[]], matching: Matching): void {
  const [left, right] = items.map((list) => {
    const weighted = list.filter((item) => item.weighted !== undefined);
    const keys = new Map(weighted.map((item) => [item.node, item.local('content')]));
    return group(weighted, keys, matching);
  });
  for (const [key, nodes] of left!) {
    const others = right!.get(key) ?? [];
    if (nodes.length === 1 && others.length === 1) matching.pair(nodes[0]!, others[0]!);
  }
}

/** Nodes with weights of the same dims, in their order between nodes that are matched. */
function pairInOrder(items: readonly [readonly Item[], readonly Item[]], matching: Matching): void {
  const weighted = (list: readonly Item[]): readonly Item[] => list.filter((item) => item.weighted !== undefined);
  const [left, right] = [weighted(items[0]), weighted(items[1])];
  const places = new Map(right.map(({ node }, index) => [node, index]));
  const anchors = left.flatMap(({ node }, index) => {
    const place = places.get(matching.pairs.get(node)!);
    return place === undefined ? [] : [[index, place] as const];
  });
  const kept = longestIncreasing(anchors.map(([, place]) => place)).map((at) => anchors[at]!);
  let before: readonly [number, number] = [-1, -1];
  for (const anchor of [...kept, [left.length, right.length] as const]) {
    const free = (list: readonly Item[], side: 0 | 1): readonly Item[] =>
      list.slice(before[side] + 1, anchor[side]).filter(({ node }) => !matching.has(node));
    const [a, b] = [free(left, 0), free(right, 1)];
    const texts = [a, b].map((list) => list.map((item) => item.weighted!));
    for (const [i, j] of commonSubsequence(texts[0]!, texts[1]!)) matching.pair(a[i]!.node, b[j]!.node);
    before = anchor;
  }
}
