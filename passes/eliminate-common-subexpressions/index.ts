import {
  type Attribute,
  type Attributes,
  contentKey,
  type Graph,
  isDeterministic,
  type Model,
  type Node,
  type Pass,
  type Tensor,
  type Value,
} from '#core';

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

function attributesKey(attrs: Attributes): string {
  return [...attrs]
    .map(([name, attr]) => `${name}=${attributeKey(attr)}`)
    .sort()
    .join(';');
}

/** Floats by their bits: −0 is not +0, and a NaN is itself. */
function attributeKey(attr: Attribute): string {
  switch (attr.type) {
    case 'FLOAT':
      return `f${bits([attr.value])}`;
    case 'FLOATS':
      return `F${bits(attr.value)}`;
    case 'STRING':
      return `s${attr.value.join()}`;
    case 'STRINGS':
      return `S${attr.value.map((text) => text.join()).join('/')}`;
    case 'TENSOR':
      return `t${contentKey(attr.value)}`;
    case 'TENSORS':
      return `T${attr.value.map((tensor: Tensor) => contentKey(tensor)).join('/')}`;
    case 'INT':
    case 'REFERENCE':
      return `${attr.type}${attr.value}`;
    case 'INTS':
      return `I${attr.value.join()}`;
    default:
      return `${attr.type}${JSON.stringify(attr.proto, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))}`;
  }
}

const bits = (values: readonly number[]): string => new Uint32Array(Float32Array.from(values).buffer).join();
