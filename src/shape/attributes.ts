import type { Attribute, Attributes } from '../ir/attribute.js';
import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import { saturate, schemaOf } from '../schema/read.js';
import type { OpSchema } from '../schema/schema.js';
import { type DType, findDType } from '../tensor/dtype.js';

/** Attributes of a node where a function call around it says what references mean. */
export class NodeAttributes {
  readonly node: Node;
  /** The schema in force; `undefined` for operators that are in none. */
  readonly schema: OpSchema | undefined;
  readonly #around: Attributes;

  constructor(node: Node, around: Attributes) {
    this.node = node;
    this.schema = schemaOf(node);
    this.#around = around;
  }

  /** An attribute, with a reference replaced by what the function call around gives. */
  attribute(name: string): Attribute | undefined {
    const attr = this.node.attrs.get(name);
    return attr?.type === 'REFERENCE' ? this.#around.get(attr.value) : attr;
  }

  /** All attributes, with references replaced; those that stay open are left out. */
  attributes(): Attributes {
    const resolved = new Map<string, Attribute>();
    for (const name of this.node.attrs.keys()) {
      const attr = this.attribute(name);
      if (attr && attr.type !== 'REFERENCE') resolved.set(name, attr);
    }
    return resolved;
  }

  #default(name: string): unknown {
    const attr = this.node.attrs.get(name);
    if (attr && (attr.type !== 'REFERENCE' || this.#around.has(attr.value))) return undefined;
    return this.schema?.attributes.get(name)?.default;
  }

  /** An INT attribute, or the default of the operator's version. */
  int(name: string): number | undefined {
    const attr = this.attribute(name);
    if (attr?.type === 'INT') return saturate(attr.value);
    const value = this.#default(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** The element type whose number in `TensorProto.DataType` an INT attribute holds, or its default. */
  dtypeAttribute(name: string): DType | undefined {
    const number = this.int(name);
    return number === undefined ? undefined : findDType(number);
  }

  /** A FLOAT attribute, or the default of the operator's version. */
  float(name: string): number | undefined {
    const attr = this.attribute(name);
    if (attr?.type === 'FLOAT') return attr.value;
    const value = this.#default(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** A STRING attribute, or the default of the operator's version. */
  string(name: string): string | undefined {
    const attr = this.attribute(name);
    if (attr?.type === 'STRING') return new TextDecoder().decode(attr.value);
    const value = this.#default(name);
    return typeof value === 'string' ? value : undefined;
  }

  /** An INTS attribute, or the default of the operator's version. */
  ints(name: string): readonly number[] | undefined {
    const attr = this.attribute(name);
    if (attr?.type === 'INTS') return attr.value.map(saturate);
    const value = this.#default(name);
    return Array.isArray(value) ? value.map(Number) : undefined;
  }

  /** A FLOATS attribute. */
  floats(name: string): readonly number[] | undefined {
    const attr = this.attribute(name);
    return attr?.type === 'FLOATS' ? attr.value : undefined;
  }

  /** A GRAPH attribute. */
  graph(name: string): Graph | undefined {
    const attr = this.node.attrs.get(name);
    return attr?.type === 'GRAPH' ? attr.value : undefined;
  }
}
