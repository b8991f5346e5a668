import { attributesKey, type Graph, isDeterministic, type Model, type Node, type Pass, type Value } from '#core';

/**
 * Two nodes of the same operator, attributes and inputs become one, also when one of them stands in a body and the other in a graph
 * around it. Never for random operators, nor for nodes that hold bodies. Attributes are compared bit by bit, omitted inputs by position.
 */
export const eliminateCommonSubexpressions: Pass = {
  name: 'eliminate-common-subexpressions',
  summary: 'nodes that compute the same become one, across scopes',
  semantics: 'exact',
  run(model: Model, cx) {
    const tables = new Map<Graph, Map<string, Node>>();
    for (const graph of model.graphs()) {
      const table = new Map<string, Node>();
      tables.set(graph, table);
      for (const node of graph.topo()) {
        if (!isMergeable(model, node)) continue;
        const key = keyOf(node);
        const same = find(tables, graph, key);
        if (!same) table.set(key, node);
        else if (
          !cx.rewrite('same-node', node, (edit) =>
            same.outputs.forEach((value, i) => edit.replace(node.outputs[i]!, value)),
          )
        ) {
          table.set(key, node);
        }
      }
    }
  },
};

function isMergeable(model: Model, node: Node): boolean {
  if (node.bodies.length > 0 || !isDeterministic(node) || node.outputs.every((value) => value.uses.size === 0))
    return false;
  return !model.functions.has(`${node.domain}::${node.opType}::${node.overload}`);
}

/** A node of this graph, or one that every run of this graph's node sees done: of a graph around it. */
function find(tables: ReadonlyMap<Graph, Map<string, Node>>, graph: Graph, key: string): Node | undefined {
  for (let at: Graph | undefined = graph; at; at = at.outer) {
    const node = tables.get(at)?.get(key);
    if (node?.alive) return node;
  }
  return undefined;
}

function keyOf(node: Node): string {
  const inputs = node.inputs.map((value: Value | undefined) => value?.id ?? '');
  const outputs = node.outputs.map((value) => (value.hint === '' && value.uses.size === 0 ? 0 : 1));
  return [node.domain, node.opType, node.overload, inputs.join(), outputs.join(), attributesKey(node.attrs)].join('|');
}
