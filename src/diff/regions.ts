import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { counts, type Matching } from './matching.js';

/** Nodes of the first model that are gone, with the nodes of the second that stand in their place; either may be empty. */
export interface Region {
  readonly removed: readonly Node[];
  readonly added: readonly Node[];
}

/** A value that more nodes than these read joins what it feeds no more than a mask joins the layers of a network. */
const MOST_READERS = 4;

/** Sets of nodes that grow together. */
class Groups {
  readonly #parents = new Map<Node, Node>();

  root(node: Node): Node {
    let at = node;
    for (let up = this.#parents.get(at); up; up = this.#parents.get(at)) {
      const above = this.#parents.get(up);
      if (above) this.#parents.set(at, above);
      at = up;
    }
    return at;
  }

  join(first: Node, second: Node): void {
    const [a, b] = [this.root(first), this.root(second)];
    if (a !== b) this.#parents.set(b, a);
  }
}

/** Nodes without a counterpart, in connected pieces; pieces of both models that feed the same place belong together. */
export function regionsOf(first: Graph, second: Graph, matching: Matching): readonly Region[] {
  const groups = new Groups();
  const looseIn = (graph: Graph): readonly Node[] => graph.topo().filter((node) => counts(node) && !matching.has(node));
  const loose = [looseIn(first), looseIn(second)] as const;
  const all = new Set(loose.flat());
  const free = (value: Value | undefined): Node | undefined =>
    value?.producer && all.has(value.producer) ? value.producer : undefined;
  for (const node of all) {
    for (const input of node.inputs) {
      const producer = free(input);
      if (producer && input!.uses.size <= MOST_READERS) groups.join(producer, node);
    }
  }
  const joinPlace = (left: Value | undefined, right: Value | undefined): void => {
    const [a, b] = [free(left), free(right)];
    if (a && b) groups.join(a, b);
  };
  for (const node of first.nodes.values()) {
    const other = matching.pairs.get(node);
    if (other) for (const pair of matching.slots(node, other)) joinPlace(pair.first, pair.second);
  }
  for (const slot of first.outputs) {
    joinPlace(slot.value, second.outputs.find(({ name }) => name === slot.name)?.value);
  }
  return collect(groups, loose);
}

function collect(groups: Groups, [removed, added]: readonly [readonly Node[], readonly Node[]]): readonly Region[] {
  const regions = new Map<Node, { readonly removed: Node[]; readonly added: Node[] }>();
  const regionOf = (node: Node): { readonly removed: Node[]; readonly added: Node[] } => {
    const root = groups.root(node);
    let region = regions.get(root);
    if (!region) regions.set(root, (region = { removed: [], added: [] }));
    return region;
  };
  for (const node of removed) regionOf(node).removed.push(node);
  for (const node of added) regionOf(node).added.push(node);
  return [...regions.values()];
}
