import type { Graph } from './graph.js';
import type { Node } from './node.js';

/** What the user calls a node: its name, or the name of its first output, or its operator. */
export function labelOf(node: Node): string {
  return node.name || node.outputs.find((value) => value.hint !== '')?.hint || node.op;
}

/** The place of a node as diagnostics show it: `main/If_7.then_branch/Add_12`. */
export function pathOf(node: Node): string {
  return `${graphPath(node.graph)}/${labelOf(node)}`;
}

/** The place of a graph: `main`, `domain.Function`, or that of its node with the attribute that holds it. */
export function graphPath(graph: Graph): string {
  const parts: string[] = [];
  let at: Graph | undefined = graph;
  while (at?.parent) {
    const { parent, body }: { parent: Node; body: Graph } = { parent: at.parent, body: at };
    const attribute = parent.bodies.find((held) => held.graph === body)?.attribute ?? 'body';
    parts.unshift(`${labelOf(parent)}.${attribute}`);
    at = parent.graph;
  }
  return [rootName(at ?? graph), ...parts].join('/');
}

function rootName(graph: Graph): string {
  if (graph.role.kind !== 'function') return 'main';
  for (const fn of graph.model.functions.values()) if (fn.graph === graph) return `${fn.domain}.${fn.name}`;
  return 'function';
}
