import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { isDeterministic } from './training.js';

/**
 * Whether a value is the same in every run: a constant, or computed from constants alone by deterministic operators without bodies.
 * O(nodes above it).
 */
export function isStatic(value: Value): boolean {
  const seen = new Set<Node>();
  const stack: Value[] = [value];
  for (let at = stack.pop(); at; at = stack.pop()) {
    if (at.constant) continue;
    const node = at.producer;
    if (!node || node.bodies.length > 0 || !isDeterministic(node)) return false;
    if (seen.has(node)) continue;
    seen.add(node);
    for (const input of node.inputs) if (input) stack.push(input);
  }
  return true;
}
