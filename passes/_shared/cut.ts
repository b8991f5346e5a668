/** A member of an edge: a node that may be on either side, by its number; or one whose side is given. */
export type Member = number | 'permuted' | 'original';

const FAR = 1 << 30;

/**
 * Divides `count` nodes into two sides so that the fewest edges have members on both: the nodes on the permuted side, as few as the
 * least number of divided edges allows, and that number. An edge counts once however many members it has (Lawler 1973: two vertices an edge, cut by
 * maximum flow). O(edges · size) for a result of few divided edges.
 */
export function divide(
  count: number,
  edges: readonly (readonly Member[])[],
): { readonly permuted: ReadonlySet<number>; readonly divided: number } {
  const flow = new Flow(2 + count + 2 * edges.length);
  edges.forEach((members, at) => {
    const enter = 2 + count + 2 * at;
    flow.connect(enter, enter + 1, 1);
    for (const member of members) {
      const vertex = member === 'permuted' ? 0 : member === 'original' ? 1 : 2 + member;
      flow.connect(vertex, enter, FAR);
      flow.connect(enter + 1, vertex, FAR);
    }
  });
  let divided = 0;
  while (flow.augment(0, 1)) divided++;
  const reached = flow.reachable(0);
  const permuted = new Set<number>();
  for (let node = 0; node < count; node++) if (reached.has(2 + node)) permuted.add(node);
  return { permuted, divided };
}

/** A network whose bottleneck edges carry 1, so that every augmenting path carries 1. */
class Flow {
  readonly #out: number[][];
  readonly #to: number[] = [];
  readonly #left: number[] = [];

  constructor(vertices: number) {
    this.#out = Array.from({ length: vertices }, () => []);
  }

  connect(from: number, to: number, capacity: number): void {
    this.#out[from]!.push(this.#to.push(to) - 1);
    this.#left.push(capacity);
    this.#out[to]!.push(this.#to.push(from) - 1);
    this.#left.push(0);
  }

  augment(source: number, sink: number): boolean {
    const arrivedBy = this.#search(source, sink);
    if (!arrivedBy.has(sink)) return false;
    for (let at = sink; at !== source;) {
      const edge = arrivedBy.get(at)!;
      this.#left[edge]! -= 1;
      this.#left[edge ^ 1]! += 1;
      at = this.#to[edge ^ 1]!;
    }
    return true;
  }

  reachable(source: number): ReadonlyMap<number, number> {
    return this.#search(source, -1);
  }

  #search(source: number, sink: number): Map<number, number> {
    const arrivedBy = new Map([[source, -1]]);
    for (const [vertex] of arrivedBy) {
      if (vertex === sink) break;
      for (const edge of this.#out[vertex]!) {
        const next = this.#to[edge]!;
        if (this.#left[edge]! > 0 && !arrivedBy.has(next)) arrivedBy.set(next, edge);
      }
    }
    return arrivedBy;
  }
}
