/** Terms after which a series or fraction of {@link erf} has long ended. */
const TERMS = 200;

/**
 * The error function, to a few units in the last place of float64: below 2.5 its series of positive terms, above it the continued
 * fraction of erfc by the method of Lentz. Source: NIST Digital Library of Mathematical Functions, 7.6.2 and 7.9.2.
 */
export function erf(x: number): number {
  const size = Math.abs(x);
  if (!(size > 0)) return x;
  if (size > 6) return Math.sign(x);
  return Math.sign(x) * (size < 2.5 ? erfSeries(size) : 1 - erfcFraction(size));
}

function erfSeries(x: number): number {
  let [term, sum] = [x, x];
  for (let n = 1; n < TERMS && term > sum * Number.EPSILON * 0.1; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) for x > 0 from √π e^{x²} erfc(x) = 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))). */
function erfcFraction(x: number): number {
  let [value, c, d] = [x, x, 0];
  for (let n = 1; n < TERMS; n++) {
    d = 1 / (x + (n / 2) * d);
    c = x + n / 2 / c;
    value *= c * d;
    if (Math.abs(c * d - 1) < Number.EPSILON) break;
  }
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * value);
}

/** The standard normal distribution function Φ(x), without cancellation in the left tail. */
export function normalCdf(x: number): number {
  const z = x / Math.SQRT2;
  if (z > -2.5) return 0.5 * (1 + erf(z));
  return z < -40 ? 0 : 0.5 * erfcFraction(-z);
}

/** 1 / (1 + e^-x) without overflow. */
export function sigmoid(x: number): number {
  if (x >= 0) return 1 / (1 + Math.exp(-x));
  const e = Math.exp(x);
  return e / (1 + e);
}

/** ln(1 + e^x) without overflow. */
export function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}

/** Rounds to the nearest integer, ties to even. */
export function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  const near = rest < 0.5 || (rest === 0.5 && below % 2 === 0) ? below : below + 1;
  return near === 0 && (x < 0 || Object.is(x, -0)) ? -0 : near;
}
