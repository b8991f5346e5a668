import type { NumericArray } from '../tensor/array.js';
import type { Feeds } from './inputs.js';
import { createRandom, type Random } from './random.js';

/** The feeds with every floating point element moved to the next one up or down; zeros, NaN and infinities stay. */
export function perturb(feeds: Feeds, seed: number): Feeds {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, array]) => [name, nudge(array, createRandom(seed, `ulp ${name}`))]),
  );
}

/** Neighbouring floats have neighbouring bit patterns, sign and magnitude apart. */
function nudge(array: NumericArray, random: Random): NumericArray {
  const { dtype, data } = array;
  if (dtype === 'float32' && data instanceof Float32Array) {
    const moved = Float32Array.from(data);
    const bits = new Uint32Array(moved.buffer);
    for (let i = 0; i < bits.length; i++) {
      const magnitude = bits[i]! & 0x7fffffff;
      if (magnitude > 1 && magnitude < 0x7f7fffff) bits[i] = bits[i]! + (random.uniform() < 0.5 ? 1 : -1);
    }
    return { ...array, data: moved };
  }
  if (dtype === 'float16' && data instanceof Uint16Array) {
    const bits = Uint16Array.from(data);
    for (let i = 0; i < bits.length; i++) {
      const magnitude = bits[i]! & 0x7fff;
      if (magnitude > 1 && magnitude < 0x7bff) bits[i] = bits[i]! + (random.uniform() < 0.5 ? 1 : -1);
    }
    return { ...array, data: bits };
  }
  if (dtype !== 'float64' || !(data instanceof Float64Array)) return array;
  const moved = Float64Array.from(data, (value) => value * (random.uniform() < 0.5 ? 1 + 2 ** -52 : 1 - 2 ** -53));
  return { ...array, data: moved };
}
