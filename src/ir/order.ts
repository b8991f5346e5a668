import { bodiesOf, type Graph } from './graph.js';
import type { Node } from './node.js';
import type { Value } from './value.js';

/** Values that the bodies of a node read from outside of these bodies, without duplicates. */
export function capturedValues(node: Node): Value[] {
  if (node.bodies.length === 0) return [];
  const bodies = new Set<Graph>(bodiesOf(node));
  const captured = new Set<Value>();
  const see = (value: Value | undefined): void => {
    if (value && !bodies.has(value.graph)) captured.add(value);
  };
  for (const body of bodies) {
    for (const inner of body.nodes.values()) inner.inputs.forEach(see);
    for (const slot of body.outputs) see(slot.value);
  }
  return [...captured];
}

/** Nodes of `graph` whose values this node needs: its inputs and what its bodies capture. */
function dependencies(node: Node, graph: Graph): Set<Node> {
  const found = new Set<Node>();
  const see = (value: Value | undefined): void => {
    const producer = value?.producer;
    if (producer && producer.graph === graph) found.add(producer);
  };
  node.inputs.forEach(see);
  capturedValues(node).forEach(see);
  return found;
}

/**
 * Kahn's algorithm with a heap: dependency order, ties by `order`, then by id, so that nodes that were read in order stay in order.
 * Gives `undefined` when the graph has a cycle. O((nodes + edges) log nodes).
 */
export function topologicalOrder(graph: Graph): readonly Node[] | undefined {
  const waiting = new Map<Node, number>();
  const readers = new Map<Node, Node[]>();
  const ready = new Heap();
  for (const node of graph.nodes.values()) {
    const needs = dependencies(node, graph);
    waiting.set(node, needs.size);
    for (const need of needs) {
      const list = readers.get(need);
      if (list) list.push(node);
      else readers.set(need, [node]);
    }
    if (needs.size === 0) ready.push(node);
  }
  const order: Node[] = [];
  for (let node = ready.pop(); node; node = ready.pop()) {
    order.push(node);
    for (const reader of readers.get(node) ?? []) {
      const left = (waiting.get(reader) as number) - 1;
      waiting.set(reader, left);
      if (left === 0) ready.push(reader);
    }
  }
  return order.length === graph.nodes.size ? order : undefined;
}

const before = (a: Node, b: Node): boolean => a.order < b.order || (a.order === b.order && a.id < b.id);

/** A binary min-heap of nodes. */
class Heap {
  readonly #items: Node[] = [];

  push(node: Node): void {
    const items = this.#items;
    let at = items.push(node) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!before(node, items[up] as Node)) break;
      items[at] = items[up] as Node;
      at = up;
    }
    items[at] = node;
  }

  pop(): Node | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (!top || !last || items.length === 0) return top;
    let at = 0;
    for (;;) {
      let down = 2 * at + 1;
      if (down >= items.length) break;
      if (down + 1 < items.length && before(items[down + 1] as Node, items[down] as Node)) down++;
      if (!before(items[down] as Node, last)) break;
      items[at] = items[down] as Node;
      at = down;
    }
    items[at] = last;
    return top;
  }
}
