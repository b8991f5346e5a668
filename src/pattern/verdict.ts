import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';

/** Whether a condition holds, and if not, why and which node or value is to blame. */
export type Verdict =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly blame?: Node | Value };

/** The condition holds. */
export const ok: Verdict = { ok: true };

/** The condition does not hold; `reason` names the values at hand, in the user's terms. */
export function no(reason: string, blame?: Node | Value): Verdict {
  return { ok: false, reason, ...(blame && { blame }) };
}
