import type { Node } from '../ir/node.js';
import { Value } from '../ir/value.js';
import { labelOf } from '../ir/path.js';

/** Why a pattern or a rule did not fit: how far it got, what was missing, and which node or value is to blame. */
export interface Miss {
  /** Nodes that had matched when it failed. */
  readonly matched: number;
  readonly blame: Node | Value | undefined;
  readonly reason: string;
}

/**
 * Keeps the miss that got furthest; at the same node the right operator with a wrong attribute or operand count is further than another
 * operator. Of two equal misses the first stays, since that is the alternative that the rule means first.
 */
export class NearestMiss {
  #rank = -1;
  #matched = 0;
  #blame: Node | Value | undefined;
  #describe: (() => string) | undefined;

  /** Notes a failure after `matched` nodes, `near` when the next one is of the right operator; its text is made only when somebody asks. */
  note(matched: number, near: boolean, blame: Node | Value | undefined, describe: () => string): void {
    const rank = 2 * matched + (near ? 1 : 0);
    if (rank <= this.#rank) return;
    this.#rank = rank;
    this.#matched = matched;
    this.#blame = blame;
    this.#describe = describe;
  }

  /** The nearest miss so far. */
  get found(): Miss | undefined {
    const describe = this.#describe;
    return describe && { matched: this.#matched, blame: this.#blame, reason: describe() };
  }
}

/** A value as messages show it: `%name`, or by its place among the outputs of its node. */
export function showValue(value: Value): string {
  if (value.hint !== '') return `%${value.hint}`;
  const { producer } = value;
  if (!producer) return 'a value without a name';
  return `output ${producer.outputs.indexOf(value)} of ${labelOf(producer)}`;
}

/** A value or node as messages show it. */
export function showBlame(blame: Node | Value): string {
  return blame instanceof Value ? showValue(blame) : labelOf(blame);
}

/** A number as messages show it: whole ones exactly, others to the seven digits that float32 has. */
export function showNumber(value: number): string {
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(7)));
}
