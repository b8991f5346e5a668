import { type Graph, isOp, type Node, type Types, type Use, type Value } from '#core';
import { permutationOf } from '../_shared/permutation.js';
import type { Member } from '../_shared/cut.js';
import { droppedAxes, type Relayout, relayoutOf } from './relayout.js';

/** Regions larger than this are left alone. */
const MAX_NODES = 4000;

/** Operators of one graph that may work in either of two layouts, connected by the values that they share. */
export interface Region {
  readonly graph: Graph;
  /** `original` is the Transpose of `permuted` by this. */
  readonly perm: readonly number[];
  readonly nodes: ReadonlyMap<Node, Relayout>;
  /** Values that the nodes read or make, each with everything that has a say about its layout. */
  readonly edges: ReadonlyMap<Value, readonly Member[]>;
}

/** How something reads a value, when the value may be had in another layout. */
export type Reading =
  /** A node of the region. */
  | { readonly kind: 'region'; readonly node: Node }
  /** A Transpose that undoes the permutation. */
  | { readonly kind: 'undo'; readonly node: Node }
  /** A Transpose, reduction or Gather of one element that can read either layout at the same price. */
  | { readonly kind: 'either'; readonly node: Node }
  /** Anything else. */
  | { readonly kind: 'original' };

/** Answers about the layout `perm` in one graph. */
export class Layouts {
  readonly graph: Graph;
  readonly perm: readonly number[];
  readonly inverse: readonly number[];
  readonly types: Types;
  readonly #relayouts = new Map<Node, Relayout | undefined>();

  constructor(graph: Graph, perm: readonly number[], types: Types) {
    this.graph = graph;
    this.perm = perm;
    this.inverse = perm.map((_, axis) => perm.indexOf(axis));
    this.types = types;
  }

  /** How a node works in the other layout, if it can. */
  relayout(node: Node): Relayout | undefined {
    if (node.graph !== this.graph) return undefined;
    if (!this.#relayouts.has(node)) this.#relayouts.set(node, relayoutOf(node, this.perm, this.types));
    return this.#relayouts.get(node);
  }

  /** Whether a value is at hand in the other layout, as the input of the Transpose that makes it. */
  isPermuted(value: Value): boolean {
    const { producer } = value;
    return isOp(producer, 'Transpose') && producer.graph === this.graph && this.#permutes(producer, this.perm);
  }

  /** The values next to a Transpose that are at hand in the other layout, or wanted there; both where it is its own inverse. */
  nearby(transpose: Node): readonly Value[] {
    const wanted = this.#permutes(transpose, this.inverse) ? transpose.inputs.slice(0, 1) : [];
    const atHand = this.#permutes(transpose, this.perm) ? transpose.outputs.slice(0, 1) : [];
    return [...wanted, ...atHand].filter((value) => value !== undefined);
  }

  /** What a use makes of a value. */
  reading(use: Use): Reading {
    if (use.kind === 'output' || use.node.graph !== this.graph) return { kind: 'original' };
    const { node, index } = use;
    if (this.relayout(node)?.moved.includes(index)) return { kind: 'region', node };
    if (index === 0 && isOp(node, 'Transpose'))
      return { kind: this.#permutes(node, this.inverse) ? 'undo' : 'either', node };
    return index === 0 && this.dropsAlike(node) ? { kind: 'either', node } : { kind: 'original' };
  }

  /** Whether a node that drops axes gives the same in both layouts, because the axes that it leaves stay in order. */
  dropsAlike(node: Node): boolean {
    const axes = droppedAxes(node, this.perm.length, this.types);
    const left = this.perm.filter((_, axis) => axes && !axes.includes(axis));
    return axes !== undefined && left.every((axis, at) => at === 0 || axis > left[at - 1]!);
  }

  #permutes(node: Node, perm: readonly number[]): boolean {
    const own = permutationOf(node, this.types);
    return own?.length === perm.length && own.every((axis, at) => axis === perm[at]);
  }
}

/** The region around the readers of a permuted value; `undefined` when it is too large. */
export function findRegion(start: Value, layouts: Layouts): Region | undefined {
  const nodes = new Map<Node, Relayout>();
  const edges = new Map<Value, Member[]>();
  const values = [start];
  for (let value = values.pop(); value; value = values.pop()) {
    if (edges.has(value)) continue;
    edges.set(value, []);
    const near = [...value.uses].map((use) => layouts.reading(use)).filter((reading) => reading.kind === 'region');
    const { producer } = value;
    for (const node of [...near.map((reading) => reading.node), ...(producer ? [producer] : [])]) {
      const relayout = layouts.relayout(node);
      if (!relayout || nodes.has(node)) continue;
      if (nodes.size >= MAX_NODES) return undefined;
      nodes.set(node, relayout);
      for (const index of relayout.moved) if (!node.inputs[index]!.constant) values.push(node.inputs[index]!);
      values.push(...node.outputs);
    }
  }
  const numbers = new Map([...nodes.keys()].map((node, at) => [node, at]));
  for (const [value, members] of edges) members.push(...membersOf(value, layouts, numbers));
  return { graph: layouts.graph, perm: layouts.perm, nodes, edges };
}

/** A Transpose between two nodes of the region gives what it reads in the original layout only. */
function membersOf(value: Value, layouts: Layouts, numbers: ReadonlyMap<Node, number>): Member[] {
  const { producer } = value;
  const own = producer && numbers.get(producer);
  const members: Member[] = [own ?? (layouts.isPermuted(value) ? 'permuted' : 'original')];
  for (const use of value.uses) {
    const reading = layouts.reading(use);
    if (reading.kind === 'region') members.push(numbers.get(reading.node)!);
    else if (reading.kind === 'undo')
      members.push(feedsRegion(reading.node, layouts, numbers) ? 'original' : 'permuted');
    else if (reading.kind === 'original') members.push('original');
  }
  return members;
}

function feedsRegion(transpose: Node, layouts: Layouts, numbers: ReadonlyMap<Node, number>): boolean {
  const output = transpose.outputs[0]!;
  if (!layouts.isPermuted(output)) return false;
  return [...output.uses].some((use) => {
    const reading = layouts.reading(use);
    return reading.kind === 'region' && numbers.has(reading.node);
  });
}
