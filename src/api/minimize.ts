import { extractModel } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { inferTypes } from '../shape/types.js';

/** Times that the failure is tried again at most. */
const MOST_TRIES = 300;

/**
 * The smallest part of the main graph that is found for which `fails` still holds: nodes are left out in ever smaller groups, what they
 * made becomes an input, what nobody reads any more of what was made becomes an output. Gives the model itself when nothing can go.
 * Source: Zeller and Hildebrandt, Simplifying and isolating failure-inducing input, IEEE TSE 28 (2002), algorithm ddmin.
 */
export async function minimize(model: Model, fails: (part: Model) => Promise<boolean>): Promise<Model> {
  let kept = [...model.graph.topo()];
  let best = model;
  let tries = 0;
  for (let size = kept.length >> 1; size >= 1;) {
    let shrank = false;
    for (let at = 0; at < kept.length && tries < MOST_TRIES; at += size) {
      const fewer = [...kept.slice(0, at), ...kept.slice(at + size)];
      const part = fewer.length > 0 ? cut(model, fewer) : undefined;
      if (!part) continue;
      tries++;
      if (!(await fails(part))) continue;
      kept = fewer;
      best = part;
      shrank = true;
      at -= size;
    }
    if (tries >= MOST_TRIES) break;
    size = shrank && size <= kept.length ? size : size >> 1;
  }
  return best;
}

/** These nodes alone, with what they read from others as inputs. */
function cut(model: Model, nodes: readonly Node[]): Model | undefined {
  const own = new Set(nodes);
  const types = inferTypes(model);
  const inputs = new Map<Value, string>();
  const outputs: { value: Value; name: string; type: undefined }[] = [];
  for (const node of nodes) {
    for (const value of [...node.inputs, ...capturedValues(node)]) {
      if (!value || constantOf(value) || inputs.has(value)) continue;
      if (!value.producer || !own.has(value.producer)) inputs.set(value, value.hint || `x${inputs.size}`);
    }
    for (const value of node.outputs) {
      const inside = [...value.uses].every((use) => use.kind === 'input' && own.has(use.node));
      if (value.uses.size > 0 && !inside)
        outputs.push({ value, name: value.hint || `y${outputs.length}`, type: undefined });
    }
  }
  if (outputs.length === 0) return undefined;
  const given = [...inputs].map(([value, name]) => ({ value, name, type: types.of(value) }));
  return extractModel(model, { inputs: given, outputs });
}
