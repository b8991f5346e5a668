import type { Model } from '../../src/ir/model.js';
import type { Shape } from '../../src/ir/type.js';
import type { Value } from '../../src/ir/value.js';
import { showType } from '../../src/shape/fact.js';
import { inferTypes, type Types } from '../../src/shape/types.js';
import { modelOf } from './model.js';

/** The head of a model in ONNX text. */
export const HEAD = '<ir_version: 9, opset_import: ["": 17]>';

/** The value of this name in any graph of the model. */
export function anyValue(model: Model, name: string): Value {
  for (const graph of model.graphs()) {
    for (const slot of graph.inputs) if (slot.name === name) return slot.value;
    for (const node of graph.nodes.values()) for (const value of node.outputs) if (value.hint === name) return value;
  }
  throw new Error(`no value is named ${name}`);
}

/** Inferred types of a model in ONNX text, and how messages show them by the name of a value. */
export function typesOf(
  text: string,
  shapes?: Record<string, Shape>,
): { readonly types: Types; shown(name: string): string } {
  const model = modelOf(text);
  const types = inferTypes(model, shapes && { shapes: new Map(Object.entries(shapes)) });
  return { types, shown: (name) => showType(types.of(anyValue(model, name))) };
}

/** The inferred type of one value of a model in ONNX text. */
export const shown = (text: string, name: string): string => typesOf(text).shown(name);
