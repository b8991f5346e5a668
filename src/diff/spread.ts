import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { isCommutative } from '../schema/traits.js';
import type { Item } from './keys.js';
import type { GraphPair } from './match.js';
import type { Matching } from './matching.js';

/** What neighbours must have in common: operator, attributes and the dims of constants, or the operator alone. */
export type Likeness = 'alike' | 'operator';

/** Goes from matched nodes to what feeds them and to what reads them. */
export class Spread {
  readonly #pair: GraphPair;
  readonly #items: ReadonlyMap<Node, Item>;
  readonly #matching: Matching;
  readonly #pending: (readonly [Node, Node])[] = [];

  constructor(pair: GraphPair, items: readonly (readonly Item[])[], matching: Matching) {
    this.#pair = pair;
    this.#items = new Map(items.flatMap((list) => list.map((item) => [item.node, item])));
    this.#matching = matching;
  }

  /** Matches neighbours of matched nodes until nothing is left to match. O(edges). */
  run(likeness: Likeness): void {
    const { first, second } = this.#pair;
    for (const [a, b] of this.#matching.pairs) if (a.graph === first) this.#pending.push([a, b]);
    for (const slot of first.outputs) {
      const other = second.outputs.find(({ name }) => name === slot.name);
      if (other) this.#pairProducers(slot.value, [other.value], likeness);
    }
    for (const { value } of first.inputs) {
      const other = this.#matching.inputs.get(value);
      if (other) this.#pairReaders(value, other, likeness);
    }
    for (let pair = this.#pending.pop(); pair; pair = this.#pending.pop()) {
      const [a, b] = pair;
      a.inputs.forEach((value, slot) => {
        const others = isCommutative(a) ? [b.inputs[slot], ...b.inputs] : [b.inputs[slot]];
        this.#pairProducers(value, others, likeness);
      });
      a.outputs.forEach((value, index) => {
        const other = b.outputs[index];
        if (other) this.#pairReaders(value, other, likeness);
      });
    }
  }

  /** Matches what makes a value with what makes one of the values in its place. */
  #pairProducers(value: Value | undefined, others: readonly (Value | undefined)[], likeness: Likeness): void {
    const node = value && this.#free(value.producer);
    if (!node) return;
    for (const other of others) {
      const candidate = this.#free(other?.producer);
      if (!candidate || !areSameOutputs(value, other) || !this.#areAlike(node, candidate, likeness)) continue;
      this.#match(node, candidate);
      return;
    }
  }

  /** Matches the readers of two values that are alike, where there are as many of them. */
  #pairReaders(value: Value, other: Value, likeness: Likeness): void {
    const right = this.#readers(other, likeness);
    for (const [key, nodes] of this.#readers(value, likeness)) {
      const candidates = right.get(key) ?? [];
      if (candidates.length === nodes.length) nodes.forEach((node, index) => this.#match(node, candidates[index]!));
    }
  }

  #readers(value: Value, likeness: Likeness): ReadonlyMap<string, readonly Node[]> {
    const groups = new Map<string, Node[]>();
    for (const use of value.uses) {
      const node = use.kind === 'input' ? this.#free(use.node) : undefined;
      if (!node || use.kind !== 'input') continue;
      const key = `${this.#key(node, likeness)}@${isCommutative(node) ? '*' : use.index}`;
      const list = groups.get(key);
      if (list) list.push(node);
      else groups.set(key, [node]);
    }
    return groups;
  }

  /** A node of these graphs that has no counterpart yet. */
  #free(node: Node | undefined): Node | undefined {
    return node && this.#items.has(node) && !this.#matching.has(node) ? node : undefined;
  }

  #areAlike(first: Node, second: Node, likeness: Likeness): boolean {
    return this.#key(first, likeness) === this.#key(second, likeness);
  }

  #key(node: Node, likeness: Likeness): string {
    return likeness === 'operator' ? node.op : this.#items.get(node)!.local('form');
  }

  #match(first: Node, second: Node): void {
    if (this.#matching.has(first) || this.#matching.has(second)) return;
    this.#matching.pair(first, second);
    this.#pending.push([first, second]);
  }
}

function areSameOutputs(first: Value, second: Value | undefined): boolean {
  return first.def.kind === 'node' && second?.def.kind === 'node' && first.def.index === second.def.index;
}
