import type { Edit, Fn, Graph, Model, Node, OperationOptions, PassContext } from '#core';
import { clashOf, findFunction, givesAll, inlineCall, sizeOf } from '../_shared/inline.js';
import { nameOf } from './separate.js';

/** Functions that call functions can stand for very many nodes: inlining stops here. */
const MOST_NODES = 1 << 20;

/** Replaces the calls outside of functions by what they compute, as far as versions allow. Gives how many there were. */
export function inlineCalls(model: Model, cx: PassContext<OperationOptions>): number {
  let [done, size] = [0, 0];
  const declined = new Set<Node>();
  for (let calls = callsOf(model, declined); calls.length > 0; calls = callsOf(model, declined)) {
    for (const node of calls) {
      const fn = findFunction(model, node)!;
      const fits = givesAll(node, fn) && !clashOf(model, fn, node.graph) && size < MOST_NODES;
      if (!fits || !cx.rewrite('inline-call', node, (edit) => inline(edit, node, fn))) declined.add(node);
      else {
        done++;
        size += sizeOf(fn);
      }
    }
  }
  return done;
}

/** Values of the function are named after the call: names of the model stay the only ones. */
function inline(edit: Edit, node: Node, fn: Fn): void {
  const outputs = new Set(node.outputs.map((output) => output.hint));
  const call = nameOf(node);
  for (const value of inlineCall(edit, node, fn).values()) {
    const isOwn = value.producer?.graph === edit.graph && !node.inputs.includes(value) && !outputs.has(value.hint);
    if (isOwn && value.hint !== '') edit.graph.setHint(value, `${call}/${value.hint}`);
  }
}

function callsOf(model: Model, declined: ReadonlySet<Node>): readonly Node[] {
  return [...model.graphs()]
    .filter((graph) => rootOf(graph) === model.graph)
    .flatMap((graph) => graph.topo().filter((node) => findFunction(model, node) && !declined.has(node)));
}

function rootOf(graph: Graph): Graph {
  let at = graph;
  while (at.outer) at = at.outer;
  return at;
}
