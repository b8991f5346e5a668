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

/** Keeps the miss that got furthest; of two equal ones the first, since that is the alternative that the rule means first. */
export class NearestMiss {
  #matched = -1;
  #blame: Node | Value | undefined;
  #describe: (() => string) | undefined;

  /** Notes a failure; its text is made only when somebody asks. */
  note(matched: number, blame: Node | Value | undefined, describe: () => string): void {
    if (matched <= this.#matched) return;
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
