import { expect, test } from '@jest/globals';
import { importModel } from '../../src/onnx/import.js';
import type { ModelProto } from '../../src/proto/messages.js';
import { showType } from '../../src/shape/fact.js';
import { inferTypes } from '../../src/shape/types.js';
import { parseModelText } from '../../src/text/parse.js';

export interface Inferred {
  /** Types of all values that nodes of the main graph make, as messages show them, by name. */
  readonly types: Readonly<Record<string, string>>;
  /** Codes and messages of what contradicts. */
  readonly problems: readonly string[];
}

const DOMAINS = [
  ...['com.microsoft', 'ai.onnx.preview', 'ai.onnx.preview.training', 'com.microsoft.nchwc'].map((name) => [name, 1]),
  ['com.ms.internal.nhwc', 19],
  ['ai.onnx.ml', 5],
] as const;

/** A model of nodes in ONNX text over the inputs `inputs` (`float[n, 3] x, int64 k`), without outputs, at an opset of the default domain. */
export function modelOf(inputs: string, nodes: string, opset = 22): ModelProto {
  const imports = [['', opset] as const, ...DOMAINS].map(([domain, version]) => `"${domain}": ${version}`);
  return parseModelText(`<ir_version: 10, opset_import: [${imports.join(', ')}]>\ng (${inputs}) => () {\n${nodes}\n}`);
}

/** Infers the nodes of {@link modelOf}. */
export function infer(inputs: string, nodes: string, opset?: number): Inferred {
  const model = importModel(modelOf(inputs, nodes, opset));
  const inferred = inferTypes(model);
  const types: Record<string, string> = {};
  for (const node of model.graph.topo()) {
    for (const value of node.outputs) types[value.hint] = showType(inferred.of(value));
  }
  return { types, problems: inferred.diagnostics.map(({ code, message }) => `${code}: ${message}`) };
}

/** A row of a table of cases: what it is about, inputs, nodes, the expected types of values by name, opset. */
export type InferCase = readonly [
  about: string,
  inputs: string,
  nodes: string,
  expected: Readonly<Record<string, string>>,
  opset?: number,
];

/** A test per case: exactly the expected types, and nothing that contradicts. */
export function testCases(cases: readonly InferCase[]): void {
  for (const [about, inputs, nodes, expected, opset] of cases) {
    test(about, () => expect(infer(inputs, nodes, opset)).toEqual({ types: expected, problems: [] }));
  }
}
