import p from 'onnx-proto';
import { DTYPES, type DType } from '../../src/tensor/dtype.js';

const { onnx } = p;

/** Name, dtype and dims (number, symbol, or `null` for unknown) of a graph input or output; no dims: rank unknown. */
export type TinyPort = readonly [name: string, dtype: DType, dims?: readonly (number | string | null)[]];

/** A node: operator, inputs, outputs, attributes (onnx-proto `AttributeProto` objects), domain. */
export interface TinyNode {
  readonly op: string;
  readonly in: readonly string[];
  readonly out: readonly string[];
  readonly attributes?: readonly object[];
  readonly domain?: string;
}

/** Parts of a small test model; inputs and outputs may also be onnx-proto `ValueInfoProto` objects. */
export interface TinyModel {
  readonly nodes: readonly TinyNode[];
  readonly inputs: readonly (TinyPort | object)[];
  readonly outputs: readonly (TinyPort | object)[];
  readonly initializers?: readonly object[];
  readonly opset?: number;
}

/** An onnx-proto `ValueInfoProto` object for a tensor. */
export function valueInfo([name, dtype, dims]: TinyPort): object {
  const dim = dims?.map((d) => (typeof d === 'number' ? { dimValue: d } : d === null ? {} : { dimParam: d }));
  return { name, type: { tensorType: { elemType: DTYPES[dtype].onnx, ...(dim ? { shape: { dim } } : {}) } } };
}

/** An onnx-proto `GraphProto` object. */
export function tinyGraph({ nodes, inputs, outputs, initializers = [] }: TinyModel): object {
  const port = (one: TinyPort | object): object => (Array.isArray(one) ? valueInfo(one as unknown as TinyPort) : one);
  return {
    name: 'tiny',
    node: nodes.map((node) => ({
      opType: node.op,
      input: node.in,
      output: node.out,
      attribute: node.attributes ?? [],
      domain: node.domain ?? '',
    })),
    input: inputs.map(port),
    output: outputs.map(port),
    initializer: initializers,
  };
}

/** The bytes of a small model, written by onnx-proto. */
export function tinyModel(model: TinyModel): Uint8Array {
  const message = onnx.ModelProto.fromObject({
    irVersion: 8,
    opsetImport: [
      { domain: '', version: model.opset ?? 17 },
      { domain: 'com.microsoft', version: 1 },
    ],
    graph: tinyGraph(model),
  });
  return onnx.ModelProto.encode(message).finish();
}

/** A model whose output is its input, of any dtype. */
export function identityModel(dtype: DType, dims?: readonly (number | string | null)[]): Uint8Array {
  const port = (name: string): TinyPort => (dims ? [name, dtype, dims] : [name, dtype]);
  return tinyModel({
    nodes: [{ op: 'Identity', in: ['X'], out: ['Y'] }],
    inputs: [port('X')],
    outputs: [port('Y')],
    opset: 21,
  });
}
