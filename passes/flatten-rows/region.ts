import {
  constantOf,
  type Graph,
  isOp,
  type Node,
  type Shape,
  trainingMode,
  type Types,
  type Use,
  type Value,
} from '#core';
import type { Member } from '../_shared/cut.js';
import { onlyReader } from '../_shared/facts.js';
import { biasOf, type FlatForm, flatForm, isStack, targetFromFlat } from './form.js';

/** Regions larger than this are left alone. */
const MAX_NODES = 4000;

/** Operators of one graph that may work on `[rows, columns]` instead of `[...lead, columns]`, connected by the values that they share. */
export interface Region {
  readonly graph: Graph;
  readonly lead: Shape;
  readonly nodes: ReadonlyMap<Node, FlatForm>;
  /** Values that the nodes read or make, each with everything that has a say about its form. */
  readonly edges: ReadonlyMap<Value, readonly Member[]>;
  /** Products that take in their bias when both are flat, as edges that are divided otherwise. */
  readonly gains: readonly (readonly Member[])[];
}

/** How something reads a value, when the value may be flat. */
type Reading =
  /** A node of the region. */
  | { readonly kind: 'region'; readonly node: Node }
  /** A Reshape that makes it flat. */
  | { readonly kind: 'undo'; readonly node: Node }
  /** A Reshape that takes either form at the same price. */
  | { readonly kind: 'either'; readonly node: Node }
  /** Anything else. */
  | { readonly kind: 'original' };

/** Answers about the leading dims `lead` in one graph. */
export class Forms {
  readonly graph: Graph;
  readonly lead: Shape;
  readonly types: Types;
  readonly #forms = new Map<Node, FlatForm | undefined>();

  constructor(graph: Graph, lead: Shape, types: Types) {
    this.graph = graph;
    this.lead = lead;
    this.types = types;
  }

  /** How a node works on flat tensors, if it can. */
  form(node: Node): FlatForm | undefined {
    if (node.graph !== this.graph) return undefined;
    if (!this.#forms.has(node)) this.#forms.set(node, flatForm(node, this.lead, this.types));
    return this.#forms.get(node);
  }

  /** The flat value that a Reshape makes this one of. */
  atHand(value: Value): Value | undefined {
    const { producer } = value;
    const source = isOp(producer, 'Reshape') && producer.graph === this.graph ? producer.inputs[0] : undefined;
    return source && this.#isFlatOf(source, value) ? source : undefined;
  }

  /** What a use makes of a value. */
  reading(use: Use): Reading {
    if (use.kind === 'output' || use.node.graph !== this.graph) return { kind: 'original' };
    const { node, index } = use;
    if (this.form(node)?.moved.includes(index)) return { kind: 'region', node };
    if (index !== 0 || !isOp(node, 'Reshape')) return { kind: 'original' };
    if (this.#isFlatOf(node.outputs[0]!, node.inputs[0]!)) return { kind: 'undo', node };
    return targetFromFlat(node, this.types) ? { kind: 'either', node } : { kind: 'original' };
  }

  /** Elements are as many on both sides of a Reshape: with as many columns the rows are as many too. */
  #isFlatOf(flat: Value, value: Value): boolean {
    const [rows, stack] = [this.types.shape(flat), this.types.shape(value)];
    return rows?.length === 2 && isStack(stack, this.lead) && rows[1] === stack!.at(-1);
  }
}

/** The region around a value; `undefined` when it is too large. */
export function findRegion(start: Value, forms: Forms): Region | undefined {
  const nodes = new Map<Node, FlatForm>();
  const values = new Set<Value>([start]);
  for (const value of values) {
    if (nodes.size >= MAX_NODES) return undefined;
    const readers = [...value.uses].map((use) => forms.reading(use)).filter((reading) => reading.kind === 'region');
    const near = readers.map((reading) => reading.node);
    if (value.producer && !forms.atHand(value)) near.push(value.producer);
    for (const node of near) {
      const form = forms.form(node);
      if (!form || nodes.has(node)) continue;
      nodes.set(node, form);
      for (const index of form.moved) values.add(node.inputs[index]!);
      for (const each of node.outputs) if (isStack(forms.types.shape(each), forms.lead)) values.add(each);
    }
  }
  const numbers = new Map([...nodes.keys()].map((node, at) => [node, at]));
  const edges = new Map([...values].map((value) => [value, membersOf(value, forms, numbers)]));
  return { graph: forms.graph, lead: forms.lead, nodes, edges, gains: gainsOf(forms, numbers) };
}

function membersOf(value: Value, forms: Forms, numbers: ReadonlyMap<Node, number>): Member[] {
  const own = value.producer && numbers.get(value.producer);
  const members: Member[] = [own ?? (forms.atHand(value) ? 'permuted' : 'original')];
  for (const use of value.uses) {
    const reading = forms.reading(use);
    if (reading.kind === 'region') members.push(numbers.get(reading.node)!);
    else if (reading.kind === 'undo') members.push('permuted');
    else if (reading.kind === 'original') members.push('original');
  }
  return members;
}

function gainsOf(forms: Forms, numbers: ReadonlyMap<Node, number>): readonly (readonly Member[])[] {
  return [...numbers].flatMap(([node, at]): readonly (readonly Member[])[] => {
    if (hasNormBehind(node, forms)) return [[at, 'permuted']];
    const bias = biasOf(node, forms.types);
    const other = bias && numbers.get(bias);
    return other === undefined ? [] : [[at, other, 'permuted']];
  });
}

/** Whether all that reads a product of constants is a Reshape to rows, and that a batch norm: on rows the product takes it in. */
function hasNormBehind(node: Node, forms: Forms): boolean {
  if (!isOp(node, 'MatMul') || !constantOf(node.inputs[1])) return false;
  const [use, ...others] = node.outputs[0]!.uses;
  const reading = use && others.length === 0 ? forms.reading(use) : undefined;
  const norm = reading?.kind === 'undo' ? onlyReader(reading.node.outputs[0]!) : undefined;
  return isOp(norm, 'BatchNormalization') && trainingMode(norm) === 'inference';
}
