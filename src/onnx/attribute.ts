import { attributeTwice } from '../diagnostics/codes/onnx.js';
import { type Place, ResonnxError } from '../diagnostics/diagnostic.js';
import type { Attribute, AttributeValue } from '../ir/attribute.js';
import type { Graph } from '../ir/graph.js';
import { create } from '../proto/create.js';
import { AttributeType } from '../proto/enums.js';
import type { AttributeProto, GraphProto } from '../proto/messages.js';
import type { Tensor } from '../tensor/tensor.js';
import { exportTensor } from './export-tensor.js';
import { type ExternalFiles, importTensor } from './tensor.js';

type Kind = Exclude<AttributeValue['type'], 'REFERENCE'>;

const KIND_BY_NUMBER: ReadonlyMap<number, Kind> = new Map(
  Object.entries(AttributeType).flatMap(([name, number]) => (name === 'UNDEFINED' ? [] : [[number, name as Kind]])),
);

/** What reading attributes needs from the reader of graphs. */
export interface AttributeContext {
  readonly at: Place;
  readonly files: ExternalFiles | undefined;
  /** Makes the graph of a body; its contents may be filled in later. */
  readonly body: (proto: GraphProto, attribute: string) => Graph;
}

/** The attributes of a node by name. @throws ResonnxError `onnx/attribute-twice` and those of its tensors */
export function importAttributes(protos: readonly AttributeProto[], context: AttributeContext): Map<string, Attribute> {
  const attrs = new Map<string, Attribute>();
  for (const proto of protos) {
    const name = proto.name ?? '';
    if (attrs.has(name)) throw new ResonnxError([attributeTwice(context.at, name)]);
    attrs.set(name, { ...importAttribute(proto, context), proto });
  }
  return attrs;
}

function importAttribute(proto: AttributeProto, context: AttributeContext): AttributeValue {
  const type = KIND_BY_NUMBER.get(proto.type ?? 0) ?? inferKind(proto);
  if (proto.refAttrName) return { type: 'REFERENCE', value: proto.refAttrName, of: type };
  const tensor = (t: NonNullable<AttributeProto['t']>): Tensor => importTensor(t, context.at, context.files);
  const name = proto.name ?? '';
  switch (type) {
    case 'FLOAT':
      return { type, value: proto.f ?? 0 };
    case 'INT':
      return { type, value: proto.i ?? 0n };
    case 'STRING':
      return { type, value: proto.s ?? new Uint8Array() };
    case 'TENSOR':
      return { type, value: tensor(proto.t ?? create('TensorProto', {})) };
    case 'GRAPH':
      return { type, value: context.body(proto.g ?? create('GraphProto', {}), name) };
    case 'SPARSE_TENSOR':
      return { type, value: proto.sparseTensor ?? create('SparseTensorProto', {}) };
    case 'TYPE_PROTO':
      return { type, value: proto.tp ?? {} };
    case 'FLOATS':
      return { type, value: [...proto.floats] };
    case 'INTS':
      return { type, value: proto.ints };
    case 'STRINGS':
      return { type, value: proto.strings };
    case 'TENSORS':
      return { type, value: proto.tensors.map(tensor) };
    case 'GRAPHS':
      return { type, value: proto.graphs.map((graph, index) => context.body(graph, `${name}[${index}]`)) };
    case 'SPARSE_TENSORS':
      return { type, value: proto.sparseTensors };
    case 'TYPE_PROTOS':
      return { type, value: proto.typeProtos };
  }
}

/** Models of IR version 1 may leave the type out: it is that of the field that is set. */
function inferKind(proto: AttributeProto): Kind {
  if (proto.f !== undefined) return 'FLOAT';
  if (proto.i !== undefined) return 'INT';
  if (proto.s !== undefined) return 'STRING';
  if (proto.t) return 'TENSOR';
  if (proto.g) return 'GRAPH';
  if (proto.floats.length > 0) return 'FLOATS';
  if (proto.strings.length > 0) return 'STRINGS';
  if (proto.tensors.length > 0) return 'TENSORS';
  if (proto.graphs.length > 0) return 'GRAPHS';
  return 'INTS';
}

/** The message of an attribute: the one that it was read from unless it holds graphs. */
export function exportAttribute(name: string, attr: Attribute, body: (graph: Graph) => GraphProto): AttributeProto {
  if (attr.type === 'GRAPH') return create('AttributeProto', { ...shell(name, attr), g: body(attr.value) });
  if (attr.type === 'GRAPHS') return create('AttributeProto', { ...shell(name, attr), graphs: attr.value.map(body) });
  return attr.proto ?? create('AttributeProto', { ...shell(name, attr), ...fields(attr) });
}

function shell(name: string, attr: Attribute): Partial<AttributeProto> {
  return attr.proto ?? { name, type: AttributeType[attr.type === 'REFERENCE' ? attr.of : attr.type] };
}

function fields(attr: AttributeValue): Partial<AttributeProto> {
  switch (attr.type) {
    case 'FLOAT':
      return { f: Math.fround(attr.value) };
    case 'INT':
      return { i: attr.value };
    case 'STRING':
      return { s: attr.value };
    case 'TENSOR':
      return { t: exportTensor(attr.value) };
    case 'SPARSE_TENSOR':
      return { sparseTensor: attr.value };
    case 'TYPE_PROTO':
      return { tp: attr.value };
    case 'FLOATS':
      return { floats: Float32Array.from(attr.value) };
    case 'INTS':
      return { ints: attr.value };
    case 'STRINGS':
      return { strings: attr.value };
    case 'TENSORS':
      return { tensors: attr.value.map((tensor) => exportTensor(tensor)) };
    case 'SPARSE_TENSORS':
      return { sparseTensors: attr.value };
    case 'TYPE_PROTOS':
      return { typeProtos: attr.value };
    case 'REFERENCE':
      return { refAttrName: attr.value };
    case 'GRAPH':
    case 'GRAPHS':
      return {};
  }
}
