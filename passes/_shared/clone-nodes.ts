import type { Edit, Node, Value } from '#core';

/**
 * Copies nodes of one graph, in dependency order, next to where they are. `map` gives what stands for values from outside of them, and
 * receives the values of the copies; what it does not know is read by the copies as well. Gives `false`, with nothing copied, when a node holds bodies.
 */
export function cloneNodes(edit: Edit, nodes: readonly Node[], map: Map<Value, Value>): boolean {
  if (nodes.some((node) => node.bodies.length > 0)) return false;
  for (const node of nodes) {
    const copy = edit.graph.addNode({
      opType: node.opType,
      domain: node.domain,
      overload: node.overload,
      name: node.name,
      inputs: node.inputs.map((value) => value && (map.get(value) ?? value)),
      outputs: node.outputs.map((value) => value.hint),
      attrs: node.attrs,
      origin: node.origin,
      near: node,
    });
    node.outputs.forEach((value, index) => map.set(value, copy.outputs[index]!));
  }
  return true;
}
