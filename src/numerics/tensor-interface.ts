import { copyContents, type ValueMap } from '../ir/copy.js';
import type { Graph } from '../ir/graph.js';
import { Model } from '../ir/model.js';
import type { InputSlot } from '../ir/slots.js';
import { tensorType, type TensorType, type Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import { create } from '../proto/create.js';
import { inferTypes } from '../shape/types.js';
import { DTYPES, type DType } from '../tensor/dtype.js';
import { Tensor } from '../tensor/tensor.js';

/** Elements that a sequence is made of where a caller would give one. */
const ELEMENTS = 2;

/**
 * The model with nothing but tensors going in and coming out, as runtimes want it: a sequence is put together from tensors that are
 * inputs, an optional is full; of a sequence come out its length, its first and its last element. Small integers and small floats come
 * and go as larger ones. The model itself when there is nothing to do; `undefined` when something else cannot be made. `known` has the
 * types of outputs that declare none.
 */
export function tensorInterface(model: Model, known: readonly (Type | undefined)[] = []): Model | undefined {
  const declared = [
    ...model.graph.inputs.map((slot) => slot.value.type),
    ...model.graph.outputs.map((slot, i) => slot.type ?? known[i]),
  ];
  if (declared.every((type) => type?.kind === 'tensor' && type.dtype && isPlain(type))) return model;
  const types = inferTypes(model);
  const inputs = model.graph.inputs.map((slot) => slot.value.type ?? types.of(slot.value));
  const outputs = model.graph.outputs.map((slot) => types.of(slot.value) ?? slot.type);
  if (inputs.every(isPlain) && outputs.every(isPlain)) return model;
  const whole = new Model(create('ModelProto', {}), { irVersion: model.irVersion, opsets: model.opsets });
  whole.source = model.source;
  const map: ValueMap = new Map();
  for (const [index, slot] of model.graph.inputs.entries()) {
    if (slot.value.def.kind !== 'input') continue;
    const value = makeInput(whole.graph, slot, inputs[index]);
    if (!value) return undefined;
    map.set(slot.value, value);
  }
  copyContents(model.graph, whole.graph, map);
  for (const [index, slot] of model.graph.outputs.entries()) {
    readOutput(whole.graph, slot.name, map.get(slot.value)!, outputs[index]);
  }
  for (const [key, fn] of model.functions) whole.functions.set(key, fn);
  return whole;
}

function isPlain(type: Type | undefined): boolean {
  return type === undefined || (type.kind === 'tensor' && carrierOf(type.dtype) === undefined);
}

function makeInput(graph: Graph, slot: InputSlot, type: Type | undefined): Value | undefined {
  const { name, fallback } = slot;
  if (type?.kind === 'tensor') return makeTensor(graph, { name, type, ...(fallback && { fallback }) });
  const node = (opType: string, inputs: readonly Value[]): Value =>
    graph.addNode({ opType, inputs, outputs: [`${name}.${opType}`] }).outputs[0]!;
  if (type?.kind === 'sequence') return makeSequence(graph, name, type.element);
  if (type?.kind !== 'optional') return undefined;
  const { element } = type;
  if (element?.kind === 'tensor') return node('Optional', [makeTensor(graph, { name, type: element })]);
  const sequence = element?.kind === 'sequence' ? makeSequence(graph, name, element.element) : undefined;
  return sequence && node('Optional', [sequence]);
}

/** The type in which elements that runtimes do not pass come and go; `undefined` for the others. */
function carrierOf(dtype: DType | undefined): DType | undefined {
  if (!dtype || dtype === 'bfloat16') return undefined;
  const { kind, bits } = DTYPES[dtype];
  if (kind === 'float' && bits <= 8) return 'float32';
  return bits < 8 && bits > 0 ? (kind === 'int' ? 'int8' : 'uint8') : undefined;
}

/** Named, because a value without a name that nobody reads would be no output at all. */
function cast(graph: Graph, value: Value, dtype: DType): Value {
  const outputs = [`${value.hint || 'value'}.${dtype}`];
  return graph.addNode({ opType: 'Cast', inputs: [value], outputs, attrs: { to: DTYPES[dtype].onnx } }).outputs[0]!;
}

function makeTensor(graph: Graph, slot: { name: string; type: TensorType; fallback?: Tensor }): Value {
  const { dtype } = slot.type;
  const carrier = carrierOf(dtype);
  if (!carrier || !dtype) return graph.addInput(slot);
  return cast(graph, graph.addInput({ name: slot.name, type: { ...slot.type, dtype: carrier } }), dtype);
}

function makeSequence(graph: Graph, name: string, element: Type | undefined): Value | undefined {
  if (element?.kind !== 'tensor' || !element.dtype) return undefined;
  const type: TensorType = element.shape ? element : tensorType(element.dtype, [2, 3]);
  const inputs = Array.from({ length: ELEMENTS }, (_, i) => makeTensor(graph, { name: `${name}[${i}]`, type }));
  return graph.addNode({ opType: 'SequenceConstruct', inputs, outputs: [`${name}.sequence`] }).outputs[0]!;
}

function readOutput(graph: Graph, name: string, value: Value, type: Type | undefined): void {
  const add = (suffix: string, opType: string, inputs: readonly Value[]): Value => {
    const made = graph.addNode({ opType, inputs }).outputs[0]!;
    if (suffix !== '') graph.addOutput({ name: `${name}${suffix}`, value: made });
    return made;
  };
  if (type?.kind === 'sequence') {
    const at = (index: number): Value => graph.addInitializer(Tensor.int64([], [index]));
    add('.length', 'SequenceLength', [value]);
    add('[0]', 'SequenceAt', [value, at(0)]);
    add('[-1]', 'SequenceAt', [value, at(-1)]);
  } else if (type?.kind === 'optional') {
    add('.present', 'OptionalHasElement', [value]);
    readOutput(graph, name, add('', 'OptionalGetElement', [value]), type.element);
  } else {
    const carrier = type?.kind === 'tensor' ? carrierOf(type.dtype) : undefined;
    graph.addOutput({ name, value: carrier ? cast(graph, value, carrier) : value });
  }
}
