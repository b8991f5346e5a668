import { contradicts, type Graph, type Model, type Pass, type PassContext } from '#core';

/**
 * Types declared for values between nodes that contradict what the operators give (`value_info` that somebody forgot to update) are
 * replaced by what these give. Declared types of the interface stay, and what is merely less than is known stays as well.
 */
export const correctTypes: Pass = {
  name: 'correct-types',
  summary: 'replace declared types that contradict the operators',
  semantics: 'exact',
  rules: { 'declared-type': 'a value declared with another type than its operator gives' },
  run(model: Model, cx) {
    for (const graph of model.graphs()) correct(graph, cx);
  },
};

function correct(graph: Graph, cx: PassContext): void {
  for (const node of graph.nodes.values()) {
    for (const value of node.outputs) {
      const inferred = cx.types.of(value);
      if (!inferred || !value.type || !contradicts(inferred, value.type)) continue;
      if (value.isGraphOutput) cx.decline('declared-type', node, `"${value.hint}" is an output of its graph`);
      else cx.rewrite('declared-type', node, (edit) => edit.graph.setType(value, inferred));
    }
  }
}
