import type { Detector } from './detect.js';
import type { Meeting, Term } from './meetings.js';
import { between, grows, shrinks } from './region.js';
import { onlyDataInput, type Op, type Val } from './view.js';

/** Longest way that is followed back to where a lateral connection leaves the encoder. */
const MOST_STEPS = 64;

/**
 * A lateral connection: one term was just brought back to the resolution of the other one, which left the same past before it was
 * reduced (feature pyramids, arXiv:1612.03144).
 */
export function acrossStages(detector: Detector, terms: readonly Term[]): Meeting | undefined {
  const [a, b] = terms;
  if (terms.length !== 2 || !a || !b) return undefined;
  for (const [branch, skip] of [
    [a, b],
    [b, a],
  ] as const) {
    const grown = branch.chain.some((step) => step.val.op !== undefined && grows(step.val.op));
    const start = grown ? lateralStart(detector, skip.val, branch.val) : undefined;
    const step = skip.chain[0];
    if (start && step) return { skip, step: { ...step, val: start }, branch, crossing: true };
  }
  return undefined;
}

/** The value before `lateral` that the other term was reduced from. */
function lateralStart(detector: Detector, lateral: Val, other: Val): Val | undefined {
  const past = ancestors(other);
  let at: Val | undefined = lateral;
  for (let step = 0; at && step < MOST_STEPS; step++) {
    if (past.has(at)) return between(at, other).some(shrinks) ? at : undefined;
    if (at.op && (shrinks(at.op) || grows(at.op))) return undefined;
    at = before(detector, at);
  }
  return undefined;
}

function before(detector: Detector, val: Val): Val | undefined {
  const merge = detector.streams.mergeAt(val);
  if (merge) return merge.input;
  return detector.pointwise.source(val)?.of ?? (val.op && onlyDataInput(val.op));
}

function ancestors(of: Val): ReadonlySet<Val> {
  const found = new Set<Val>();
  const seen = new Set<Op>();
  const stack: Val[] = [of];
  for (let val = stack.pop(); val; val = stack.pop()) {
    found.add(val);
    if (!val.op || seen.has(val.op)) continue;
    seen.add(val.op);
    for (const input of val.op.inputs) if (input) stack.push(input);
  }
  return found;
}
