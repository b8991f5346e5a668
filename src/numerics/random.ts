import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of numbers that depends on seed and label alone, the same on every machine and engine. */
export interface Random {
  /** Uniform in [0, 1), a multiple of 2^-53. */
  uniform(): number;
  /** Normal with mean 0 and standard deviation 1. */
  normal(): number;
  /** A uniform integer in `[low, high]`. */
  integer(low: number, high: number): number;
  /** A uniform integer in `[low, high]`, of any size. */
  bigint(low: bigint, high: bigint): bigint;
}

/** Streams with another seed or another label are independent of each other; `label` names what the numbers are for. */
export function createRandom(seed: number, label: string): Random {
  const mix = splitmix32(hash(label, seed));
  const generator = xoroshiro128plusFromState([mix(), mix(), mix(), mix()]);
  const word = (): number => generator.next() >>> 0;
  const uniform = (): number => (word() * 2 ** 21 + (word() >>> 11)) * 2 ** -53;
  let spare: number | undefined;
  return {
    uniform,
    normal() {
      const ready = spare;
      if (ready !== undefined) {
        spare = undefined;
        return ready;
      }
      const [one, other] = normalPair(uniform);
      spare = other;
      return one;
    },
    integer: (low, high) => low + Math.floor(uniform() * (high - low + 1)),
    bigint(low, high) {
      const span = high - low + 1n;
      let value = 0n;
      // 64 bits more than the span needs make the bias of the remainder negligible.
      for (let reach = 1n; reach >> 64n < span; reach <<= 32n) value = (value << 32n) | BigInt(word());
      return low + (value % span);
    },
  };
}

/** Marsaglia's polar method (SIAM Review 6, 1964), with a logarithm of basic operations only: `Math.log` differs between engines. */
function normalPair(uniform: () => number): readonly [number, number] {
  for (;;) {
    const u = 2 * uniform() - 1;
    const v = 2 * uniform() - 1;
    const s = u * u + v * v;
    if (s === 0 || s >= 1) continue;
    const factor = Math.sqrt((-2 * naturalLogarithm(s)) / s);
    return [u * factor, v * factor];
  }
}

const view = new DataView(new ArrayBuffer(8));

/** ln(x) of a positive normal number, to about one unit in the last place: ln x = e ln 2 + 2 atanh((m - 1) / (m + 1)). */
function naturalLogarithm(x: number): number {
  view.setFloat64(0, x);
  const high = view.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  view.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let mantissa = view.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const z = (mantissa - 1) / (mantissa + 1);
  let series = 0;
  for (let k = 23; k >= 1; k -= 2) series = series * z * z + 1 / k;
  return exponent * Math.LN2 + 2 * z * series;
}

/** FNV-1a over the UTF-16 code units, started from the seed. */
function hash(label: string, seed: number): number {
  let state = Math.imul(seed ^ 0x811c9dc5, 0x01000193);
  for (let i = 0; i < label.length; i++) state = Math.imul(state ^ label.charCodeAt(i), 0x01000193);
  return state;
}

/** Steele, Lea and Flood, "Fast splittable pseudorandom number generators" (2014), in 32 bits. */
function splitmix32(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return mixed ^ (mixed >>> 16);
  };
}
