import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import { couldMatchAt } from '../pattern/head.js';
import { Match } from '../pattern/match.js';
import { type Miss, showBlame, showValue } from '../pattern/miss.js';
import { Search } from '../pattern/search.js';
import { invariant } from '../support/invariant.js';
import type { Rule, RuleContext } from './rule.js';

/** A rule that fits a node, or why it does not when that was asked for. */
export type Attempt =
  | { readonly fits: true; readonly match: Match }
  | { readonly fits: false; readonly miss: Miss | undefined };

/**
 * Tries a rule at a node without changing anything: the pattern, versions and dtypes, the uses of what would disappear, the rule's own
 * check. A check that says no sends the search on to the next way in which the pattern matches.
 * The reason is made only when `explains` asks for it.
 */
export function attempt<O extends object>(
  rule: Rule<O>,
  node: Node,
  context: RuleContext<O>,
  explains: boolean,
): Attempt {
  if (!explains && !couldMatchAt(rule.pattern, node)) return { fits: false, miss: undefined };
  const unsuitable = unsuitability(rule, node, context);
  if (unsuitable !== undefined && !explains) return { fits: false, miss: undefined };
  const search = new Search(node, context.types);
  let match: Match | undefined;
  search.run(rule.pattern, (bindings) => {
    if (unsuitable !== undefined) return search.fail(node, () => unsuitable);
    const candidate = new Match(node, bindings, context.types);
    const leak = leakOf(candidate);
    if (leak) return search.fail(leak, () => `${showValue(leak)} is used outside the matched nodes`);
    const verdict = rule.check?.(candidate, context);
    if (verdict?.ok === false) return search.fail(verdict.blame, () => verdict.reason);
    match = candidate;
    return true;
  });
  if (match) return { fits: true, match };
  if (!explains) return { fits: false, miss: undefined };
  const miss = search.nearest.found;
  invariant(miss, `${rule.name} did not match and does not say why`);
  return { fits: false, miss };
}

/** A miss as one line: the reason, with the node or value to blame where the reason does not name it and it is not the root. */
export function showMiss(miss: Miss, root: Node): string {
  const { blame, reason } = miss;
  if (!blame || blame === root) return reason;
  const name = showBlame(blame);
  return reason.includes(name) ? reason : `${reason} at ${name}`;
}

function unsuitability<O extends object>(rule: Rule<O>, node: Node, { types }: RuleContext<O>): string | undefined {
  const opset = node.graph.opset('') ?? 0;
  if (opset < (rule.minOpset ?? 0)) return `opset ${opset} is imported, ${rule.minOpset} is needed`;
  if (opset > (rule.maxOpset ?? opset)) return `opset ${opset} is imported, at most ${rule.maxOpset} is possible`;
  const output = node.outputs[0];
  if (!rule.dtypes || !output) return undefined;
  const dtype = types.dtype(output);
  if (dtype && rule.dtypes.includes(dtype)) return undefined;
  return `${showValue(output)} is ${dtype ?? 'of an unknown type'}, not ${rule.dtypes.join(' or ')}`;
}

/** A value between matched nodes that something else reads, or that the graph gives. */
function leakOf(match: Match): Value | undefined {
  const inside = new Set(match.nodes);
  for (const node of match.nodes) {
    if (node === match.root) continue;
    for (const value of node.outputs) {
      for (const use of value.uses) if (use.kind === 'output' || !inside.has(use.node)) return value;
    }
  }
  return undefined;
}
