import { runRules } from '../rewrite/driver.js';
import type { Rule } from '../rewrite/rule.js';
import { indexRules } from '../rewrite/rule-index.js';
import { keepsPromise } from '../rewrite/semantics.js';
import { invariant } from '../support/invariant.js';
import type { Pass } from './pass.js';

/** What {@link rulePass} makes a pass from. */
export type RulePassSpec<O extends object> = Omit<Pass<O>, 'run' | 'rules'> & { readonly rules: readonly Rule<O>[] };

/**
 * A pass that applies rules wherever they fit. Where several fit one node the first in the list wins.
 * @throws InvariantError when a rule promises less than the pass, shares its name with another, or declares a wrong root
 */
export function rulePass<O extends object = object>(spec: RulePassSpec<O>): Pass<O> {
  const { rules, ...facts } = spec;
  for (const rule of rules) {
    invariant(
      keepsPromise(rule.semantics ?? spec.semantics, spec.semantics),
      `rule ${rule.name} promises less than its pass ${spec.name}`,
    );
  }
  const index = indexRules(rules);
  return {
    ...facts,
    rules: Object.fromEntries(rules.map((rule) => [rule.name, rule.summary ?? spec.summary])),
    run: (model, context) => runRules(model, index, context),
  };
}
