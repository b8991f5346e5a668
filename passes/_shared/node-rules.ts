import { type Edit, type Graph, type Model, type Node, type Pass, type PassContext, type Semantics } from '#core';

/** What a rewrite does once it is decided on; `false` takes it back. */
export type Plan = (edit: Edit) => boolean | void;

/** A rule that looks at one node, and from it as far up as it likes. */
export interface NodeRule {
  readonly name: string;
  /** One line for `passes NAME`. */
  readonly summary: string;
  /** Less than the pass promises: −0 may become +0, or a sum be rounded otherwise. */
  readonly semantics?: 'equivalent';
  /** Operators of the default domain that it looks at; all when absent. */
  readonly ops?: readonly string[];
  /** What to do at this node; `undefined` when there is nothing to do. Pure: it changes nothing itself. */
  plan(node: Node, cx: PassContext): Plan | undefined;
}

/**
 * A pass of rules that look at one node each, in every scope, producers first; nodes that a rule made are looked at as well. At a
 * node the first rule that has a plan wins, and rules are asked again as long as the node stands and one of them changes it.
 */
export function nodeRules(
  pass: Pick<Pass, 'name' | 'summary'> & { readonly semantics: Semantics; readonly rules: readonly NodeRule[] },
): Pass {
  const byOp = new Map<string, NodeRule[]>();
  for (const rule of pass.rules) {
    for (const op of rule.ops ?? ['*']) byOp.set(op, [...(byOp.get(op) ?? []), rule]);
  }
  const general = byOp.get('*') ?? [];
  const rulesFor = (node: Node): readonly NodeRule[] =>
    node.domain === '' ? [...(byOp.get(node.opType) ?? []), ...general] : general;
  return {
    name: pass.name,
    summary: pass.summary,
    semantics: pass.semantics,
    equivalentRules: pass.rules.filter((rule) => rule.semantics === 'equivalent').map((rule) => rule.name),
    rules: Object.fromEntries(pass.rules.map((rule) => [rule.name, rule.summary])),
    run(model: Model, cx) {
      for (const graph of [...model.graphs()]) visitGraph(graph, rulesFor, cx);
    },
  };
}

/** Changes of one node in place that one visit may make. */
const CHANGES = 8;

function visitGraph(graph: Graph, rulesFor: (node: Node) => readonly NodeRule[], cx: PassContext): void {
  if (graph.parent && !graph.parent.alive) return;
  const seen = new Set<Node>();
  const visit = (node: Node): void => {
    if (seen.has(node)) return;
    seen.add(node);
    const rules = rulesFor(node);
    for (let changes = 0; changes < CHANGES && rules.length > 0 && node.alive; changes++) {
      if (!applyFirst(rules, node, cx)) return;
    }
  };
  for (const node of graph.topo()) visit(node);
  for (const node of graph.nodes.values()) visit(node); // a live view: nodes that rules made come last
}

function applyFirst(rules: readonly NodeRule[], node: Node, cx: PassContext): boolean {
  for (const rule of rules) {
    const plan = rule.plan(node, cx);
    if (plan && cx.rewrite(rule.name, node, plan)) return true;
  }
  return false;
}

/** Lets `to` take the place of the first output of a node, if something reads it. */
export function passThrough(node: Node, to: Node['inputs'][number]): Plan | undefined {
  const output = node.outputs[0];
  return to && output && output.uses.size > 0 ? (edit) => edit.replace(output, to) : undefined;
}
