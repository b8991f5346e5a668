import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';

/** Whether `target` depends on `source`, through inputs and through what bodies capture; a value depends on itself. O(edges). */
export function dependsOn(target: Value, source: Value): boolean {
  const seen = new Set<Node>();
  const stack: Value[] = [target];
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (value === source) return true;
    const node = value.producer ?? bodyHolder(value);
    if (!node || seen.has(node)) continue;
    seen.add(node);
    for (const input of [...node.inputs, ...capturedValues(node)]) if (input) stack.push(input);
  }
  return false;
}

/** An input of a body depends on what the node that holds the body reads. */
function bodyHolder(value: Value): Node | undefined {
  return value.def.kind === 'input' ? value.graph.parent : undefined;
}

/**
 * Nodes of the value's graph on some path from `source` to `target`, in dependency order; empty when `target` does not depend on
 * `source`. O(nodes + edges).
 */
export function nodesBetween(source: Value, target: Value): readonly Node[] {
  const { graph } = target;
  const reaches = new Set<Value>([source]);
  const down: Node[] = [];
  for (const node of graph.topo()) {
    const reads = [...node.inputs, ...capturedValues(node)].some((input) => input !== undefined && reaches.has(input));
    if (!reads) continue;
    down.push(node);
    for (const output of node.outputs) if (output !== source) reaches.add(output);
  }
  const needed = new Set<Value>([target]);
  const between: Node[] = [];
  for (const node of down.reverse()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    between.push(node);
    for (const input of [...node.inputs, ...capturedValues(node)]) if (input && reaches.has(input)) needed.add(input);
  }
  return between.reverse();
}
