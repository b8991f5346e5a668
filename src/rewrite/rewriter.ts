import type { Change } from '../ir/journal.js';
import type { Model } from '../ir/model.js';
import { capturedValues } from '../ir/order.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { graphPath, pathOf } from '../ir/path.js';
import { Graph } from '../ir/graph.js';
import { Edit } from './edit.js';
import { type RewriteRecord, summarize } from './record.js';

export interface RewriterOptions {
  /** Told of every rewrite that stands. */
  readonly onRewrite?: (record: RewriteRecord) => void;
  /** Decides on a rewrite that was made: `false` takes it back. Used to stop after N, to bisect, to deny what verification refuted. */
  readonly accept?: (record: RewriteRecord) => boolean;
}

/** Carries out rewrites one by one, each in a transaction of its own, numbered, with everything that became dead removed. */
export class Rewriter {
  readonly #model: Model;
  readonly #options: RewriterOptions;
  #count = 0;

  constructor(model: Model, options: RewriterOptions = {}) {
    this.#model = model;
    this.#options = options;
  }

  /** Rewrites that stand so far. */
  get count(): number {
    return this.#count;
  }

  /**
   * Runs `edit` at `root`. Undone when it returns `false`, throws, or is not accepted; gives whether the rewrite stands.
   * Nodes and constants that nothing uses any more because of it are removed.
   */
  apply(pass: string, rule: string, root: Node | Graph, edit: (edit: Edit) => boolean | void): boolean {
    const at = root instanceof Graph ? graphPath(root) : pathOf(root);
    let record: RewriteRecord | undefined;
    const changes = this.#model.transaction(() => {
      const made = this.#model.transaction(() => edit(new Edit(root, rule)));
      if (!made || made.length === 0) return false;
      const swept = this.#model.transaction(() => sweep(made)) ?? [];
      record = { number: this.#count + 1, pass, rule, at, ...summarize([...made, ...swept]) };
      return this.#options.accept?.(record) ?? true;
    });
    if (!changes || !record) return false;
    this.#count++;
    this.#options.onRewrite?.(record);
    return true;
  }
}

/** Removes nodes and constants that lost their last use in these changes, and what they alone used. */
function sweep(changes: readonly Change[]): void {
  const suspects: Value[] = [];
  const suspect = (values: readonly (Value | undefined)[]): void => {
    for (const value of values) if (value) suspects.push(value);
  };
  for (const change of changes) {
    if (change.kind === 'replace-uses') suspects.push(change.from);
    else if (change.kind === 'set-inputs' || change.kind === 'erase-node') {
      suspect(change.kind === 'set-inputs' ? change.before : change.node.inputs);
    } else if (change.kind === 'set-output') suspects.push(change.before);
    else if (change.kind === 'add-node') suspect(change.node.outputs);
    else if (change.kind === 'add-initializer') suspects.push(change.value);
  }
  eraseDead(suspects);
}

/** Erases those of these values that nothing uses, with the nodes that make them, and whatever becomes unused by that. */
export function eraseDead(values: readonly Value[]): void {
  const stack = [...values];
  for (let value = stack.pop(); value; value = stack.pop()) {
    if (value.uses.size > 0) continue;
    const { graph, producer } = value;
    if (producer) {
      if (!producer.alive || producer.outputs.some((output) => output.uses.size > 0)) continue;
      const captured = capturedValues(producer);
      graph.erase(producer);
      for (const input of [...producer.inputs, ...captured]) if (input) stack.push(input);
    } else if (graph.initializers.has(value)) graph.eraseInitializer(value);
  }
}
