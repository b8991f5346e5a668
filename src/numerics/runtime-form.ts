import type { Attribute } from '../ir/attribute.js';
import { cloneModel } from '../ir/copy.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import { tensorsOf } from '../ir/tensors.js';
import type { Type } from '../ir/type.js';
import { schemaOf } from '../schema/read.js';
import { fromFloat64, toFloat64, toRawBytes } from '../tensor/array.js';
import { DTYPES } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';
import { tensorInterface } from './tensor-interface.js';

/** The newest formats that onnxruntime reads; models beyond them are run as if they were of these where that changes nothing. */
const NEWEST = { irVersion: 13, opset: 26 } as const;

const BFLOAT16 = BigInt(DTYPES.bfloat16.onnx);
const FLOAT32 = BigInt(DTYPES.float32.onnx);

/** Attributes that name an element type by its number. */
const DTYPE_ATTRIBUTES: ReadonlySet<string> = new Set([
  'to',
  'dtype',
  'output_datatype',
  'output_dtype',
  'stash_type',
  'softmax_precision',
]);

/**
 * The model as the runtime can take it; the model itself when it can take that. bfloat16, which onnxruntime's CPU provider hardly
 * computes with, becomes float32 throughout: what two models compute is compared all the same, but for the rounding to bfloat16. IR
 * version and opset are lowered to the newest that it knows, where no operator changed in between. Inputs with a default have to be
 * given, for a caller may; see {@link tensorInterface} for what is no tensor, and for `outputs`.
 */
export function runtimeForm(given: Model, outputs?: readonly (Type | undefined)[]): Model {
  const model = tensorInterface(given, outputs) ?? given;
  const coarse = usesBfloat16(model);
  const opset = model.opsets.get('') ?? 0;
  const lower = opset > NEWEST.opset && mayLower(model);
  const defaults = hasDefaults(model);
  if (!coarse && !lower && !defaults && model.irVersion <= NEWEST.irVersion) return model;
  const copy = cloneModel(model);
  copy.source = model.source;
  copy.setIrVersion(Math.min(model.irVersion, NEWEST.irVersion));
  if (defaults) copy.graph.inputs.forEach((slot, index) => slot.fallback && copy.graph.requireInput(index));
  if (lower) copy.setOpset('', NEWEST.opset);
  if (coarse) for (const graph of [...copy.graphs()]) refine(graph);
  return copy;
}

/** Defaults beyond this stay: they are the weights of a model whose exporter lists them as inputs. */
const DEFAULT_BYTES = 16 * 2 ** 20;

function hasDefaults(model: Model): boolean {
  let bytes = 0;
  for (const { fallback } of model.graph.inputs) bytes += fallback?.byteLength ?? 0;
  return bytes > 0 && bytes <= DEFAULT_BYTES;
}

function mayLower(model: Model): boolean {
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) {
      if (node.domain === '' && (schemaOf(node)?.since ?? 0) > NEWEST.opset) return false;
    }
  }
  return true;
}

function usesBfloat16(model: Model): boolean {
  for (const tensor of tensorsOf(model)) if (tensor.dtype === 'bfloat16') return true;
  for (const graph of model.graphs()) {
    for (const slot of graph.inputs) if (isCoarse(slot.value.type)) return true;
    for (const node of graph.nodes.values()) {
      for (const [name, attr] of node.attrs) if (namesBfloat16(name, attr)) return true;
    }
  }
  return false;
}

function isCoarse(type: Type | undefined): boolean {
  return type?.kind === 'tensor' && type.dtype === 'bfloat16';
}

function namesBfloat16(name: string, attr: Attribute): boolean {
  return attr.type === 'INT' && attr.value === BFLOAT16 && DTYPE_ATTRIBUTES.has(name);
}

/** Turns bfloat16 into float32 in one graph; declarations in between are dropped. */
function refine(graph: Graph): void {
  const fine = (type: Type): Type => (isCoarse(type) ? ({ ...type, dtype: 'float32' } as Type) : type);
  graph.inputs.forEach((slot, index) => {
    if (slot.value.type && isCoarse(slot.value.type)) graph.setInputType(index, fine(slot.value.type));
  });
  graph.outputs.forEach((slot, index) => {
    if (slot.type && isCoarse(slot.type)) graph.setOutputType(index, fine(slot.type));
  });
  for (const value of [...graph.initializers]) {
    if (value.constant?.dtype !== 'bfloat16') continue;
    graph.replaceAllUses(value, graph.addInitializer(widened(value.constant), value.hint));
  }
  for (const node of [...graph.nodes.values()]) {
    for (const value of node.outputs) if (isCoarse(value.type)) graph.setType(value, undefined);
    for (const [name, attr] of node.attrs) {
      if (namesBfloat16(name, attr)) graph.setAttribute(node, name, { type: 'INT', value: FLOAT32 });
      else if (attr.type === 'TENSOR' && attr.value.dtype === 'bfloat16') {
        graph.setAttribute(node, name, { type: 'TENSOR', value: widened(attr.value) });
      }
    }
  }
}

function widened(tensor: Tensor): Tensor {
  const { shape } = tensor;
  return new Tensor('float32', shape, () => toRawBytes(fromFloat64('float32', shape, toFloat64(tensor.array()))));
}
