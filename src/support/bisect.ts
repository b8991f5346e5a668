/** What {@link findFirstBad} came to. */
export interface Bisection {
  /** The smallest count at which things are bad, 0 when they are without anything. */
  readonly first: number;
  /** Times that `isGood` was asked. */
  readonly asked: number;
}

/** The smallest `n` in `[0, bad]` for which `isGood(n)` fails, given that it fails for `bad` and, once it fails, for all above. O(log bad). */
export async function findFirstBad(bad: number, isGood: (count: number) => Promise<boolean>): Promise<Bisection> {
  let [low, high, asked] = [-1, bad, 0];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    asked++;
    if (await isGood(middle)) low = middle;
    else high = middle;
  }
  return { first: high, asked };
}
