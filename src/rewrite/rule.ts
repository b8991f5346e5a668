import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { Match } from '../pattern/match.js';
import type { Pat } from '../pattern/pattern.js';
import type { Verdict } from '../pattern/verdict.js';
import type { Types } from '../shape/types.js';
import type { DType } from '../tensor/dtype.js';
import type { Edit } from './edit.js';
import type { Semantics } from './semantics.js';

/** What rules may know beside the match. */
export interface RuleContext<O extends object = object> {
  readonly options: O;
  readonly types: Types;
  /** The runtime whose operators may be added; `standard` for those of the ONNX standard only. */
  readonly target: string;
  /** Bytes by which the model may grow. The driver keeps to it. */
  readonly maxGrowth: number;
}

/** What the driver needs of whoever runs it; the context of a pass is one. */
export interface RuleHost<O extends object = object> extends RuleContext<O> {
  readonly signal: AbortSignal | undefined;
  rewrite(rule: string, root: Node | Graph, edit: (edit: Edit) => boolean | void): boolean;
  /** Whether anybody wants to know what was declined. */
  readonly explains: boolean;
  decline(rule: string, node: Node, reason: string, matched?: number): void;
}

/** One rewrite: a pattern, conditions, and what takes its place. Keeps no state; what it finds out travels in the match. */
export interface Rule<O extends object = object> {
  /** Kebab case, unique within its pass. */
  readonly name: string;
  /** One line, for `passes NAME`. */
  readonly summary?: string;
  /** The operators at which the pattern starts: `Add`, `com.microsoft.Gelu`. */
  readonly root: string | readonly string[];
  /** That of the pass when absent. */
  readonly semantics?: Semantics;
  /** Versions of the default domain, inclusive, where the nodes stand. */
  readonly minOpset?: number;
  readonly maxOpset?: number;
  /** Element types that the root's first output may have; others, and unknown ones, decline. */
  readonly dtypes?: readonly DType[];
  readonly pattern: Pat;
  /** Conditions beyond the pattern; pure. */
  check?(match: Match, context: RuleContext<O>): Verdict;
  /**
   * Builds what takes the place of the root's outputs, in order, and gives it; the driver replaces them. `undefined` gives up, and
   * what was built is taken back.
   */
  rewrite(match: Match, edit: Edit, context: RuleContext<O>): Value | readonly Value[] | undefined;
}
