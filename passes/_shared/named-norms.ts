import { type Locator, type Operation, recipeCodes, ResonnxError, type TargetSite, type Value } from '#core';

import { findAddition } from './addition.js';
import { findNormBetween } from './norm-site.js';

/** A norm that a recipe names by its output. */
export interface NamedNorm {
  readonly output: Value;
  /** Absent for the final norm and for those that are only listed. */
  readonly site: TargetSite | undefined;
}

/**
 * The norms of an operation in the order in which it names them, each once: those of its sites, by name or as the norm that the branch of a named addition starts with, `norms`, and the final norm unless
 * `withFinal` is false.
 * @throws ResonnxError `recipe/target-unknown`, `recipe/malformed` when there is none
 */
export function namedNorms(
  locator: Locator,
  { operation, targets }: Operation,
  withFinal = true,
): readonly NamedNorm[] {
  const found = new Map<Value, NamedNorm>();
  const take = (output: Value | undefined, site?: TargetSite): void => {
    if (output && !found.has(output)) found.set(output, { output, site });
  };
  for (const site of targets.sites ?? []) {
    const named = locator.findValue(site, 'norm_output');
    const made = locator.findNode(site, 'norm_node')?.outputs[0];
    if (named && made && named !== made) {
      const what = 'norm_node and norm_output name different norms';
      throw new ResonnxError([recipeCodes.targetAmbiguous({ path: operation }, what, [made.hint, named.hint])]);
    }
    take(named ?? made ?? normOfAddition(locator, site), site);
  }
  const { norms = [], final_norm_output: final } = targets;
  for (const name of norms) take(locator.value(name, undefined, 'norms'));
  if (withFinal && final !== undefined) take(locator.value(final, undefined, 'final_norm_output'));
  if (found.size > 0) return [...found.values()];
  throw new ResonnxError([recipeCodes.recipeMalformed({ path: operation }, 'targets name no norm: give norm_output')]);
}

/** The norm that the branch of an addition starts with, where a site names the addition alone. */
function normOfAddition(locator: Locator, site: TargetSite): Value | undefined {
  if (!['residual_add', 'output', 'branch_value'].some((key) => typeof site[key] === 'string')) return undefined;
  const { skip, branch } = findAddition(locator, site);
  return findNormBetween(skip, branch)?.output;
}
