import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Encoded } from '../proto/encoded.js';
import type { ModelProto } from '../proto/messages.js';
import { encodeModel } from '../proto/model.js';
import { exportModel } from './export.js';
import type { Bytes } from '../support/bytes.js';
import { type DataPlace, dataFinder, refer, relocate } from './externalize.js';

/** A model encoded with all weights inside; weights in files are copied from there only when the bytes are asked for. */
export function encodeWhole(model: Model): Encoded {
  return encodeModel(whole(model));
}

/** How {@link encodeReferring} writes a model. */
export interface ReferringOptions {
  /** Where the data of an initializer of the main graph are; `undefined` puts them into the model. */
  readonly place?: (data: Bytes) => DataPlace | undefined;
  /** Nodes of the main graph go without their names: runtimes refuse a name that occurs twice. */
  readonly anonymous?: boolean;
}

/** Like {@link encodeWhole}, with weights that are elsewhere left there. */
export function encodeReferring(model: Model, { place, anonymous }: ReferringOptions): Encoded {
  const proto = place ? refer(whole(model), place) : whole(model);
  const { graph } = proto;
  if (!graph || !anonymous) return encodeModel(proto);
  return encodeModel({ ...proto, graph: { ...graph, node: graph.node.map((node) => ({ ...node, name: '' })) } });
}

function whole(model: Model): ModelProto {
  return relocate(exportModel(model), { kind: 'none' }, dataFinder(tensorsOf(model))).model;
}
