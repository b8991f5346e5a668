import type { Tensor } from '../tensor/tensor.js';
import type { Model } from './model.js';

/** All tensors of a model: constants, defaults of inputs, attributes. */
export function* tensorsOf(model: Model): Generator<Tensor> {
  for (const graph of model.graphs()) {
    for (const value of graph.initializers) if (value.constant) yield value.constant;
    for (const slot of graph.inputs) if (slot.fallback) yield slot.fallback;
    for (const node of graph.nodes.values()) {
      for (const attr of node.attrs.values()) {
        if (attr.type === 'TENSOR') yield attr.value;
        else if (attr.type === 'TENSORS') yield* attr.value;
      }
    }
  }
}
