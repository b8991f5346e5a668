/** Numbers in [0, 1), the same on every machine: a Weyl sequence through the 32-bit finalizer of MurmurHash3 (Appleby). */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
    bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
    return ((bits ^ (bits >>> 16)) >>> 0) / 2 ** 32;
  };
}

/** How many uniform numbers make a normal one. */
const TERMS = 12;

/** Nearly normal numbers of mean 0 and variance 1 (Irwin–Hall): sums, which every machine rounds alike. */
export function seededNormal(seed: number): () => number {
  const next = seededUniform(seed);
  return () => {
    let sum = -TERMS / 2;
    for (let i = 0; i < TERMS; i++) sum += next();
    return sum;
  };
}

/** A seed for a label, from a seed for all (FNV-1a). */
export function seedFor(seed: number, label: string): number {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let i = 0; i < label.length; i++) hash = Math.imul(hash ^ label.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
