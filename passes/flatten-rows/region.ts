import { type Graph, isOp, type Node, type Shape, type Types, type Use, type Value } from '#core';
import type { Member } from '../_shared/cut.js';
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

/** How something reads a value that may be flat: as a node of the region, as a Reshape that takes either form, or as it is. */
type Reading = { readonly kind: 'region' | 'either'; readonly node: Node } | { readonly kind: 'original' };

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

  /** What a use makes of a value. */
  reading(use: Use): Reading {
    if (use.kind === 'output' || use.node.graph !== this.graph) return { kind: 'original' };
    const { node, index } = use;
    if (this.form(node)?.moved.includes(index)) return { kind: 'region', node };
    const isFree = index === 0 && isOp(node, 'Reshape') && targetFromFlat(node, this.types) !== undefined;
    return isFree ? { kind: 'either', node } : { kind: 'original' };
  }
}

/** The region around a product; `undefined` when it is too large. */
export function findRegion(start: Node, forms: Forms): Region | undefined {
  const nodes = new Map<Node, FlatForm>();
  const values = new Set<Value>();
  const queue: Node[] = [start];
  for (let node = queue.pop(); node; node = queue.pop()) {
    const form = forms.form(node);
    if (!form || nodes.has(node)) continue;
    if (nodes.size >= MAX_NODES) return undefined;
    nodes.set(node, form);
    for (const value of [...form.moved.map((index) => node.inputs[index]!), ...node.outputs]) {
      if (values.has(value) || !isStack(forms.types.shape(value), forms.lead)) continue;
      values.add(value);
      if (value.producer) queue.push(value.producer);
      for (const use of value.uses) if (forms.reading(use).kind === 'region') queue.push((use as { node: Node }).node);
    }
  }
  const numbers = new Map([...nodes.keys()].map((node, at) => [node, at]));
  const edges = new Map([...values].map((value) => [value, membersOf(value, forms, numbers)]));
  return { graph: forms.graph, lead: forms.lead, nodes, edges, gains: gainsOf(forms, numbers) };
}

function membersOf(value: Value, forms: Forms, numbers: ReadonlyMap<Node, number>): Member[] {
  const members: Member[] = [(value.producer && numbers.get(value.producer)) ?? 'original'];
  for (const use of value.uses) {
    const reading = forms.reading(use);
    if (reading.kind === 'region') members.push(numbers.get(reading.node)!);
    else if (reading.kind === 'original') members.push('original');
  }
  return members;
}

function gainsOf({ types }: Forms, numbers: ReadonlyMap<Node, number>): readonly (readonly Member[])[] {
  return [...numbers].flatMap(([node, at]) => {
    const bias = biasOf(node, types);
    const other = bias && numbers.get(bias);
    return other === undefined ? [] : [[at, other, 'permuted'] as const];
  });
}
