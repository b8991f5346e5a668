import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import type { OutputSlot } from '../ir/slots.js';
import type { Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import { create } from '../proto/create.js';
import type {
  FunctionProto,
  GraphProto,
  ModelProto,
  NodeProto,
  OperatorSetIdProto,
  StringStringEntryProto,
  TensorProto,
  ValueInfoProto,
} from '../proto/messages.js';
import { normalizeDomain } from '../schema/schema.js';
import { exportAttribute } from './attribute.js';
import { exportTensor } from './export-tensor.js';
import { Names } from './naming.js';
import { exportType } from './type.js';

export interface ExportOptions {
  /** Writes into each new node's metadata which of the user's nodes and which rules it came from. */
  readonly provenance?: boolean;
}

/**
 * The message of a model. An untouched model gives the message that it was read from, with the same order and names; an edited
 * graph is sorted by dependencies. Elements of tensors are not read.
 */
export function exportModel(model: Model, options: ExportOptions = {}): ModelProto {
  return new Exporter(model, options).model();
}

class Exporter {
  readonly #model: Model;
  readonly #options: ExportOptions;
  readonly #names: Names;
  readonly #nodeNames = new Set<string>();

  constructor(model: Model, options: ExportOptions) {
    this.#model = model;
    this.#options = options;
    this.#names = new Names(model);
    for (const graph of model.graphs())
      for (const node of graph.nodes.values()) if (node.proto) this.#nodeNames.add(node.name);
  }

  model(): ModelProto {
    const { proto, irVersion } = this.#model;
    return {
      ...proto,
      ...(proto.irVersion === undefined && irVersion === 0 ? {} : { irVersion: BigInt(irVersion) }),
      opsetImport: exportOpsets(proto.opsetImport, this.#model.opsets),
      graph: this.#graph(this.#model.graph),
      functions: [...this.#model.functions.values()].map((fn) => this.#function(fn.graph, fn.proto)),
    };
  }

  #function(graph: Graph, proto: FunctionProto): FunctionProto {
    const { node, valueInfo } = this.#body(graph, proto.valueInfo);
    return { ...proto, node, valueInfo };
  }

  #graph(graph: Graph): GraphProto {
    const proto = graph.proto ?? create('GraphProto', { name: 'graph' });
    const body = this.#body(graph, proto.valueInfo);
    const constants = this.#constants(graph);
    const known = new Set(constants.map((tensor) => tensor.name));
    const quantizationAnnotation = isTouched(graph)
      ? proto.quantizationAnnotation.filter(
          (entry) => body.defined.has(entry.tensorName ?? '') || known.has(entry.tensorName),
        )
      : proto.quantizationAnnotation;
    return {
      ...proto,
      node: body.node,
      initializer: constants,
      sparseInitializer: this.#sparseConstants(graph),
      input: this.#inputs(graph),
      output: graph.outputs.map((slot) => this.#output(slot)),
      valueInfo: body.valueInfo,
      quantizationAnnotation,
    };
  }

  #body(
    graph: Graph,
    infos: readonly ValueInfoProto[],
  ): { node: NodeProto[]; valueInfo: ValueInfoProto[]; defined: Set<string> } {
    const order = isTouched(graph) ? graph.topo() : [...graph.nodes.values()].sort((a, b) => a.id - b.id);
    const node = order.map((each) => this.#node(each));
    for (const slot of graph.outputs) {
      const name = this.#names.get(slot.value);
      if (name !== slot.name)
        node.push(create('NodeProto', { opType: 'Identity', input: [name], output: [slot.name] }));
    }
    const defined = new Set(order.flatMap((each) => each.outputs.map((value) => this.#names.get(value))));
    for (const slot of graph.inputs) defined.add(slot.name);
    return { node, valueInfo: this.#valueInfo(graph, infos), defined };
  }

  #node(node: Node): NodeProto {
    const proto = node.proto ?? create('NodeProto', this.#newNode(node));
    return {
      ...proto,
      input: node.inputs.map((value) => (value ? this.#names.get(value) : '')),
      output: node.outputs.map((value) => this.#names.get(value)),
      attribute: [...node.attrs].map(([name, attr]) => exportAttribute(name, attr, (body) => this.#graph(body))),
    };
  }

  #newNode(node: Node): Partial<NodeProto> {
    let name = node.name;
    for (let n = 1; name !== '' && this.#nodeNames.has(name); n++) name = `${node.name}_${n}`;
    this.#nodeNames.add(name);
    return {
      opType: node.opType,
      ...(name !== '' && { name }),
      ...(node.domain !== '' && { domain: node.domain }),
      ...(node.overload !== '' && { overload: node.overload }),
      ...(this.#options.provenance && { metadataProps: provenance(node) }),
    };
  }

  /** Constants and defaults in the order in which they were read; new ones behind them. */
  #constants(graph: Graph): TensorProto[] {
    const found: { value: Value; tensor: TensorProto }[] = [];
    for (const value of graph.initializers) {
      if (value.constant) found.push({ value, tensor: exportTensor(value.constant, this.#names.get(value)) });
    }
    for (const { value, fallback, name } of graph.inputs) {
      if (fallback) found.push({ value, tensor: exportTensor(fallback, name) });
    }
    return found.sort((a, b) => a.value.id - b.value.id).map((entry) => entry.tensor);
  }

  #sparseConstants(graph: Graph): GraphProto['sparseInitializer'] {
    return [...graph.initializers]
      .sort((a, b) => a.id - b.id)
      .flatMap(({ def }) => (def.kind === 'sparse-initializer' ? [def.tensor] : []));
  }

  /** IR version 3 and before list every initializer of the main graph among the inputs. */
  #inputs(graph: Graph): ValueInfoProto[] {
    const inputs = graph.inputs.map((slot) => slot.info ?? valueInfo(slot.name, slot.value.type));
    if (this.#model.irVersion >= 4 || graph.edits === 0 || graph.role.kind !== 'main') return inputs;
    const listed = new Set(graph.inputs.map((slot) => slot.value));
    for (const value of [...graph.initializers].sort((a, b) => a.id - b.id)) {
      if (listed.has(value) || !value.constant || value.constant.proto) continue;
      const { dtype, shape } = value.constant;
      inputs.push(valueInfo(this.#names.get(value), { kind: 'tensor', dtype, shape }));
    }
    return inputs;
  }

  #output(slot: OutputSlot): ValueInfoProto {
    return slot.info ?? valueInfo(slot.name, slot.type);
  }

  /** Declarations that still name a value of this graph with the type that they declare; stale ones only where nothing was touched. */
  #valueInfo(graph: Graph, infos: readonly ValueInfoProto[]): ValueInfoProto[] {
    if (!isTouched(graph)) return [...infos];
    const declared = new Set<ValueInfoProto>();
    for (const node of graph.nodes.values()) {
      for (const value of node.outputs)
        if (value.info && this.#names.get(value) === value.info.name) declared.add(value.info);
    }
    for (const value of graph.initializers) if (value.info) declared.add(value.info);
    return infos.filter((info) => declared.has(info));
  }
}

/** Whether anything in this graph or in a body within it was changed. */
function isTouched(graph: Graph): boolean {
  const stack = [graph];
  for (let each = stack.pop(); each; each = stack.pop()) {
    if (each.edits > 0) return true;
    for (const body of each.bodies) stack.push(body);
  }
  return false;
}

function valueInfo(name: string, type: Type | undefined): ValueInfoProto {
  return create('ValueInfoProto', { name, ...(type && { type: exportType(type) }) });
}

function provenance(node: Node): StringStringEntryProto[] {
  const entries: StringStringEntryProto[] = [];
  if (node.origin.names.length > 0) entries.push({ key: 'resonnx.from', value: node.origin.names.join(' ') });
  if (node.origin.rules.length > 0) entries.push({ key: 'resonnx.rules', value: node.origin.rules.join(' ') });
  return entries;
}

/** The imports as they were read, with versions that changed, and new ones behind them. */
function exportOpsets(
  imports: readonly OperatorSetIdProto[],
  opsets: ReadonlyMap<string, number>,
): OperatorSetIdProto[] {
  const last = new Map(imports.map((entry) => [normalizeDomain(entry.domain ?? ''), entry]));
  const kept = imports.map((entry) => {
    const version = BigInt(opsets.get(normalizeDomain(entry.domain ?? '')) ?? 0);
    const changed = (last.get(normalizeDomain(entry.domain ?? ''))?.version ?? 0n) !== version;
    return changed ? { ...entry, version } : entry;
  });
  for (const [domain, version] of opsets) {
    if (!last.has(domain)) kept.push({ domain, version: BigInt(version) });
  }
  return kept;
}
