import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { changeOf, type NodeChange } from './changes.js';
import { type GraphPair, matchGraphs } from './match.js';
import { Matching } from './matching.js';
import { type Region, regionsOf } from './regions.js';
import { WeightDiff } from './weights.js';

/** How the graphs of two models differ. */
export interface StructureDiff {
  readonly matching: Matching;
  readonly changed: readonly NodeChange[];
  readonly regions: readonly Region[];
  readonly weights: WeightDiff;
}

/** Lays two models side by side, functions and bodies included. O(nodes + elements of weights) where most of the structure is kept. */
export function diffStructure(first: Model, second: Model): StructureDiff {
  const matching = new Matching();
  const weights = new WeightDiff();
  const changed: NodeChange[] = [];
  const regions: Region[] = [];
  const pending: GraphPair[] = [{ first: first.graph, second: second.graph }];
  for (const [key, fn] of first.functions) {
    const other = second.functions.get(key);
    if (other) pending.push({ first: fn.graph, second: other.graph });
  }
  for (let pair = pending.pop(); pair; pair = pending.pop()) {
    matchGraphs(pair, matching);
    for (const node of pair.first.topo()) {
      const other = matching.pairs.get(node);
      if (!other) continue;
      const change = changeOf(node, other, matching);
      if (change) changed.push(change);
      weights.compare(node, other, matching);
      pending.push(...bodyPairs(node, other));
    }
    regions.push(...regionsOf(pair.first, pair.second, matching));
  }
  return { matching, changed, regions, weights };
}

function bodyPairs(first: Node, second: Node): readonly GraphPair[] {
  return first.bodies.flatMap(({ attribute, graph }, index) => {
    const sameName = second.bodies.filter((body) => body.attribute === attribute);
    const place = first.bodies.slice(0, index).filter((body) => body.attribute === attribute).length;
    const other = sameName[place];
    return other ? [{ first: graph, second: other.graph }] : [];
  });
}
