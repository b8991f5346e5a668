import type { Node } from '../ir/node.js';
import { compareArrays, EXACT } from '../numerics/compare.js';
import { constantOf } from '../schema/constant.js';
import type { Value } from '../ir/value.js';
import type { Tensor } from '../tensor/tensor.js';
import { slotName, valueLabel } from './changes.js';
import { isConstant, type Matching } from './matching.js';

/** Two weights in one place that do not hold the same. */
export interface WeightChange {
  /** The node of the first model that reads it, and the slot. */
  readonly node: Node;
  readonly slot: string;
  readonly before: Value;
  readonly after: Value;
  /** Absent where element type or dims differ. */
  readonly difference?: {
    /** Elements that differ. */
    readonly elements: number;
    readonly maxAbs: number;
    /** Largest difference over the largest finite element before. */
    readonly maxRel: number;
  };
}

/** Weights of matched nodes: how many are the same, and which are not. */
export class WeightDiff {
  readonly changed: WeightChange[] = [];
  readonly #seen = new Set<string>();
  readonly #known: readonly [Set<Tensor>, Set<Tensor>] = [new Set(), new Set()];
  #equal = 0;

  /** Places that read the same weight before and after; a weight that is read in several places counts once. */
  get equal(): number {
    return this.#equal;
  }

  /** Compares the weights that two matched nodes read. O(elements). */
  compare(first: Node, second: Node, matching: Matching): void {
    for (const pair of matching.slots(first, second)) {
      if (!isConstant(pair.first) || !isConstant(pair.second)) continue;
      const [before, after] = [pair.first!, pair.second!];
      const id = `${before.id}:${after.id}`;
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      this.#known[0].add(constantOf(before)!);
      this.#known[1].add(constantOf(after)!);
      const change = changeOf(constantOf(before)!, constantOf(after)!);
      if (change) this.changed.push({ node: first, slot: slotName(first, pair.slot), before, after, ...change });
      else this.#equal++;
    }
  }

  /** Weights that these nodes read and that no matched node of their model does. `side`: 0 for the first model, 1 for the second. */
  others(nodes: readonly Node[], side: 0 | 1): readonly Value[] {
    const found = new Map<Tensor, Value>();
    for (const node of nodes) {
      for (const value of node.inputs) {
        const tensor = constantOf(value);
        if (tensor && !this.#known[side].has(tensor)) found.set(tensor, value!);
      }
    }
    return [...found.values()];
  }
}

/** Nothing when the tensors hold the same. */
function changeOf(first: Tensor, second: Tensor): Pick<WeightChange, 'difference'> | undefined {
  const alike = first.dtype === second.dtype && first.shape.join() === second.shape.join();
  if (!alike) return {};
  if (first.dtype !== 'string' && areEqual(first.bytes(), second.bytes())) return undefined;
  const compared = compareArrays(first.array(), second.array(), EXACT);
  if (compared.identical) return undefined;
  const elements = compared.differing + compared.signedZeros;
  return { difference: { elements, maxAbs: compared.maxAbs, maxRel: compared.maxRel } };
}

function areEqual(first: Uint8Array, second: Uint8Array): boolean {
  return first.length === second.length && first.every((byte, index) => byte === second[index]);
}

/** What the user calls a weight, with its element type and dims. */
export function weightJson(value: Value): { name: string; dtype: string; shape: readonly number[] } {
  const { dtype, shape } = constantOf(value)!;
  return { name: valueLabel(value), dtype, shape };
}
