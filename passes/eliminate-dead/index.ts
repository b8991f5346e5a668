import {
  eraseDead,
  type FunctionKey,
  functionKey,
  type Graph,
  type Model,
  type Node,
  type Pass,
  type PassContext,
  schemaOf,
  trainingMode,
} from '#core';

/**
 * Removes what no graph output needs: nodes, constants, trailing optional outputs that nothing reads, functions that nothing calls.
 * Graph inputs stay, read or not: they are the interface.
 */
export const eliminateDead: Pass = {
  name: 'eliminate-dead',
  summary: 'remove nodes, constants, optional outputs and functions that nothing needs',
  semantics: 'exact',
  rules: {
    'dead-node': 'a node whose outputs nothing reads',
    'dead-constant': 'a constant that nothing reads',
    'dead-output': 'a trailing optional output that nothing reads',
    'dead-function': 'a function that nothing calls',
  },
  run(model: Model, cx) {
    if (model.graph.outputs.length === 0) return; // nothing asks for anything: runtimes accept that, but not an empty graph
    for (const graph of [...model.graphs()].reverse()) eliminateIn(graph, cx);
    const dead = uncalled(model);
    if (dead.length > 0)
      cx.rewrite('dead-function', model.graph, () => dead.forEach((key) => model.removeFunction(key)));
  },
};

function eliminateIn(graph: Graph, cx: PassContext): void {
  for (const node of [...graph.topo()].reverse()) {
    if (!node.alive) continue;
    if (node.outputs.every(isDead)) cx.rewrite('dead-node', node, () => eraseDead(node.outputs));
    else trimOutputs(node, cx);
  }
  const unused = [...graph.initializers].filter(isDead);
  if (unused.length > 0) cx.rewrite('dead-constant', graph, () => eraseDead(unused));
}

const isDead = (value: { readonly uses: ReadonlySet<unknown> }): boolean => value.uses.size === 0;

/** An optional output that is asked for may change what an operator does: Dropout and BatchNormalization before opset 7 and 14 train then. */
function trimOutputs(node: Node, cx: PassContext): void {
  const schema = schemaOf(node);
  if (!schema || trainingMode(node) !== 'inference') return;
  const fixed = schema.outputs.filter((output) => output.option === 'Single').length;
  if (schema.outputs.some((output) => output.option === 'Variadic')) return;
  const needed = Math.max(fixed, node.outputs.findLastIndex((value) => !isDead(value)) + 1);
  if (needed < node.outputs.length) cx.rewrite('dead-output', node, () => node.graph.trimOutputs(node, needed));
}

/** Functions that neither the main graph nor a function that it needs calls. */
function uncalled(model: Model): readonly FunctionKey[] {
  const called = new Set<FunctionKey>();
  const stack: Graph[] = [model.graph];
  for (let graph = stack.pop(); graph; graph = stack.pop()) {
    for (const node of graph.nodes.values()) {
      for (const body of node.bodies) stack.push(body.graph);
      const key = functionKey({ domain: node.domain, name: node.opType, overload: node.overload });
      const fn = model.functions.get(key);
      if (!fn || called.has(key)) continue;
      called.add(key);
      stack.push(fn.graph);
    }
  }
  return [...model.functions.keys()].filter((key) => !called.has(key));
}
