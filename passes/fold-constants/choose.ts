import type { Graph, Node, Value } from '#core';

/** Values to compute, and the bytes by which the model grows when they are. */
export interface Folds {
  readonly values: readonly Value[];
  readonly growth: number;
}

/** Results up to this many bytes are folded without asking: the node that they replace takes as much in the file. */
const SMALL = 64;

/**
 * Picks which values of `nodes` to compute so that the model grows by at most `budget` bytes. Nodes that share constants are
 * decided together: where their results are larger than the constants that become free, the node whose result is largest
 * stays, and what feeds it is computed instead.
 */
export function chooseFolds(
  graph: Graph,
  nodes: ReadonlySet<Node>,
  sizeOf: (value: Value) => number,
  budget: number,
): Folds {
  const values: Value[] = [];
  let growth = 0;
  for (const group of groupsOf(graph, nodes)) {
    const folds = chooseGroup(group, sizeOf, Math.max(0, budget - growth));
    values.push(...folds.values);
    growth += Math.max(0, folds.growth);
  }
  return { values, growth };
}

function chooseGroup(group: ReadonlySet<Node>, sizeOf: (value: Value) => number, budget: number): Folds {
  const left = new Set(group);
  for (;;) {
    const values = frontierOf(left);
    if (values.length === 0) return { values, growth: 0 };
    const growth = growthOf(left, values, sizeOf);
    if (growth <= budget) return { values, growth };
    let worst = values[0]!;
    for (const value of values) if (sizeOf(value) > sizeOf(worst)) worst = value;
    left.delete(worst.producer!);
  }
}

/** Values of these nodes that something else reads. */
function frontierOf(nodes: ReadonlySet<Node>): Value[] {
  const values: Value[] = [];
  for (const node of nodes) {
    for (const value of node.outputs) {
      for (const use of value.uses) {
        if (use.kind === 'input' && nodes.has(use.node)) continue;
        values.push(value);
        break;
      }
    }
  }
  return values;
}

function growthOf(nodes: ReadonlySet<Node>, values: readonly Value[], sizeOf: (value: Value) => number): number {
  const freed = new Set<Value>();
  for (const node of nodes) {
    for (const value of node.inputs) {
      if (value?.constant && [...value.uses].every((use) => use.kind === 'input' && nodes.has(use.node)))
        freed.add(value);
    }
  }
  let growth = 0;
  for (const value of values) growth += sizeOf(value) <= SMALL ? 0 : sizeOf(value);
  for (const value of freed) growth -= value.constant!.byteLength;
  return growth;
}

/** Nodes that read each other's values or the same constants, together; in graph order. */
function groupsOf(graph: Graph, nodes: ReadonlySet<Node>): readonly ReadonlySet<Node>[] {
  const groups = new Map<Node, Set<Node>>();
  const byConstant = new Map<Value, Node>();
  const join = (a: Node, b: Node): void => {
    const [one, other] = [groups.get(a)!, groups.get(b)!];
    if (one === other) return;
    const [into, from] = one.size >= other.size ? [one, other] : [other, one];
    for (const node of from) {
      into.add(node);
      groups.set(node, into);
    }
  };
  for (const node of graph.topo()) {
    if (!nodes.has(node)) continue;
    groups.set(node, new Set([node]));
    for (const value of node.inputs) {
      const other = value?.producer ?? (value && byConstant.get(value));
      if (other && groups.has(other)) join(other, node);
      else if (value?.constant) byConstant.set(value, node);
    }
  }
  return [...new Set(groups.values())];
}
