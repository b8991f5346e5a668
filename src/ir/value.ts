import type { Tensor } from '../tensor/tensor.js';
import type { SparseTensorProto, ValueInfoProto } from '../proto/messages.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';
import type { Type } from './type.js';

declare const brand: unique symbol;
/** Identity of a value within its model; never reused. */
export type ValueId = number & { readonly [brand]: 'ValueId' };

/** A place that reads a value. A graph output is a use like any other: no uses means dead. */
export type Use =
  | { readonly kind: 'input'; readonly node: Node; readonly index: number }
  | { readonly kind: 'output'; readonly graph: Graph; readonly index: number };

/** Where a value comes from: exactly one per value. */
export type Definition =
  | { readonly kind: 'node'; readonly node: Node; readonly index: number }
  | { readonly kind: 'input'; readonly graph: Graph }
  | { readonly kind: 'initializer'; readonly graph: Graph; readonly tensor: Tensor }
  | { readonly kind: 'sparse-initializer'; readonly graph: Graph; readonly tensor: SparseTensorProto };

/** A value of a graph: identity, one definition, its uses in this and all inner graphs. Its name is only a hint. */
export class Value {
  readonly id: ValueId;
  readonly def: Definition;
  /** The name that the emitter prefers; empty for an omitted output. */
  hint: string;
  /** What the model declares; analyses know more. Set through `Graph.setType`. */
  type: Type | undefined;
  /** The declaration as it was read. Set through `Graph.setType`. */
  info: ValueInfoProto | undefined;
  readonly #uses = new Set<Use>();

  /** Values are made by `Graph`, never directly. */
  constructor(id: ValueId, def: Definition, hint: string, type?: Type) {
    this.id = id;
    this.def = def;
    this.hint = hint;
    this.type = type;
  }

  /** The places that read this value, in the order in which they came. The set is live: copy it before mutating. */
  get uses(): ReadonlySet<Use> {
    return this.#uses;
  }

  /** The node that makes this value, if one does. */
  get producer(): Node | undefined {
    return this.def.kind === 'node' ? this.def.node : undefined;
  }

  /** The graph that this value belongs to. */
  get graph(): Graph {
    return this.def.kind === 'node' ? this.def.node.graph : this.def.graph;
  }

  /** The tensor of an initializer. An input with a default is not constant: the caller may override it. */
  get constant(): Tensor | undefined {
    return this.def.kind === 'initializer' ? this.def.tensor : undefined;
  }

  /** Whether a graph output reads this value. */
  get isGraphOutput(): boolean {
    for (const use of this.#uses) if (use.kind === 'output') return true;
    return false;
  }

  /** Kept by the graph's mutators alone. */
  link(use: Use): void {
    this.#uses.add(use);
  }

  /** Kept by the graph's mutators alone. */
  unlink(use: Use): void {
    this.#uses.delete(use);
  }
}
