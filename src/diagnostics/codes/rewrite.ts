import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** The rewritten model does not give what the operation promises: a defect of ours, nothing is emitted. */
export function rewriteMismatch(at: Place, why: string): Diagnostic {
  const hint = 'Please report it with the model and the recipe.';
  return diagnostic('error', 'rewrite/mismatch', at, `the rewritten model is not what it should be: ${why}`, hint);
}

/** The rewritten model could not be compared with anything. */
export function rewriteUnverifiable(at: Place, why: string): Diagnostic {
  const hint = 'Write it unverified with --no-verify.';
  return diagnostic('error', 'rewrite/unverifiable', at, `the rewritten model could not be verified: ${why}`, hint);
}
