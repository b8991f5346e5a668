import {
  cycle,
  functionCycle,
  functionTwice,
  noGraph,
  noOpType,
  valueTwice,
  valueUnknown,
} from '../diagnostics/codes/onnx.js';
import { type Diagnostic, type Place, ResonnxError } from '../diagnostics/diagnostic.js';
import { findCallCycle } from '../ir/calls.js';
import { Graph } from '../ir/graph.js';
import { functionKey, Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { create } from '../proto/create.js';
import type {
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  TensorProto,
  ValueInfoProto,
} from '../proto/messages.js';
import { normalizeDomain } from '../schema/schema.js';
import { importAttributes } from './attribute.js';
import { type ExternalFiles, importTensor } from './tensor.js';
import { importType } from './type.js';

export interface ImportOptions {
  /** What diagnostics call the model. */
  readonly file?: string;
  /** Opens external data; without it a model that has some is refused. */
  readonly external?: ExternalFiles;
}

/** Names of a graph and of the graphs around it. */
class Scope {
  readonly names = new Map<string, Value>();
  readonly outer: Scope | undefined;

  constructor(outer?: Scope) {
    this.outer = outer;
  }

  find(name: string): Value | undefined {
    for (let scope: Scope | undefined = this; scope; scope = scope.outer) {
      const value = scope.names.get(name);
      if (value) return value;
    }
    return undefined;
  }
}

/** A graph whose contents are still to be read; kept on a list, so that depth costs no stack. */
interface Pending {
  readonly graph: Graph;
  readonly proto: GraphProto;
  readonly scope: Scope;
  readonly path: string;
}

/**
 * The IR of a model. Nothing is lost: what the IR does not model stays in the messages that it keeps.
 * @throws ResonnxError with the codes of `onnx/`: the model is not valid ONNX
 */
export function importModel(proto: ModelProto, options: ImportOptions = {}): Model {
  return new Importer(proto, options).run();
}

class Importer {
  readonly #proto: ModelProto;
  readonly #options: ImportOptions;
  readonly #model: Model;
  readonly #pending: Pending[] = [];

  constructor(proto: ModelProto, options: ImportOptions) {
    this.#proto = proto;
    this.#options = options;
    this.#model = new Model(proto, {
      irVersion: Number(proto.irVersion ?? 0n),
      opsets: importOpsets(proto.opsetImport),
    });
  }

  run(): Model {
    if (!this.#proto.graph) this.#fail(noGraph(this.#at('main')));
    for (const fn of this.#proto.functions) this.#addFunction(fn);
    this.#pending.push({ graph: this.#model.graph, proto: this.#proto.graph!, scope: new Scope(), path: 'main' });
    for (let next = this.#pending.pop(); next; next = this.#pending.pop()) this.#read(next);
    for (const graph of this.#model.graphs()) this.#checkOrder(graph);
    const calls = findCallCycle(this.#model);
    if (calls) this.#fail(functionCycle(this.#at(calls[0]!), calls));
    for (const graph of this.#model.graphs()) graph.edits = 0;
    return this.#model;
  }

  #at(path: string, op?: string): Place {
    const { file } = this.#options;
    return { ...(file !== undefined && { file }), path, ...(op !== undefined && { op }) };
  }

  #fail(diagnostic: Diagnostic): never {
    throw new ResonnxError([diagnostic]);
  }

  #addFunction(proto: FunctionProto): void {
    const [domain, name, overload] = [normalizeDomain(proto.domain ?? ''), proto.name ?? '', proto.overload ?? ''];
    const key = functionKey({ domain, name, overload });
    if (this.#model.functions.has(key)) this.#fail(functionTwice(this.#at(`${domain}.${name}`), `${domain}.${name}`));
    const graph = new Graph(this.#model, { kind: 'function', opsets: importOpsets(proto.opsetImport) });
    this.#model.functions.set(key, { domain, name, overload, graph, attributes: proto.attribute, proto });
    const asValue = (text: string): ValueInfoProto => create('ValueInfoProto', { name: text });
    const { node, valueInfo, input, output } = proto;
    const body = create('GraphProto', { node, valueInfo, input: input.map(asValue), output: output.map(asValue) });
    this.#pending.push({ graph, proto: body, scope: new Scope(), path: `${domain}.${name}` });
  }

  #read({ graph, proto, scope, path }: Pending): void {
    if (graph.role.kind !== 'function') graph.proto = proto;
    this.#readInputs(graph, proto, scope, path);
    const nodes = proto.node.map((node, index) =>
      this.#addNode(graph, node, scope, `${path}/${nodeLabel(node, index)}`),
    );
    nodes.forEach((node, index) => {
      const inputs = proto.node[index]!.input.map((name) =>
        this.#resolve(name, scope, `${path}/${nodeLabel(proto.node[index]!, index)}`),
      );
      graph.setInputs(node, inputs);
    });
    for (const info of proto.output) {
      const name = info.name ?? '';
      const value = this.#resolve(name, scope, path) ?? this.#fail(valueUnknown(this.#at(path), name));
      const type = importType(info.type);
      graph.addOutput({ name, value, ...(type && { type }), info });
      if (type && value.graph === graph && value.def.kind !== 'input') graph.setType(value, type);
    }
    for (const info of proto.valueInfo) {
      const value = scope.names.get(info.name ?? '');
      if (value && value.def.kind !== 'input') graph.setType(value, importType(info.type), info);
    }
  }

  /** Constants and inputs, in the order in which each list has them. An input that is also a constant is a default from IR version 4 on. */
  #readInputs(graph: Graph, proto: GraphProto, scope: Scope, path: string): void {
    const inputs = new Map(proto.input.map((info) => [info.name ?? '', info]));
    const overridable = this.#model.irVersion >= 4;
    const fallbacks = new Map<string, TensorProto>();
    for (const tensor of proto.initializer) {
      const name = tensor.name ?? '';
      const info = inputs.get(name);
      if (info && overridable) {
        if (fallbacks.has(name)) this.#fail(valueTwice(this.#at(path), name));
        fallbacks.set(name, tensor);
        this.#define(scope, name, graph.newInputValue(name, importType(info.type)), path);
      } else this.#define(scope, name, graph.addInitializer(this.#tensor(tensor, path), name), path);
    }
    for (const sparse of proto.sparseInitializer) {
      const name = sparse.values?.name ?? '';
      this.#define(scope, name, graph.addSparseInitializer(sparse, name), path);
    }
    const listed = new Set<string>();
    for (const info of proto.input) {
      const name = info.name ?? '';
      if (listed.has(name)) this.#fail(valueTwice(this.#at(path), name));
      listed.add(name);
      const known = scope.names.get(name);
      const value = known ?? graph.newInputValue(name, importType(info.type));
      if (!known) this.#define(scope, name, value, path);
      const tensor = fallbacks.get(name);
      graph.pushInputSlot({ name, value, info, ...(tensor && { fallback: this.#tensor(tensor, path) }) });
    }
  }

  #addNode(graph: Graph, proto: NodeProto, scope: Scope, path: string): Node {
    const opType = proto.opType ?? '';
    if (opType === '') this.#fail(noOpType(this.#at(path)));
    const attrs = importAttributes(proto.attribute, {
      at: this.#at(path, opType),
      files: this.#options.external,
      body: (body, attribute) => {
        const inner = new Graph(this.#model, { kind: 'body' });
        this.#pending.push({ graph: inner, proto: body, scope: new Scope(scope), path: `${path}.${attribute}` });
        return inner;
      },
    });
    const name = proto.name ?? '';
    const spec = {
      opType,
      domain: normalizeDomain(proto.domain ?? ''),
      overload: proto.overload ?? '',
      name,
      inputs: [],
      attrs,
    };
    const node = graph.addNode(
      { ...spec, outputs: proto.output, origin: { names: name === '' ? [] : [name], rules: [] } },
      proto,
    );
    for (const output of node.outputs) if (output.hint !== '') this.#define(scope, output.hint, output, path);
    return node;
  }

  #tensor(proto: TensorProto, path: string): ReturnType<typeof importTensor> {
    return importTensor(proto, this.#at(path), this.#options.external);
  }

  #define(scope: Scope, name: string, value: Value, path: string): void {
    if (scope.names.has(name)) this.#fail(valueTwice(this.#at(path), name));
    scope.names.set(name, value);
  }

  #resolve(name: string, scope: Scope, path: string): Value | undefined {
    if (name === '') return undefined;
    return scope.find(name) ?? this.#fail(valueUnknown(this.#at(path), name));
  }

  #checkOrder(graph: Graph): void {
    if (graph.findTopo()) return;
    const names = [...graph.nodes.values()].map((node) => node.name || node.op);
    this.#fail(cycle(this.#at('main'), names.slice(0, 8)));
  }
}

/** What diagnostics call a node: its name, or its operator and place in the list. */
function nodeLabel(proto: NodeProto, index: number): string {
  return proto.name || `${proto.opType ?? ''}[${index}]`;
}

function importOpsets(imports: readonly OperatorSetIdProto[]): Map<string, number> {
  return new Map(imports.map((entry) => [normalizeDomain(entry.domain ?? ''), Number(entry.version ?? 0n)]));
}
