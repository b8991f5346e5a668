import type { Tensor } from '../tensor/tensor.js';
import type {
  ModelProto,
  TensorProto,
  GraphProto,
  AttributeProto,
  NodeProto,
  StringStringEntryProto,
} from '../proto/messages.js';
import { create } from '../proto/create.js';
import { Encoded } from '../proto/encoded.js';
import type { Bytes } from '../support/bytes.js';
import { importTensor } from './tensor.js';

/** How weights leave: as the model has them, all inside, in one file beside it, or in files of at most `size` bytes. */
export type ExternalData =
  | { readonly kind: 'keep' }
  | { readonly kind: 'none' }
  | { readonly kind: 'file'; readonly name: string }
  | { readonly kind: 'split'; readonly name: string; readonly size: number };

/** A file of weights to write beside the model. */
export interface DataFile {
  readonly name: string;
  readonly content: Encoded;
}

interface OpenFile {
  readonly name: string;
  readonly chunks: Bytes[];
  size: number;
}

const { floatData, int32Data, stringData, int64Data, doubleData, uint64Data } = create('TensorProto', {});
const NO_TYPED_DATA = { floatData, int32Data, stringData, int64Data, doubleData, uint64Data };

/** Tensors below this many bytes stay in the model. */
const THRESHOLD = 1024;
const EXTERNAL = 1;

/** The bytes of an external tensor message; the loader keeps them with the tensor that it made of it. */
export type FindData = (proto: TensorProto) => Bytes | undefined;

/** Finds the data of external messages through the tensors that were made of them. */
export function dataFinder(tensors: Iterable<Tensor>): FindData {
  const found = new Map<string, Tensor>();
  for (const tensor of tensors) {
    if (tensor.proto?.dataLocation === EXTERNAL) found.set(placeOf(tensor.proto), tensor);
  }
  return (proto) => {
    const tensor = found.get(placeOf(proto));
    return tensor && (typeof tensor.data === 'object' && 'length' in tensor.data ? tensor.data : tensor.bytes());
  };
}

const placeOf = ({ dims, dataType, externalData }: TensorProto): string =>
  `${dataType}[${dims.join()}]${JSON.stringify(externalData.map((entry) => [entry.key, entry.value]))}`;

/** Where the bytes of a tensor are: `location` as the format has it, offset and length in bytes. */
export interface DataPlace {
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

/** The model with the initializers of its main graph where `place` says that their data are; what it gives no place stays inside. */
export function refer(model: ModelProto, place: (data: Bytes) => DataPlace | undefined): ModelProto {
  if (!model.graph) return model;
  const initializer = model.graph.initializer.map((tensor) => {
    const at = tensor.rawData && place(tensor.rawData);
    if (!at) return tensor;
    return { ...tensor, rawData: undefined, dataLocation: EXTERNAL, externalData: entriesOf(at) };
  });
  return { ...model, graph: { ...model.graph, initializer } };
}

function entriesOf({ location, offset, length }: DataPlace): StringStringEntryProto[] {
  return [
    { key: 'location', value: location },
    { key: 'offset', value: String(offset) },
    { key: 'length', value: String(length) },
  ];
}

/** The model with its weights moved as asked, and the data files to write. Other keys of external data survive. */
export function relocate(
  model: ModelProto,
  how: ExternalData,
  find: FindData,
): { model: ModelProto; files: DataFile[] } {
  if (how.kind === 'keep' || !model.graph) return { model, files: [] };
  const mover = new Mover(how, find, alignmentOf(model));
  const graph = mover.graph(model.graph);
  return {
    model: { ...model, graph },
    files: mover.files.map(({ name, chunks, size }) => ({ name, content: new Encoded(chunks, size) })),
  };
}

class Mover {
  readonly files: OpenFile[] = [];
  readonly #how: Exclude<ExternalData, { kind: 'keep' }>;
  readonly #find: FindData;
  readonly #align: number;
  readonly #placed = new Map<string, StringStringEntryProto[]>();

  constructor(how: Exclude<ExternalData, { kind: 'keep' }>, find: FindData, align: number) {
    this.#how = how;
    this.#find = find;
    this.#align = align;
  }

  graph(graph: GraphProto): GraphProto {
    return {
      ...graph,
      initializer: graph.initializer.map((tensor) => this.#tensor(tensor)),
      node: graph.node.map((node) => this.#node(node)),
    };
  }

  #node(node: NodeProto): NodeProto {
    if (!node.attribute.some((attr) => attr.t || attr.g || attr.graphs.length > 0)) return node;
    // Of tensors in attributes runtimes look for those of Constant nodes outside.
    const isConstant = node.opType === 'Constant' && (node.domain ?? '') === '';
    return { ...node, attribute: node.attribute.map((attr) => this.#attribute(attr, isConstant)) };
  }

  #attribute(attr: AttributeProto, moves: boolean): AttributeProto {
    if (attr.t && (moves || attr.t.dataLocation === EXTERNAL)) return { ...attr, t: this.#tensor(attr.t) };
    if (attr.g) return { ...attr, g: this.graph(attr.g) };
    return attr.graphs.length > 0 ? { ...attr, graphs: attr.graphs.map((graph) => this.graph(graph)) } : attr;
  }

  #tensor(tensor: TensorProto): TensorProto {
    const isExternal = tensor.dataLocation === EXTERNAL;
    const data = isExternal ? this.#find(tensor) : (tensor.rawData ?? this.#typedData(tensor));
    if (!data) return tensor;
    if (this.#how.kind === 'none' || data.length < THRESHOLD) {
      return isExternal ? { ...tensor, rawData: data, externalData: [], dataLocation: undefined } : tensor;
    }
    const others = tensor.externalData.filter(
      (entry) => !['location', 'offset', 'length', 'checksum'].includes(entry.key ?? ''),
    );
    return {
      ...tensor,
      ...NO_TYPED_DATA,
      rawData: undefined,
      dataLocation: EXTERNAL,
      externalData: [...this.#place(data, isExternal ? placeOf(tensor) : undefined), ...others],
    };
  }

  /** The elements of a typed field as external data has them; none of strings, which external data cannot hold. */
  #typedData(tensor: TensorProto): Uint8Array | undefined {
    if (this.#how.kind === 'none') return undefined;
    const typed = importTensor(tensor, { path: 'main' }, undefined);
    return typed.dtype === 'string' || typed.byteLength < THRESHOLD ? undefined : typed.bytes();
  }

  /** Tensors that shared a range go on sharing one. */
  #place(data: Bytes, shared: string | undefined): StringStringEntryProto[] {
    const known = shared === undefined ? undefined : this.#placed.get(shared);
    if (known) return known;
    const file = this.#file(data.length);
    const offset = this.#next(file);
    if (offset > file.size) file.chunks.push(new Uint8Array(offset - file.size));
    file.chunks.push(data);
    file.size = offset + data.length;
    const entries = entriesOf({ location: file.name, offset, length: data.length });
    if (shared !== undefined) this.#placed.set(shared, entries);
    return entries;
  }

  /** Where the next tensor of a file begins. */
  #next({ size }: OpenFile): number {
    return Math.ceil(size / this.#align) * this.#align;
  }

  #file(length: number): OpenFile {
    const how = this.#how as Extract<ExternalData, { name: string }>;
    const last = this.files.at(-1);
    const full = how.kind === 'split' && last !== undefined && this.#next(last) + length > how.size;
    if (last && !full) return last;
    const name = this.files.length === 0 ? how.name : `${how.name}_${this.files.length}`;
    const file: OpenFile = { name, chunks: [], size: 0 };
    this.files.push(file);
    return file;
  }
}

/** The alignment that the model's own external data keep: 4096 for those made to be mapped, else 1, so that nothing grows. */
function alignmentOf(model: ModelProto): number {
  const offsets = (model.graph?.initializer ?? [])
    .filter((tensor) => tensor.dataLocation === EXTERNAL)
    .map((tensor) => Number(tensor.externalData.find((entry) => entry.key === 'offset')?.value ?? 0));
  return offsets.length > 1 && offsets.every((offset) => offset % 4096 === 0) ? 4096 : 1;
}
