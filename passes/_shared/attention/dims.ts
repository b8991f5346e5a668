import { type Dim, equal, evaluate, symbols } from '#core';

/** Lengths to try where two dims are not proven equal. */
const TRIALS = [1, 2, 3, 5, 8, 13, 64, 65, 128, 1025];

/**
 * Whether two dims that were broadcast with each other are equal in every run: proven, or true for every trial in which they may be
 * broadcast at all. Not so when one of them may be 1 alone.
 */
export function agree(a: Dim, b: Dim): boolean {
  if (equal(a, b)) return true;
  if (a === null || b === null) return false;
  const names = [...new Set([...symbols(a), ...symbols(b)])];
  if (names.length > 3) return false;
  let seen = 0;
  for (let trial = 0; trial < TRIALS.length ** names.length; trial++) {
    const sizes = new Map(
      names.map((name, i) => [name, TRIALS[Math.floor(trial / TRIALS.length ** i) % TRIALS.length]!]),
    );
    const [one, other] = [evaluate(a, sizes), evaluate(b, sizes)];
    if (one === null || other === null) return false;
    if (one === other) seen += one > 1 ? 1 : 0;
    else if (one === 1 || other === 1) return false;
  }
  return seen > 1;
}
