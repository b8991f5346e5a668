import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Encoded } from '../proto/encoded.js';
import { encodeModel } from '../proto/model.js';
import { exportModel } from './export.js';
import { dataFinder, relocate } from './externalize.js';

/** A model encoded with all weights inside; weights in files are copied from there only when the bytes are asked for. */
export function encodeWhole(model: Model): Encoded {
  return encodeModel(relocate(exportModel(model), { kind: 'none' }, dataFinder(tensorsOf(model))).model);
}
