import type { Graph } from './graph.js';
import type { Model } from './model.js';

/** Names of functions that call each other in a circle, if some do. O(nodes in functions). */
export function findCallCycle(model: Model): readonly string[] | undefined {
  const calls = new Map<Graph, Set<Graph>>();
  for (const fn of model.functions.values()) calls.set(fn.graph, new Set());
  for (const graph of model.graphs()) {
    let root = graph;
    while (root.outer) root = root.outer;
    for (const node of graph.nodes.values()) {
      const callee = model.functions.get(`${node.domain}::${node.opType}::${node.overload}`);
      if (callee) calls.get(root)?.add(callee.graph);
    }
  }
  for (let again = true; again;) {
    again = false;
    for (const [graph, callees] of calls) {
      if ([...callees].every((callee) => !calls.has(callee))) again = calls.delete(graph);
    }
  }
  if (calls.size === 0) return undefined;
  return [...model.functions.values()].filter((fn) => calls.has(fn.graph)).map((fn) => fn.name);
}
