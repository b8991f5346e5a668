import type { Node } from '#core';

/** Nodes that nothing would need any more without this one, itself included. Big cones end early. */
export function exclusiveCone(node: Node): readonly Node[] {
  const cone = new Set([node]);
  for (const each of cone) {
    if (cone.size > 32) break;
    for (const input of each.inputs) {
      const producer = input?.producer;
      if (!producer || cone.has(producer) || producer.graph !== node.graph) continue;
      const isExclusive = producer.outputs.every((output) =>
        [...output.uses].every((use) => use.kind === 'input' && cone.has(use.node)),
      );
      if (isExclusive) cone.add(producer);
    }
  }
  return [...cone];
}
