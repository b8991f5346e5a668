import type { NodeProto } from '../proto/messages.js';
import type { Attribute, Attributes } from './attribute.js';
import type { Graph } from './graph.js';
import type { Use, Value } from './value.js';

declare const brand: unique symbol;
/** Identity of a node within its model; never reused. */
export type NodeId = number & { readonly [brand]: 'NodeId' };

/** Where a node comes from: names of the user's nodes that went into it, and the rules that made it. */
export interface Origin {
  readonly names: readonly string[];
  readonly rules: readonly string[];
}

/** A graph that a node holds, and the attribute that holds it. */
export interface Body {
  readonly attribute: string;
  readonly graph: Graph;
}

/** What {@link Node} is made from; `Graph.addNode` fills it in. */
export interface NodeFields {
  readonly id: NodeId;
  readonly graph: Graph;
  readonly domain: string;
  readonly opType: string;
  readonly overload: string;
  readonly name: string;
  readonly order: number;
  readonly attrs: Map<string, Attribute>;
  readonly origin: Origin;
  readonly proto: NodeProto | undefined;
}

/** One operator call. Links are changed through its graph's mutators only. */
export class Node {
  readonly id: NodeId;
  readonly graph: Graph;
  /** Empty for the default domain, also when the model spells it `ai.onnx`. */
  readonly domain: string;
  readonly opType: string;
  readonly overload: string;
  /** The user's name for it; not unique, may be empty. */
  readonly name: string;
  /** Where it would like to stand among independent nodes: emission sorts by dependencies, then by this, then by id. */
  readonly order: number;
  readonly origin: Origin;
  /** The message it was read from; carries what the IR does not model. */
  readonly proto: NodeProto | undefined;
  #attrs: Map<string, Attribute>;
  #bodies: readonly Body[] | undefined;
  readonly #inputs: (Value | undefined)[] = [];
  readonly #inputUses: Use[] = [];
  readonly #outputs: Value[] = [];

  /** Nodes are made by `Graph.addNode`, never directly. */
  constructor(fields: NodeFields) {
    this.id = fields.id;
    this.graph = fields.graph;
    this.domain = fields.domain;
    this.opType = fields.opType;
    this.overload = fields.overload;
    this.name = fields.name;
    this.order = fields.order;
    this.origin = fields.origin;
    this.proto = fields.proto;
    this.#attrs = fields.attrs;
  }

  get attrs(): Attributes {
    return this.#attrs;
  }

  /** `undefined` stands for an omitted optional input; its position matters. */
  get inputs(): readonly (Value | undefined)[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  /** Whether the node still stands in its graph, and that graph in the model. */
  get alive(): boolean {
    let node: Node | undefined = this;
    while (node && node.graph.nodes.get(node.id) === node) node = node.graph.parent;
    return node === undefined;
  }

  /** The operator with its domain when it is not the default one: `Conv`, `com.microsoft.Gelu`. */
  get op(): string {
    return this.domain === '' ? this.opType : `${this.domain}.${this.opType}`;
  }

  /** Bodies that this node holds (If, Loop, Scan and the like), with the attribute that holds each. */
  get bodies(): readonly Body[] {
    this.#bodies ??= findBodies(this.#attrs);
    return this.#bodies;
  }

  /** The use that stands for an input slot. */
  useAt(index: number): Use | undefined {
    return this.#inputUses[index];
  }

  /** Kept by the graph's mutators alone: puts a value into an input slot and keeps its uses right. */
  linkInput(index: number, value: Value | undefined): void {
    while (this.#inputs.length <= index) {
      this.#inputUses.push({ kind: 'input', node: this, index: this.#inputs.length });
      this.#inputs.push(undefined);
    }
    const use = this.#inputUses[index] as Use;
    this.#inputs[index]?.unlink(use);
    this.#inputs[index] = value;
    value?.link(use);
  }

  /** Kept by the graph's mutators alone: cuts the list of inputs to `length`. */
  truncateInputs(length: number): void {
    while (this.#inputs.length > length) {
      const use = this.#inputUses.pop() as Use;
      this.#inputs.pop()?.unlink(use);
    }
  }

  /** Kept by the graph's mutators alone: takes the uses of all inputs away or puts them back; the list itself stays. */
  attachInputs(attach: boolean): void {
    this.#inputs.forEach((value, index) => {
      const use = this.#inputUses[index] as Use;
      if (attach) value?.link(use);
      else value?.unlink(use);
    });
  }

  /** Kept by the graph's mutators alone. */
  pushOutput(value: Value): void {
    this.#outputs.push(value);
  }

  /** Kept by the graph's mutators alone. */
  popOutput(): Value | undefined {
    return this.#outputs.pop();
  }

  /** Kept by the graph's mutators alone. */
  putAttributes(attrs: Map<string, Attribute>): void {
    this.#attrs = attrs;
    this.#bodies = undefined;
  }
}

const NO_BODIES: readonly Body[] = [];

function findBodies(attrs: Attributes): readonly Body[] {
  let found: Body[] | undefined;
  for (const [attribute, attr] of attrs) {
    if (attr.type === 'GRAPH') (found ??= []).push({ attribute, graph: attr.value });
    else if (attr.type === 'GRAPHS') for (const graph of attr.value) (found ??= []).push({ attribute, graph });
  }
  return found ?? NO_BODIES;
}
