import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Dim } from '../dim/dim.js';
import type { Attributes } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { NodeHost } from './context.js';
import type { Fact } from './fact.js';

/** Facts of one place where values live: the main graph with its bodies, or one call of a function. */
export class Scope {
  readonly facts = new Map<Value, Fact>();
  /** Contradictions of the last run of each node. */
  readonly problems = new Map<Node, readonly Diagnostic[]>();
  /** Symbols by the node that made them: a node that runs again uses the same ones. */
  readonly symbols = new Map<Node, Dim[]>();
  /** Function calls by their node. */
  readonly calls = new Map<Node, Scope>();
  readonly attributes: Attributes;
  readonly depth: number;
  /** What the nodes that are inferred here see. */
  host: NodeHost | undefined;

  constructor(attributes: Attributes, depth: number) {
    this.attributes = attributes;
    this.depth = depth;
  }
}

/** The contradictions found in a scope, in the order of nodes. */
export function problemsOf(scope: Scope): readonly Diagnostic[] {
  const nodes = [...scope.problems.keys()].sort((a, b) => a.id - b.id);
  return nodes.flatMap((node) => scope.problems.get(node) ?? []);
}
