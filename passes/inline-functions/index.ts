import { type Fn, type Graph, type Model, type Node, type Pass, type PassContext } from '#core';
import { clashOf, findFunction, givesAll, inlineCall, sizeOf } from '../_shared/inline.js';

/**
 * Calls of local functions become the body of the function where this makes the model no larger: functions that are called once, or
 * whose body is one node. A body means the same outside only when its operators have the same version there.
 */
export const inlineFunctions: Pass = {
  name: 'inline-functions',
  summary: 'functions that are called once, or hold one node, are inlined',
  semantics: 'exact',
  rules: { 'inline-call': 'a call becomes the body of the function' },
  run(model: Model, cx) {
    const calls = countCalls(model);
    for (const graph of model.graphs()) {
      for (const node of graph.topo()) if (node.alive) inlineWhereSmall(model, node, calls, cx);
    }
  },
};

function countCalls(model: Model): ReadonlyMap<Fn, number> {
  const calls = new Map<Fn, number>();
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) {
      const fn = findFunction(model, node);
      if (fn) calls.set(fn, (calls.get(fn) ?? 0) + 1);
    }
  }
  return calls;
}

function inlineWhereSmall(model: Model, node: Node, calls: ReadonlyMap<Fn, number>, cx: PassContext): void {
  const fn = findFunction(model, node);
  if (!fn || fn.graph === rootOf(node.graph)) return;
  const [size, count] = [sizeOf(fn), calls.get(fn) ?? 1];
  if (count * size > count + size) return;
  const clash = clashOf(model, fn, node.graph);
  if (clash) {
    cx.decline('inline-call', node, `${clash.op} has another version inside of ${fn.name}`, 1);
    return;
  }
  if (givesAll(node, fn))
    cx.rewrite('inline-call', node, (edit) => {
      inlineCall(edit, node, fn);
    });
}

function rootOf(graph: Graph): Graph {
  let at = graph;
  while (at.outer) at = at.outer;
  return at;
}
