import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { isOp } from '../schema/read.js';
import { isCommutative } from '../schema/traits.js';

/** An input slot of two matched nodes: what each reads there. `slot` is the place in the first node. */
export interface SlotPair {
  readonly slot: number;
  readonly first: Value | undefined;
  readonly second: Value | undefined;
}

/** Which node of the second model stands where a node of the first does. */
export class Matching {
  readonly #second = new Map<Node, Node>();
  readonly #first = new Map<Node, Node>();
  readonly #inputs = new Map<Value, Value>();

  /** Pairs of nodes, in the order in which they were found. */
  get pairs(): ReadonlyMap<Node, Node> {
    return this.#second;
  }

  /** Graph inputs of the first model with those of the second that are the same. */
  get inputs(): ReadonlyMap<Value, Value> {
    return this.#inputs;
  }

  /** Says that two nodes stand in the same place. */
  pair(first: Node, second: Node): void {
    this.#second.set(first, second);
    this.#first.set(second, first);
  }

  /** Says that two graph inputs are the same one. */
  pairInputs(first: Value, second: Value): void {
    this.#inputs.set(first, second);
  }

  /** Whether the node of either model has its counterpart. */
  has(node: Node): boolean {
    return this.#second.has(node) || this.#first.has(node);
  }

  /** Whether the value of the second model is the counterpart of the value of the first; of constants, whether both are. */
  corresponds(first: Value | undefined, second: Value | undefined): boolean {
    if (!first || !second) return first === second;
    if (isConstant(first) || isConstant(second)) return isConstant(first) && isConstant(second);
    const [a, b] = [first.def, second.def];
    if (a.kind === 'node' && b.kind === 'node') return this.#second.get(a.node) === b.node && a.index === b.index;
    return this.#inputs.get(first) === second;
  }

  /** The inputs of two matched nodes side by side; operands of commutative operators that changed places are put back. */
  slots(first: Node, second: Node): readonly SlotPair[] {
    const right = [...second.inputs];
    if (right.length === 2 && isCommutative(first) && this.#isCrossed(first, second)) right.reverse();
    const count = Math.max(first.inputs.length, right.length);
    return Array.from({ length: count }, (_, slot) => ({ slot, first: first.inputs[slot], second: right[slot] }));
  }

  #isCrossed({ inputs: [a, b] }: Node, { inputs: [c, d] }: Node): boolean {
    const straight = Number(this.corresponds(a, c)) + Number(this.corresponds(b, d));
    return Number(this.corresponds(a, d)) + Number(this.corresponds(b, c)) > straight;
  }
}

/** Whether a value is an initializer or made by a Constant node: a weight, wherever it is kept. */
export function isConstant(value: Value | undefined): boolean {
  return constantOf(value) !== undefined;
}

/** Whether a node counts: Constant nodes are weights of the nodes that read them. */
export function counts(node: Node): boolean {
  return !isOp(node, 'Constant');
}
