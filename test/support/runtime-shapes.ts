import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { evaluate } from '../../src/dim/dim.js';
import { tensorType, type TensorType } from '../../src/ir/type.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import type { Runtime } from '../../src/numerics/runtime.js';
import { importModel } from '../../src/onnx/import.js';
import { exportType } from '../../src/onnx/type.js';
import { create } from '../../src/proto/create.js';
import type { ModelProto, ValueInfoProto } from '../../src/proto/messages.js';
import { encodeModel } from '../../src/proto/model.js';
import { inferTypes } from '../../src/shape/types.js';
import { elementCount, fromFloat64, type NumericArray } from '../../src/tensor/array.js';
import { modelOf } from './infer.js';

/** Sizes of the symbols; all different, so that exchanged axes show. */
const SIZES: ReadonlyMap<string, number> = new Map([
  ['b', 2],
  ['s', 3],
  ['l', 5],
  ['p', 7],
  ['n', 4],
  ['m', 6],
  ['h', 9],
  ['w', 11],
]);

function sizesOf({ shape = [] }: TensorType): number[] {
  return shape.map((dim) => evaluate(dim, SIZES) ?? -1);
}

/** Inputs of ones, but for those whose elements are given. */
function feedsOf(model: ModelProto, given: Readonly<Record<string, readonly number[]>>): Record<string, NumericArray> {
  const feeds: Record<string, NumericArray> = {};
  for (const { name, value } of importModel(model).graph.inputs) {
    const type = value.type as TensorType;
    const shape = sizesOf(type);
    const ones = Array.from({ length: elementCount(shape) }, () => 1);
    feeds[name] = fromFloat64(type.dtype ?? 'float32', shape, given[name] ?? ones);
  }
  return feeds;
}

/** Dtypes and sizes of all values that nodes make: as inferred with symbols and then evaluated, and as onnxruntime gives them. */
export async function bothOf(
  runtime: Runtime,
  inputs: string,
  nodes: string,
  given: Readonly<Record<string, readonly number[]>>,
  opset: number,
): Promise<readonly [inferred: Record<string, string>, real: Record<string, string>]> {
  const proto = modelOf(inputs, nodes, opset);
  const types = inferTypes(importModel(proto));
  const inferred: Record<string, string> = {};
  const output: ValueInfoProto[] = [];
  for (const node of types.model.graph.topo()) {
    for (const value of node.outputs) {
      const type = types.tensor(value);
      if (value.hint === '') continue;
      output.push(create('ValueInfoProto', { name: value.hint, type: exportType(tensorType(type?.dtype)) }));
      inferred[value.hint] = `${type?.dtype}[${type?.shape ? sizesOf(type).join(', ') : '?'}]`;
    }
  }
  const bytes = encodeModel({ ...proto, graph: { ...proto.graph!, output } }).toBytes();
  const session = await runtime.open(bytes, { optimization: 'disabled' });
  const real: Record<string, string> = {};
  for (const [name, { dtype, shape }] of Object.entries(await session.run(feedsOf(proto, given)))) {
    real[name] = `${dtype}[${shape.join(', ')}]`;
  }
  await session.release();
  return [inferred, real];
}

/** A row: what it is about, inputs and nodes in ONNX text, elements of inputs that are not ones. */
export type RuntimeCase = readonly [
  about: string,
  inputs: string,
  nodes: string,
  given?: Readonly<Record<string, readonly number[]>>,
];

/** A test per case: inference with symbols, evaluated, gives what onnxruntime gives for every value. */
export function compareAll(cases: readonly RuntimeCase[], opset = 21): void {
  let runtime: Runtime;
  beforeAll(() => {
    runtime = createOrtRuntime();
  });
  afterAll(() => runtime.close());
  for (const [about, inputs, nodes, given = {}] of cases) {
    test(about, async () => {
      const [inferred, real] = await bothOf(runtime, inputs, nodes, given, opset);
      expect(inferred).toEqual(real);
    });
  }
}
