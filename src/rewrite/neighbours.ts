import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { Match } from '../pattern/match.js';

/** Nodes that one rewrite may bring back; more than this many around one place are left to the next run. */
const MOST = 512;

/**
 * Nodes at which a rule may find something new once this match is rewritten: those at most `depth` steps below the root or below a
 * value that loses a use, and the nodes that make these values. To be asked before the rewrite. O(number of nodes found).
 */
export function neighbours(match: Match, depth: number): readonly Node[] {
  const inside = new Set(match.nodes);
  const found = new Set<Node>();
  let front: Value[] = [...match.root.outputs];
  for (const node of match.nodes) {
    for (const value of node.inputs) {
      if (!value?.producer || inside.has(value.producer)) continue;
      found.add(value.producer);
      front.push(value);
    }
  }
  for (let step = 0; step < depth && front.length > 0; step++) {
    const next: Value[] = [];
    for (const value of front) {
      for (const use of value.uses) {
        if (found.size >= MOST) return [...found];
        if (use.kind !== 'input' || inside.has(use.node) || found.has(use.node)) continue;
        found.add(use.node);
        for (const output of use.node.outputs) next.push(output);
      }
    }
    front = next;
  }
  return [...found];
}
