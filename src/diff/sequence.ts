/** Cells of a table of common subsequences beyond which a gap is left alone. */
const MOST_CELLS = 4_000_000;

/** Pairs of places of a longest common subsequence of two lists of texts, in order. O(n·m); nothing where that is too much. */
export function commonSubsequence(
  first: readonly string[],
  second: readonly string[],
): readonly (readonly [number, number])[] {
  const [n, m] = [first.length, second.length];
  if (n === 0 || m === 0 || n * m > MOST_CELLS) return [];
  const width = m + 1;
  const lengths = new Uint32Array((n + 1) * width);
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      const [down, right] = [lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!];
      const both = first[i] === second[j] ? lengths[(i + 1) * width + j + 1]! + 1 : 0;
      lengths[i * width + j] = Math.max(both, down, right);
    }
  }
  const found: [number, number][] = [];
  for (let i = 0, j = 0; i < n && j < m;) {
    const here = lengths[i * width + j]!;
    if (first[i] === second[j] && here === lengths[(i + 1) * width + j + 1]! + 1) found.push([i++, j++]);
    else if (here === lengths[(i + 1) * width + j]!) i++;
    else j++;
  }
  return found;
}

/** Places of a longest increasing subsequence of distinct numbers, in order. O(n log n). */
export function longestIncreasing(numbers: readonly number[]): readonly number[] {
  const ends: number[] = [];
  const before = new Int32Array(numbers.length);
  for (const [at, number] of numbers.entries()) {
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (numbers[ends[middle]!]! < number) low = middle + 1;
      else high = middle;
    }
    before[at] = low > 0 ? ends[low - 1]! : -1;
    ends[low] = at;
  }
  const found: number[] = [];
  for (let at = ends.at(-1) ?? -1; at >= 0; at = before[at]!) found.push(at);
  return found.reverse();
}
