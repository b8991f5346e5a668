import { constantOf, isOp, type Model, type Pass } from '#core';

/**
 * `Constant` nodes become initializers, which the runtime keeps once and other passes can share and fold. Functions cannot have
 * initializers: their `Constant` nodes stay, as do sparse ones.
 */
export const liftConstants: Pass = {
  name: 'lift-constants',
  summary: 'Constant nodes become initializers',
  semantics: 'exact',
  run(model: Model, cx) {
    for (const graph of model.graphs()) {
      if (graph.role.kind === 'function') continue;
      for (const node of [...graph.nodes.values()]) {
        const [value] = node.outputs;
        const tensor = isOp(node, 'Constant') ? constantOf(value) : undefined;
        if (!value || !tensor) continue;
        cx.rewrite('lift-constant', node, (edit) => edit.replace(value, graph.addInitializer(tensor)));
      }
    }
  },
};
