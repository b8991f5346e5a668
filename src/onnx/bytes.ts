import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Encoded } from '../proto/encoded.js';
import type { ModelProto } from '../proto/messages.js';
import { encodeModel } from '../proto/model.js';
import { exportModel } from './export.js';
import { dataFinder, relocate } from './externalize.js';

/** A model encoded with all weights inside; weights in files are copied from there only when the bytes are asked for. */
export function encodeWhole(model: Model): Encoded {
  return encodeModel(whole(model));
}

/** Like {@link encodeWhole}, with the nodes of the main graph without names: runtimes refuse a name that occurs twice. */
export function encodeNameless(model: Model): Encoded {
  const proto = whole(model);
  const { graph } = proto;
  return encodeModel(
    graph ? { ...proto, graph: { ...graph, node: graph.node.map((node) => ({ ...node, name: '' })) } } : proto,
  );
}

function whole(model: Model): ModelProto {
  return relocate(exportModel(model), { kind: 'none' }, dataFinder(tensorsOf(model))).model;
}
