import type { GraphProto, ValueInfoProto } from '../proto/messages.js';
import { invariant } from '../support/invariant.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Attribute, type AttributeInit, toAttribute } from './attribute.js';
import type { Model } from './model.js';
import { Node, type NodeId, type Origin } from './node.js';
import { topologicalOrder } from './order.js';
import type { GraphRole, InputSlot, NodeSpec, OutputSlot } from './slots.js';
import type { Type } from './type.js';
import { type Definition, type Use, Value } from './value.js';

const NO_ORIGIN: Origin = { names: [], rules: [] };

/** A scope of nodes and values. Every mutation goes through its methods and is recorded in the model's journal. */
export class Graph {
  readonly model: Model;
  readonly role: GraphRole;
  /** The node whose attribute holds this body; set when that node is made. */
  parent: Node | undefined;
  /** The message it was read from; carries name, documentation, metadata, quantization annotations. */
  proto: GraphProto | undefined;
  /** Mutations since loading that were not undone; 0 means that it is emitted just as it was read. */
  edits = 0;
  readonly #nodes = new Map<NodeId, Node>();
  readonly #inputs: InputSlot[] = [];
  readonly #outputs: OutputSlot[] = [];
  readonly #outputUses: Use[] = [];
  readonly #initializers = new Set<Value>();
  #bodies: { readonly version: number; readonly graphs: readonly Graph[] } | undefined;
  #topo: { readonly version: number; readonly order: readonly Node[] | undefined } | undefined;

  constructor(model: Model, role: GraphRole) {
    this.model = model;
    this.role = role;
  }

  /** Nodes by id. No order is promised but that of {@link topo}. */
  get nodes(): ReadonlyMap<NodeId, Node> {
    return this.#nodes;
  }

  get inputs(): readonly InputSlot[] {
    return this.#inputs;
  }

  get outputs(): readonly OutputSlot[] {
    return this.#outputs;
  }

  /** Values that hold constants, dense or sparse. */
  get initializers(): ReadonlySet<Value> {
    return this.#initializers;
  }

  /** The graph around this body. */
  get outer(): Graph | undefined {
    return this.parent?.graph;
  }

  /** The graphs that nodes of this graph hold, in the order of the nodes; cached. */
  get bodies(): readonly Graph[] {
    if (this.#bodies?.version !== this.model.version) {
      const graphs: Graph[] = [];
      for (const node of this.#nodes.values()) for (const body of node.bodies) graphs.push(body.graph);
      this.#bodies = { version: this.model.version, graphs };
    }
    return this.#bodies.graphs;
  }

  /** The imported version of a domain where this graph stands; `undefined` when nothing imports it. */
  opset(domain: string): number | undefined {
    let graph: Graph = this;
    while (graph.role.kind === 'body' && graph.outer) graph = graph.outer;
    return graph.role.kind === 'function' ? graph.role.opsets.get(domain) : this.model.opsets.get(domain);
  }

  /** Nodes in dependency order, ties by preferred place; O(nodes + edges), cached. Throws when there is a cycle. */
  topo(): readonly Node[] {
    const order = this.findTopo();
    invariant(order, 'the graph has a cycle');
    return order;
  }

  /** Like {@link topo}; `undefined` when there is a cycle. */
  findTopo(): readonly Node[] | undefined {
    if (this.#topo?.version !== this.model.version) {
      this.#topo = { version: this.model.version, order: topologicalOrder(this) };
    }
    return this.#topo.order;
  }

  /** Adds a graph input. Interface changes are for loaders and for passes that declare them. */
  addInput(slot: { name: string; type?: Type | undefined; fallback?: Tensor; info?: ValueInfoProto }): Value {
    const value = this.newInputValue(slot.name, slot.type);
    const { fallback, info } = slot;
    this.pushInputSlot({ name: slot.name, value, ...(fallback && { fallback }), ...(info && { info }) });
    return value;
  }

  /** A value for an input slot that is listed later, with {@link pushInputSlot}. */
  newInputValue(hint: string, type?: Type): Value {
    return this.#newValue({ kind: 'input', graph: this }, hint, type);
  }

  /** Lists an input slot: of an input value, or of an initializer that IR version 3 lists among the inputs. */
  pushInputSlot(slot: InputSlot): void {
    this.#inputs.push(slot);
    this.#record({ kind: 'other' }, () => this.#inputs.pop());
  }

  /** Declares the type of an input anew. An interface change, for passes and callers that say so. */
  setInputType(index: number, type: Type): void {
    const slot = this.#inputs[index];
    invariant(slot, `no input ${index}`);
    const { info: _info, ...rest } = slot;
    this.#inputs[index] = rest;
    this.setType(slot.value, type);
    this.#record({ kind: 'other' }, () => {
      this.#inputs[index] = slot;
    });
  }

  /** Takes the default of an input away, so that callers have to give it. An interface change, for callers that say so. */
  requireInput(index: number): void {
    const slot = this.#inputs[index];
    invariant(slot, `no input ${index}`);
    const { fallback: _fallback, ...rest } = slot;
    this.#inputs[index] = rest;
    this.#record({ kind: 'other' }, () => {
      this.#inputs[index] = slot;
    });
  }

  /** Declares the type of an output anew. An interface change, for passes and callers that say so. */
  setOutputType(index: number, type: Type): void {
    const slot = this.#outputs[index];
    invariant(slot, `no output ${index}`);
    this.#outputs[index] = { name: slot.name, value: slot.value, type };
    this.#record({ kind: 'other' }, () => {
      this.#outputs[index] = slot;
    });
  }

  /** Adds a graph output. */
  addOutput(slot: OutputSlot): void {
    const use: Use = { kind: 'output', graph: this, index: this.#outputs.length };
    this.#outputs.push(slot);
    this.#outputUses.push(use);
    slot.value.link(use);
    this.#record({ kind: 'other' }, () => {
      slot.value.unlink(use);
      this.#outputs.pop();
      this.#outputUses.pop();
    });
  }

  /** Makes output `index` give another value; its name and declared type stay. */
  setOutput(index: number, value: Value): void {
    const slot = this.#outputs[index];
    invariant(slot, `no output ${index}`);
    const before = slot.value;
    const put = (next: Value): void => {
      const use = this.#outputUses[index] as Use;
      (this.#outputs[index] as OutputSlot).value.unlink(use);
      this.#outputs[index] = { ...slot, value: next };
      next.link(use);
    };
    put(value);
    this.#record({ kind: 'set-output', graph: this, index, before }, () => put(before));
  }

  /** Adds a constant. */
  addInitializer(tensor: Tensor, hint = ''): Value {
    return this.#addConstant({ kind: 'initializer', graph: this, tensor }, hint);
  }

  /** Adds a sparse constant. */
  addSparseInitializer(tensor: Extract<Definition, { kind: 'sparse-initializer' }>['tensor'], hint: string): Value {
    return this.#addConstant({ kind: 'sparse-initializer', graph: this, tensor }, hint);
  }

  /** Removes a constant that nothing uses, with its input slot if it has one. */
  eraseInitializer(value: Value): void {
    invariant(value.uses.size === 0, 'an initializer in use cannot be erased');
    invariant(this.#initializers.delete(value), 'not an initializer of this graph');
    const at = this.#inputs.findIndex((slot) => slot.value === value);
    const slot = at < 0 ? undefined : this.#inputs.splice(at, 1)[0];
    this.#record({ kind: 'erase-initializer', value }, () => {
      this.#initializers.add(value);
      if (slot) this.#inputs.splice(at, 0, slot);
    });
  }

  /** Adds a node; its outputs are new values. Bodies among its attributes become its own. */
  addNode(spec: NodeSpec, proto?: Node['proto']): Node {
    const id = this.model.newNodeId();
    const node = new Node({
      id,
      graph: this,
      domain: spec.domain ?? '',
      opType: spec.opType,
      overload: spec.overload ?? '',
      name: spec.name ?? '',
      order: spec.near?.order ?? id,
      attrs: toAttributes(spec.attrs),
      origin: spec.origin ?? NO_ORIGIN,
      proto,
    });
    for (const body of node.bodies) body.graph.parent = node;
    spec.inputs.forEach((value, index) => node.linkInput(index, value));
    const hints = typeof spec.outputs === 'object' ? spec.outputs : Array<string>(spec.outputs ?? 1).fill('');
    hints.forEach((hint, index) => node.pushOutput(this.#newValue({ kind: 'node', node, index }, hint, undefined)));
    this.#nodes.set(id, node);
    this.#record({ kind: 'add-node', node }, () => {
      node.attachInputs(false);
      this.#nodes.delete(id);
    });
    return node;
  }

  /** Removes a node whose outputs nothing uses. It keeps its list of inputs, but is no longer a use of them. */
  erase(node: Node): void {
    invariant(this.#nodes.get(node.id) === node, 'not a node of this graph');
    invariant(
      node.outputs.every((value) => value.uses.size === 0),
      `${node.op} is still in use and cannot be erased`,
    );
    const attach = (alive: boolean): void => {
      node.attachInputs(alive);
      for (const graph of bodiesOf(node)) graph.#attach(alive);
    };
    attach(false);
    this.#nodes.delete(node.id);
    this.#record({ kind: 'erase-node', node }, () => {
      attach(true);
      this.#nodes.set(node.id, node);
    });
  }

  /** Makes input `index` of a node read another value, or nothing. Grows the list of inputs when needed. */
  setInput(node: Node, index: number, value: Value | undefined): void {
    const inputs = [...node.inputs];
    while (inputs.length <= index) inputs.push(undefined);
    inputs[index] = value;
    this.setInputs(node, inputs);
  }

  /** Replaces the whole list of inputs of a node. */
  setInputs(node: Node, inputs: readonly (Value | undefined)[]): void {
    const before = [...node.inputs];
    const put = (list: readonly (Value | undefined)[]): void => {
      node.truncateInputs(list.length);
      list.forEach((value, index) => {
        if (index >= node.inputs.length || node.inputs[index] !== value) node.linkInput(index, value);
      });
    };
    put(inputs);
    this.#record({ kind: 'set-inputs', node, before }, () => put(before));
  }

  /** Sets an attribute, or removes it with `undefined`. */
  setAttribute(node: Node, name: string, value: AttributeInit): void {
    const before = new Map(node.attrs);
    const next = new Map(before);
    if (value === undefined) next.delete(name);
    else next.set(name, toAttribute(value));
    node.putAttributes(next);
    for (const body of node.bodies) body.graph.parent = node;
    this.#record({ kind: 'set-attributes', node, before }, () => node.putAttributes(before));
  }

  /** Cuts trailing outputs that nothing uses. */
  trimOutputs(node: Node, count: number): void {
    const removed: Value[] = [];
    while (node.outputs.length > count) {
      const last = node.popOutput() as Value;
      invariant(last.uses.size === 0, 'an output in use cannot be trimmed');
      removed.unshift(last);
    }
    if (removed.length === 0) return;
    this.#record({ kind: 'trim-outputs', node, removed }, () => removed.forEach((value) => node.pushOutput(value)));
  }

  /** Makes every use of `from`, in any scope, read `to` instead. `to` must be visible wherever `from` is used. */
  replaceAllUses(from: Value, to: Value): void {
    if (from === to) return;
    const uses = [...from.uses];
    this.model.transaction(() => {
      for (const use of uses) {
        if (use.kind === 'input') use.node.graph.setInput(use.node, use.index, to);
        else use.graph.setOutput(use.index, to);
      }
      this.#record({ kind: 'replace-uses', from, to }, () => undefined);
    });
  }

  /** Declares the type of a value; `info` is the message that says so, emitted as it is. */
  setType(value: Value, type: Type | undefined, info?: ValueInfoProto): void {
    const before = { type: value.type, info: value.info };
    value.type = type;
    value.info = info;
    this.#record({ kind: 'other' }, () => Object.assign(value, before));
  }

  /** Sets the name that the emitter prefers; an empty hint on an unused output omits it. */
  setHint(value: Value, hint: string): void {
    const before = value.hint;
    value.hint = hint;
    this.#record({ kind: 'other' }, () => {
      value.hint = before;
    });
  }

  #attach(alive: boolean): void {
    for (const node of this.#nodes.values()) node.attachInputs(alive);
    this.#outputs.forEach((slot, index) => {
      const use = this.#outputUses[index] as Use;
      if (alive) slot.value.link(use);
      else slot.value.unlink(use);
    });
  }

  #addConstant(def: Definition, hint: string): Value {
    const value = this.#newValue(def, hint, undefined);
    this.#initializers.add(value);
    this.#record({ kind: 'add-initializer', value }, () => this.#initializers.delete(value));
    return value;
  }

  #newValue(def: Definition, hint: string, type: Type | undefined): Value {
    return new Value(this.model.newValueId(), def, hint, type);
  }

  #record(change: Parameters<Model['journal']['record']>[0], undo: () => void): void {
    this.edits++;
    this.model.version++;
    this.model.journal.record(change, () => {
      undo();
      this.edits--;
      this.model.version++;
    });
  }
}

/** All graphs inside a node, at any depth, outer before inner. */
export function* bodiesOf(node: Node): Generator<Graph> {
  const stack = node.bodies.map((body) => body.graph).reverse();
  for (let graph = stack.pop(); graph; graph = stack.pop()) {
    yield graph;
    for (const body of graph.bodies) stack.push(body);
  }
}

function toAttributes(attrs: NodeSpec['attrs']): Map<string, Attribute> {
  if (attrs instanceof Map) return new Map(attrs as ReadonlyMap<string, Attribute>);
  const made = new Map<string, Attribute>();
  for (const [name, init] of Object.entries(attrs ?? {})) if (init !== undefined) made.set(name, toAttribute(init));
  return made;
}
