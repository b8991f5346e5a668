import { nearestName } from '../support/nearest.js';
import type { Diagnostic, Place, Severity } from './diagnostic.js';

/** A diagnostic of the given severity; `hint` is left out when undefined. The builders in `codes/` are its only callers. */
export function diagnostic(
  severity: Severity,
  code: Diagnostic['code'],
  at: Place,
  message: string,
  hint?: string,
): Diagnostic {
  return hint === undefined ? { code, severity, message, at } : { code, severity, message, at, hint };
}

/** The hint where a name is not one of those known: the one that was likely meant, or all of them. */
export function useOneOf(name: string, known: readonly string[]): string {
  const meant = nearestName(name, known);
  return meant === undefined ? `Use one of ${known.join(', ')}.` : `Did you mean "${meant}"?`;
}
