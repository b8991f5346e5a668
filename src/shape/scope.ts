import type { Diagnostic, Severity } from '../diagnostics/diagnostic.js';
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

/** The contradictions found in a scope, in the order of nodes. Those of a branch are warnings: it may be one that never runs. */
export function problemsOf(scope: Scope): readonly Diagnostic[] {
  const nodes = [...scope.problems.keys()].sort((a, b) => a.id - b.id);
  return nodes.flatMap((node) => {
    const found = scope.problems.get(node) ?? [];
    return isInBranch(node) ? found.map((each) => ({ ...each, severity: softer(each.severity) })) : found;
  });
}

function softer(severity: Severity): Severity {
  return severity === 'error' ? 'warning' : severity;
}

function isInBranch(node: Node): boolean {
  for (let parent = node.graph.parent; parent; parent = parent.graph.parent) if (parent.op === 'If') return true;
  return false;
}
