import type { Attribute, AttributeInit, Attributes } from '../ir/attribute.js';
import { Graph } from '../ir/graph.js';
import type { Node, Origin } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { declaredAttribute } from '../schema/encode.js';
import { findRuntimeSchema } from '../schema/schema.js';
import type { Tensor } from '../tensor/tensor.js';

/** Attributes of a new node by name, in the types that its operator declares; or those of another node. */
export type AttributeInits = Readonly<Record<string, AttributeInit>> | Attributes;

/** What {@link Edit.node} takes beside operator, inputs and attributes. */
export interface NodeOptions {
  readonly domain?: string;
  /** Preferred name of the first output. */
  readonly hint?: string;
  readonly name?: string;
}

/** The hand of a rewrite: makes nodes and constants at the place of the root, and lets values take the place of others. */
export class Edit {
  readonly graph: Graph;
  /** The node that the rewrite is about; absent when it is about a graph as a whole. */
  readonly root: Node | undefined;
  readonly #origin: Origin;

  constructor(root: Node | Graph, rule: string) {
    this.graph = root instanceof Graph ? root : root.graph;
    this.root = root instanceof Graph ? undefined : root;
    this.#origin = { names: this.root?.origin.names ?? [], rules: [...(this.root?.origin.rules ?? []), rule] };
  }

  /** Adds a node and gives its first output. Trailing `undefined` inputs are dropped. */
  node(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attrs?: AttributeInits,
    options: NodeOptions = {},
  ): Value {
    return this.nodes(opType, inputs, attrs, [options.hint ?? ''], options)[0]!;
  }

  /** Adds a node with several outputs, given by their preferred names (or `''`). */
  nodes(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attrs: AttributeInits | undefined,
    outputs: readonly string[],
    options: NodeOptions = {},
  ): readonly Value[] {
    const last = inputs.findLastIndex((value) => value !== undefined);
    return this.graph.addNode({
      opType,
      inputs: inputs.slice(0, last + 1),
      outputs,
      ...(this.root && { near: this.root }),
      origin: this.#origin,
      name: options.name ?? '',
      ...(attrs && { attrs: this.#attributes(opType, options.domain ?? '', attrs) }),
      ...(options.domain !== undefined && { domain: options.domain }),
    }).outputs;
  }

  /** Adds a constant: an initializer, or a `Constant` node inside a function, which can have no initializers. */
  constant(hint: string, tensor: Tensor): Value {
    if (this.graph.role.kind !== 'function') return this.graph.addInitializer(tensor, hint);
    return this.node('Constant', [], { value: tensor }, { hint });
  }

  /**
   * Lets `to` take the place of `from` everywhere. When `to` is new it inherits the name and the declared type of `from`.
   * What only `from` needed is removed when the rewrite ends.
   */
  replace(from: Value, to: Value): void {
    if (to.hint === '' && from.hint !== '') {
      this.graph.setHint(to, from.hint);
      if (!to.type && from.type) this.graph.setType(to, from.type, from.info);
    }
    this.graph.replaceAllUses(from, to);
  }

  #attributes(opType: string, domain: string, inits: AttributeInits): Attributes {
    if (isAttributes(inits)) return inits;
    const schema = findRuntimeSchema(domain, opType, this.graph.opset(domain) ?? Number.POSITIVE_INFINITY);
    const attrs = new Map<string, Attribute>();
    for (const [name, init] of Object.entries(inits)) {
      if (init !== undefined) attrs.set(name, declaredAttribute(schema, name, init));
    }
    return attrs;
  }
}

function isAttributes(inits: AttributeInits): inits is Attributes {
  return inits instanceof Map;
}
