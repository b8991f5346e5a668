import type { Model } from '../../src/ir/model.js';
import { importModel } from '../../src/onnx/import.js';
import { exportModel } from '../../src/onnx/export.js';
import { parseModelText } from '../../src/text/parse.js';
import { printModel } from '../../src/text/print.js';

/** The model that this ONNX text is. */
export function modelOf(text: string): Model {
  return importModel(parseModelText(text));
}

/** A model of one graph from its signature and nodes: `graphOf('(float[2] X) => (float[2] Y) { Y = Relu (X) }')`. */
export function graphOf(body: string, opset = 17): Model {
  return modelOf(`<ir_version: 9, opset_import: ["": ${opset}, "com.microsoft": 1]>\ng ${body}`);
}

/** The model as ONNX text. */
export function textOf(model: Model): string {
  return printModel(exportModel(model));
}
