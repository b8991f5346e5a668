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
