import { extractModel } from '../ir/extract.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import { inferTypes } from '../shape/types.js';
import { invariant } from '../support/invariant.js';

/**
 * The body of a node as a model of its own: its inputs and what it captures become inputs (constants stay constants), its outputs
 * outputs. Values and nodes keep their names.
 */
export function promoteBody(model: Model, body: Graph): Model {
  invariant(body.parent, 'only a body can be promoted');
  const types = inferTypes(model);
  const captured = capturedValues(body.parent).filter((value) => !value.constant && isReadBy(value, body));
  const own = body.inputs.map((slot) => slot.value);
  const names = new Set<string>();
  const nameOf = (value: Value): string => {
    let name = value.hint === '' ? `captured_${value.id}` : value.hint;
    while (names.has(name)) name = `${name}_`;
    names.add(name);
    return name;
  };
  const promoted = extractModel(model, {
    inputs: [...own, ...captured].map((value) => ({ value, name: nameOf(value), type: types.of(value) ?? value.type })),
    outputs: body.outputs.map(({ name, value, type }) => ({ value, name, type: types.of(value) ?? type })),
  });
  invariant(promoted, 'a body depends on its inputs and on what it captures');
  return promoted;
}

/** Whether this body, or one within it, reads the value. */
function isReadBy(value: Value, body: Graph): boolean {
  for (const use of value.uses) {
    for (let graph: Graph | undefined = use.kind === 'input' ? use.node.graph : use.graph; graph; graph = graph.outer) {
      if (graph === body) return true;
    }
  }
  return false;
}
