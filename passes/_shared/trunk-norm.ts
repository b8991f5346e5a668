import { dependsOn, isOp, type Node, type Value } from '#core';
import type { Addition } from './addition.js';
import { findNorm, findNormBetween, type NormSite } from './norm-site.js';

/** How many operators below a sum are looked at for the norm that reads it. */
const STEPS = 32;

/** The norm that reads the sum of an addition, with all of its affine tail. */
export function normBehind({ sum }: Addition): NormSite | undefined {
  let found: NormSite | undefined;
  const stack = [...sum.uses];
  const seen = new Set<Node>();
  for (let use = stack.shift(); use && seen.size < STEPS; use = stack.shift()) {
    if (use.kind !== 'input' || seen.has(use.node)) continue;
    seen.add(use.node);
    for (const output of use.node.outputs) {
      const norm = findNorm(output);
      if (norm?.input === sum && (!found || norm.nodes.length > found.nodes.length)) found = norm;
      stack.push(...output.uses);
    }
  }
  return found;
}

/** Whether the norm starts the branch of a later addition, whose skip starts where the norm reads. */
export function isNextPreNorm(norm: NormSite): boolean {
  return [...norm.input.uses].some((use) => use.kind === 'input' && isSkipBeside(use.node, norm.input, norm.output));
}

/** Whether the node adds `value` to something that is made of `other`. */
function isSkipBeside(node: Node, value: Value, other: Value): boolean {
  if (!isOp(node, 'Add', 'Sum')) return false;
  return node.inputs.some((input) => input && input !== value && dependsOn(input, other));
}

/**
 * The norm of a post-norm network's addition: it stands on the stream, y = N(x + F(x)). It alone reads the sum, none stands in front of
 * the branch, and the stream comes from a norm or goes on from this one, so that it is no final norm.
 */
export function trunkNorm(addition: Addition): NormSite | undefined {
  const { sum, skip, branch } = addition;
  const norm = normBehind(addition);
  if (!norm || findNormBetween(skip, branch)) return undefined;
  const inside = new Set(norm.nodes);
  const alone = [...sum.uses].every((use) => use.kind === 'input' && inside.has(use.node));
  const goesOn = [...norm.output.uses].some(
    (use) => use.kind === 'input' && isSkipBeside(use.node, norm.output, norm.output),
  );
  return alone && (goesOn || findNorm(skip)) ? norm : undefined;
}
