import type { FunctionProto, ModelProto } from '../proto/messages.js';
import { Graph } from './graph.js';
import { type Change, Journal } from './journal.js';
import type { NodeId } from './node.js';
import type { ValueId } from './value.js';

/** A model-local function: a graph with attribute parameters and opset imports of its own. It sees nothing outside. */
export interface Fn {
  readonly domain: string;
  readonly name: string;
  readonly overload: string;
  readonly graph: Graph;
  /** Names of attributes without a default, in order. */
  readonly attributes: readonly string[];
  /** The message it was read from; carries attribute defaults, documentation, metadata. */
  readonly proto: FunctionProto;
}

/** `domain::name::overload`, the key under which a node finds its function. */
export type FunctionKey = `${string}::${string}::${string}`;

/** Key of the function that a node of this operator calls, if the model has it. */
export function functionKey(op: {
  readonly domain: string;
  readonly name: string;
  readonly overload: string;
}): FunctionKey {
  return `${op.domain}::${op.name}::${op.overload}`;
}

/** Where a model was read from. */
export interface ModelSource {
  /** What messages call it. */
  readonly name: string;
  /** Size in bytes, external data included; 0 when it was not read from bytes. */
  readonly bytes: number;
  /** Size in bytes of the message that was decoded; absent when it was not read from one. */
  readonly messageBytes?: number;
  /** Path of the file, when it is one. */
  readonly path?: string;
}

/** A model: the main graph, its functions, and the counters that give values and nodes their identity. */
export class Model {
  readonly graph: Graph;
  /** Functions by key, in the order in which they are emitted. */
  readonly functions = new Map<FunctionKey, Fn>();
  /** Opset version by domain (`''` is the default domain) as imported by the model. */
  readonly opsets: Map<string, number>;
  /** ONNX IR version. */
  irVersion: number;
  /** The message it was read from; carries producer, documentation, metadata, training information. */
  readonly proto: ModelProto;
  source: ModelSource = { name: '<model>', bytes: 0 };
  readonly journal = new Journal();
  /** Grows with every mutation anywhere in the model; what analyses are cached by. */
  version = 0;
  #nextValue = 0;
  #nextNode = 0;

  constructor(
    proto: ModelProto,
    options: { readonly irVersion: number; readonly opsets: ReadonlyMap<string, number> },
  ) {
    this.proto = proto;
    this.irVersion = options.irVersion;
    this.opsets = new Map(options.opsets);
    this.graph = new Graph(this, { kind: 'main' });
  }

  /** A fresh identity; called by graphs alone. */
  newValueId(): ValueId {
    return this.#nextValue++ as ValueId;
  }

  /** A fresh identity; called by graphs alone. */
  newNodeId(): NodeId {
    return this.#nextNode++ as NodeId;
  }

  /** Undoes every mutation of `edit` when it throws or returns `false`; else gives the changes it made. */
  transaction(edit: () => boolean | void): readonly Change[] | undefined {
    return this.journal.transaction(edit);
  }

  /** Imports an opset, or changes the version of one. */
  setOpset(domain: string, version: number): void {
    const before = this.opsets.get(domain);
    this.opsets.set(domain, version);
    this.version++;
    this.journal.record({ kind: 'other' }, () => {
      if (before === undefined) this.opsets.delete(domain);
      else this.opsets.set(domain, before);
      this.version++;
    });
  }

  /** Sets the IR version. */
  setIrVersion(version: number): void {
    const before = this.irVersion;
    this.irVersion = version;
    this.version++;
    this.journal.record({ kind: 'other' }, () => {
      this.irVersion = before;
      this.version++;
    });
  }

  /** Adds a function. */
  addFunction(fn: Fn): void {
    const key = functionKey(fn);
    this.functions.set(key, fn);
    this.version++;
    this.journal.record({ kind: 'other' }, () => {
      this.functions.delete(key);
      this.version++;
    });
  }

  /** Removes a function that nothing calls; its place in the order is kept if this is undone. */
  removeFunction(key: FunctionKey): void {
    const before = [...this.functions];
    if (!this.functions.delete(key)) return;
    this.version++;
    this.journal.record({ kind: 'other' }, () => {
      this.functions.clear();
      for (const [k, fn] of before) this.functions.set(k, fn);
      this.version++;
    });
  }

  /** Every graph of the model: main, functions, and all bodies, outer before inner. No recursion. */
  *graphs(): Generator<Graph> {
    const stack: Graph[] = [...[...this.functions.values()].map((fn) => fn.graph).reverse(), this.graph];
    for (let graph = stack.pop(); graph; graph = stack.pop()) {
      yield graph;
      const { bodies } = graph;
      for (let i = bodies.length - 1; i >= 0; i--) stack.push(bodies[i]!);
    }
  }
}
