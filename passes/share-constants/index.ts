import { contentKey, contentSample, type Graph, type Model, type Pass, type Tensor, type Value } from '#core';

/**
 * Constants of the same dtype, shape and bits become one, also across scopes: the outermost stays. −0 is not +0; a NaN is itself.
 * Only tensors that have a twin in dtype and shape are read, and only those that look alike are compared in full.
 */
export const shareConstants: Pass = {
  name: 'share-constants',
  summary: 'constants with the same content become one, across scopes',
  semantics: 'exact',
  run(model: Model, cx) {
    const twins = countBy(constantsOf(model), shapeKey);
    const isTwin = (tensor: Tensor): boolean => (twins.get(shapeKey(tensor)) ?? 0) > 1;
    const alike = countBy(constantsOf(model).filter(isTwin), contentSample);
    const tables = new Map<Graph, Map<string, Value>>();
    for (const graph of model.graphs()) {
      const table = new Map<string, Value>();
      tables.set(graph, table);
      for (const value of [...graph.initializers].sort((a, b) => a.id - b.id)) {
        const tensor = value.constant;
        if (!tensor || !isTwin(tensor) || value.isGraphOutput) continue;
        if ((alike.get(contentSample(tensor)) ?? 0) < 2) continue;
        const key = contentKey(tensor);
        const same = find(tables, graph, key);
        if (!same) table.set(key, value);
        else if (!cx.rewrite('same-constant', graph, (edit) => edit.replace(value, same))) table.set(key, value);
      }
    }
  },
};

const shapeKey = (tensor: Tensor): string => `${tensor.dtype}[${tensor.shape.join()}]`;

function constantsOf(model: Model): Tensor[] {
  const found: Tensor[] = [];
  for (const graph of model.graphs()) {
    for (const { constant } of graph.initializers) if (constant) found.push(constant);
  }
  return found;
}

function countBy(tensors: readonly Tensor[], keyOf: (tensor: Tensor) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const tensor of tensors) {
    const key = keyOf(tensor);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

function find(tables: ReadonlyMap<Graph, Map<string, Value>>, graph: Graph, key: string): Value | undefined {
  for (let at: Graph | undefined = graph; at; at = at.outer) {
    const value = tables.get(at)?.get(key);
    if (value && at.initializers.has(value)) return value;
  }
  return undefined;
}
