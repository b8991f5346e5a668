import type { Attributes } from './attribute.js';
import type { Graph } from './graph.js';
import type { Node } from './node.js';
import type { Value } from './value.js';

/** One mutation, with what it replaced. Enough to undo it and to tell afterwards what a rewrite did. */
export type Change =
  | { readonly kind: 'add-node'; readonly node: Node }
  | { readonly kind: 'erase-node'; readonly node: Node }
  | { readonly kind: 'set-inputs'; readonly node: Node; readonly before: readonly (Value | undefined)[] }
  | { readonly kind: 'set-attributes'; readonly node: Node; readonly before: Attributes }
  | { readonly kind: 'trim-outputs'; readonly node: Node; readonly removed: readonly Value[] }
  | { readonly kind: 'set-output'; readonly graph: Graph; readonly index: number; readonly before: Value }
  | { readonly kind: 'replace-uses'; readonly from: Value; readonly to: Value }
  | { readonly kind: 'add-initializer'; readonly value: Value }
  | { readonly kind: 'erase-initializer'; readonly value: Value }
  | { readonly kind: 'other' };

interface Entry {
  readonly change: Change;
  readonly undo: () => void;
}

/** The mutations of a model since its outermost open transaction; inactive outside of one. */
export class Journal {
  readonly #entries: Entry[] = [];
  #depth = 0;

  /** Called by every mutator after it has acted. */
  record(change: Change, undo: () => void): void {
    if (this.#depth > 0) this.#entries.push({ change, undo });
  }

  /**
   * Runs `edit`; when it throws or returns `false`, every mutation that it made is undone, in O(number of mutations).
   * Nests. Returns the changes in order, or `undefined` when they were undone by a `false`.
   */
  transaction(edit: () => boolean | void): readonly Change[] | undefined {
    const mark = this.#entries.length;
    this.#depth++;
    let keep = false;
    try {
      keep = edit() !== false;
    } finally {
      if (!keep) this.#rollback(mark);
      this.#depth--;
    }
    const changes = keep ? this.#entries.slice(mark).map((entry) => entry.change) : undefined;
    if (this.#depth === 0) this.#entries.length = 0;
    return changes;
  }

  #rollback(mark: number): void {
    const depth = this.#depth;
    this.#depth = 0; // undoing is not recorded
    while (this.#entries.length > mark) this.#entries.pop()?.undo();
    this.#depth = depth;
  }
}
