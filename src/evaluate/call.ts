import type { Attributes } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import { attributeDefault } from '../schema/schema.js';
import { saturate, versionOf } from '../schema/read.js';
import type { Tensor } from '../tensor/tensor.js';
import { type Elements, integers } from './elements.js';
import { invalid, Stop } from './stop.js';

/** Work that an evaluation may still do, in operations on elements. */
export interface Budget {
  left: number;
  readonly limit: number;
}

/** Counts work before it is done. @throws Stop `too-large` */
export function spend(budget: Budget, operations: number): void {
  budget.left -= operations;
  if (!(budget.left >= 0)) throw new Stop({ kind: 'too-large', limit: budget.limit });
}

/** Computes the outputs of one node; those that nobody names may be left out. */
export type Kernel = (call: Call) => readonly Elements[];

/** Kernels by operator: `Add`, `com.microsoft.Gelu`. */
export type Kernels = Readonly<Record<string, Kernel>>;

/** One node with the values of its operands and its attributes, references to those of a function resolved. */
export class Call {
  readonly node: Node;
  readonly inputs: readonly (Elements | undefined)[];
  /** Imported version of the operator's domain. */
  readonly opset: number;
  readonly #attrs: Attributes;
  readonly #budget: Budget;

  constructor(node: Node, inputs: readonly (Elements | undefined)[], attrs: Attributes, budget: Budget) {
    this.node = node;
    this.inputs = inputs;
    this.opset = versionOf(node) ?? 0;
    this.#attrs = attrs;
    this.#budget = budget;
  }

  /** Whether output `index` has a name: a reader, or may get one. */
  wants(index: number): boolean {
    return index < this.node.outputs.length;
  }

  /** See {@link spend}. */
  spend(operations: number): void {
    spend(this.#budget, operations);
  }

  /** An operand that the operator needs. @throws Stop `invalid` */
  input(index: number): Elements {
    const found = this.inputs[index];
    if (!found) throw invalid(`input ${index} is missing`);
    return found;
  }

  /** The operands that are there. */
  all(): readonly Elements[] {
    return this.inputs.filter((input) => input !== undefined);
  }

  /** An optional operand of axes, sizes or indices. */
  ints(index: number): number[] | undefined {
    const found = this.inputs[index];
    return found && integers(found);
  }

  has(name: string): boolean {
    return this.#attrs.has(name);
  }

  /** An INT attribute, or its default. @throws Stop `invalid` when there is neither */
  int(name: string): number {
    const value = this.maybeInt(name);
    if (value === undefined) throw invalid(`attribute ${name} is missing`);
    return value;
  }

  maybeInt(name: string): number | undefined {
    const attr = this.#attrs.get(name);
    if (attr?.type === 'INT') return saturate(attr.value);
    const value = this.#fallback(name);
    return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : undefined;
  }

  /** A FLOAT attribute, or its default. @throws Stop `invalid` when there is neither */
  float(name: string): number {
    const value = this.maybeFloat(name);
    if (value === undefined) throw invalid(`attribute ${name} is missing`);
    return value;
  }

  maybeFloat(name: string): number | undefined {
    const attr = this.#attrs.get(name);
    if (attr?.type === 'FLOAT') return attr.value;
    const value = this.#fallback(name);
    return typeof value === 'number' ? value : undefined;
  }

  /** An INTS attribute, or its default. */
  intList(name: string): readonly number[] | undefined {
    const attr = this.#attrs.get(name);
    if (attr?.type === 'INTS') return attr.value.map(saturate);
    const value = this.#fallback(name);
    return Array.isArray(value) ? value.map(Number) : undefined;
  }

  floatList(name: string): readonly number[] | undefined {
    const attr = this.#attrs.get(name);
    return attr?.type === 'FLOATS' ? attr.value : undefined;
  }

  /** A STRING attribute, or its default; empty when there is neither. */
  text(name: string): string {
    const attr = this.#attrs.get(name);
    if (attr?.type === 'STRING') return new TextDecoder().decode(attr.value);
    const value = this.#fallback(name);
    return typeof value === 'string' ? value : '';
  }

  /** A STRINGS attribute. */
  texts(name: string): readonly string[] | undefined {
    const attr = this.#attrs.get(name);
    if (attr?.type !== 'STRINGS') return undefined;
    return attr.value.map((text) => new TextDecoder().decode(text));
  }

  tensor(name: string): Tensor | undefined {
    const attr = this.#attrs.get(name);
    return attr?.type === 'TENSOR' ? attr.value : undefined;
  }

  get attributes(): Attributes {
    return this.#attrs;
  }

  #fallback(name: string): ReturnType<typeof attributeDefault> {
    if (this.#attrs.has(name)) return undefined;
    return attributeDefault(this.node.domain, this.node.opType, name, this.opset);
  }
}
