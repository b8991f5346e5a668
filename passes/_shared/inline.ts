import { copyContents, type Edit, type Graph, type Value } from '#core';

/**
 * Copies nodes and constants of a body or function to where a rewrite works. `map` says what stands for its inputs and receives every
 * copied value. In a function, which has no initializers, constants become `Constant` nodes.
 */
export function copyInto(edit: Edit, from: Graph, map: Map<Value, Value>): void {
  copyContents(from, edit.graph, map, edit.root);
  if (edit.graph.role.kind !== 'function') return;
  for (const value of from.initializers) {
    const copy = map.get(value);
    if (!copy?.constant) continue;
    const node = edit.constant(copy.hint, copy.constant);
    edit.graph.replaceAllUses(copy, node);
    edit.graph.eraseInitializer(copy);
    map.set(value, node);
  }
}

/** The values that the outputs of a copied graph have where it was copied to; a captured value stands for itself. */
export function copiedOutputs(from: Graph, map: ReadonlyMap<Value, Value>): readonly Value[] {
  return from.outputs.map((slot) => map.get(slot.value) ?? slot.value);
}
