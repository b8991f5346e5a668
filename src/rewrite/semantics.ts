/**
 * What a pass or a rule promises, and what the verifier holds it to: `exact`: the same bits · `equivalent`: equal up to rounding ·
 * `identity-at-init`: equal at the initial values of new parameters · `changes-function`: equal to the reference that it declares.
 */
export type Semantics = 'exact' | 'equivalent' | 'identity-at-init' | 'changes-function';

const STRENGTH: readonly Semantics[] = ['exact', 'equivalent', 'identity-at-init', 'changes-function'];

/** Whether whoever promises `promise` also keeps `asked`. */
export function keepsPromise(promise: Semantics, asked: Semantics): boolean {
  return STRENGTH.indexOf(promise) <= STRENGTH.indexOf(asked);
}
