import type { Place } from '../diagnostics/diagnostic.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';

/** Where a node stands, as the user knows it: scopes from the outside in, then its name, or its operator and id. */
export function placeOf(node: Node): Place {
  return { path: `${pathOf(node.graph)}/${labelOf(node)}`, op: node.op };
}

/** The scopes around and including a graph: `main`, `main/If_7.then_branch`, or the name of a function. */
export function pathOf(graph: Graph): string {
  const parts: string[] = [];
  let at: Graph = graph;
  for (let parent = at.parent; parent; parent = at.parent) {
    const inner = at;
    const body = parent.bodies.find((each) => each.graph === inner);
    parts.push(`${labelOf(parent)}.${body?.attribute ?? ''}`);
    at = parent.graph;
  }
  parts.push(rootName(at));
  return parts.reverse().join('/');
}

function rootName(graph: Graph): string {
  if (graph.role.kind !== 'function') return 'main';
  for (const fn of graph.model.functions.values()) if (fn.graph === graph) return `${fn.domain}.${fn.name}`;
  return 'function';
}

function labelOf(node: Node): string {
  return node.name || node.origin.names[0] || `${node.opType}[${node.id}]`;
}
