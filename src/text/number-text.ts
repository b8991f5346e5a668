const CHUNK = 8192;
/** Decimals that every 32-bit float has. */
const MAX_DIGITS = 9;

/** The shortest decimal that reads back as this 32-bit float; `inf`, `-inf` and `nan` as the standard's parser takes them. */
export function float32Text(value: number): string {
  const plain = float64Text(value);
  if (plain.length <= 8) return plain;
  let best = shorten(value, MAX_DIGITS);
  for (let digits = MAX_DIGITS - 1; digits > 0; digits--) {
    const candidate = shorten(value, digits);
    if (!readsAs(candidate, value)) break;
    best = candidate;
  }
  return best;
}

/** The number rounded to so many digits, without zeros at the end. */
function shorten(value: number, digits: number): string {
  return float64Text(Number(value.toPrecision(digits)));
}

/**
 * Whether readers that round the decimal once and readers that go through 64 bits both get `value`: the decimal is not so close
 * to the middle between two floats that the first rounding decides.
 */
function readsAs(text: string, value: number): boolean {
  const read = Number(text);
  const slack = Math.abs(read) * Number.EPSILON;
  return Math.fround(read - slack) === value && Math.fround(read + slack) === value;
}

/** The shortest decimal that reads back as this 64-bit float; with an exponent below 1e-4. */
export function float64Text(value: number): string {
  if (Object.is(value, -0)) return '-0.0';
  if (Number.isFinite(value)) return value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : String(value);
  return Number.isNaN(value) ? 'nan' : value > 0 ? 'inf' : '-inf';
}

/** A float that does not read as an integer: `1.0`. */
export function pointed(text: string): string {
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}

/** The texts of `count` values with commas between, without holding them all at once. */
export function joinTexts(count: number, at: (index: number) => string): string {
  const chunks: string[] = [];
  for (let start = 0; start < count; start += CHUNK) {
    const chunk = Array.from({ length: Math.min(CHUNK, count - start) }, (_, i) => at(start + i));
    chunks.push(chunk.join(', '));
  }
  return chunks.join(', ');
}
