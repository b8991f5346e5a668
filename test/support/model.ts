import type { Model } from '../../src/ir/model.js';
import type { Node } from '../../src/ir/node.js';
import type { Value } from '../../src/ir/value.js';
import { importModel } from '../../src/onnx/import.js';
import { exportModel } from '../../src/onnx/export.js';
import { encodeModel } from '../../src/proto/model.js';
import { parseModelText } from '../../src/text/parse.js';
import { printModel } from '../../src/text/print.js';

/** The IR of a model in ONNX text. */
export function modelOf(text: string): Model {
  return importModel(parseModelText(text));
}

/** A model of one graph: `graphOf('(float[2] X) => (float[2] Y) { Y = Relu (X) }')`. */
export function graphOf(body: string, opset = 17): Model {
  return modelOf(`<ir_version: 9, opset_import: ["": ${opset}, "com.microsoft": 1]>\ng ${body}`);
}

/** ONNX text of what a model is emitted as. */
export function textOf(model: Model): string {
  return printModel(exportModel(model));
}

/** Bytes of what a model is emitted as. */
export function bytesOf(model: Model): Uint8Array {
  return encodeModel(exportModel(model)).toBytes();
}

/** The only node of this operator in the main graph. */
export function nodeOf(model: Model, opType: string): Node {
  const found = [...model.graph.nodes.values()].filter((node) => node.opType === opType);
  if (found.length !== 1) throw new Error(`${found.length} nodes are ${opType}`);
  return found[0]!;
}

/** The value of this name in the main graph. */
export function valueOf(model: Model, name: string): Value {
  for (const slot of model.graph.inputs) if (slot.name === name) return slot.value;
  for (const value of model.graph.initializers) if (value.hint === name) return value;
  for (const node of model.graph.nodes.values())
    for (const value of node.outputs) if (value.hint === name) return value;
  throw new Error(`no value is named ${name}`);
}
