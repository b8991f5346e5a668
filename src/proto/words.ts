import type { ScalarKind } from './fields.js';

/** Position of the low half of a 64-bit number among its two 32-bit words in memory. */
const LOW = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1 ? 0 : 1;

/** The element types of typed arrays in messages. */
export type NumberKind = Extract<ScalarKind, 'int32' | 'int64' | 'uint64' | 'float' | 'double'>;

/** The typed arrays that messages hold. */
export type NumberArray = Int32Array | BigInt64Array | BigUint64Array | Float32Array | Float64Array;

/**
 * A growing list of numbers kept as 32-bit words: bits pass through unchanged, signalling NaNs too.
 * The list becomes a typed array of `kind` when it is complete.
 */
export class WordList {
  readonly kind: NumberKind;
  /** 32-bit words per number. */
  readonly width: 1 | 2;
  #words = new Uint32Array(0);
  #used = 0;

  constructor(kind: NumberKind) {
    this.kind = kind;
    this.width = kind === 'int32' || kind === 'float' ? 1 : 2;
  }

  /** Bytes in memory after `count` more numbers. */
  bytesWith(count: number): number {
    return (this.#used + count * this.width) * 4;
  }

  /** Makes room for `count` more numbers. */
  reserve(count: number): void {
    const needed = this.#used + count * this.width;
    if (needed <= this.#words.length) return;
    const grown = new Uint32Array(this.#used === 0 ? needed : Math.max(needed, this.#words.length * 2));
    grown.set(this.#words.subarray(0, this.#used));
    this.#words = grown;
  }

  /** Appends one number; `high` is ignored where numbers are one word. There must be room. */
  push(low: number, high: number): void {
    if (this.width === 1) {
      this.#words[this.#used++] = low;
      return;
    }
    this.#words[this.#used + LOW] = low;
    this.#words[this.#used + 1 - LOW] = high;
    this.#used += 2;
  }

  /** Appends numbers of fixed size as they are on the wire, little-endian. There must be room. */
  append(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const words = this.#words;
    const swap = this.width === 2 ? LOW : 0;
    const count = bytes.byteLength / 4;
    for (let i = 0; i < count; i++) words[(this.#used + i) ^ swap] = view.getUint32(i * 4, true);
    this.#used += count;
  }

  /** The numbers, in a buffer that holds nothing else. */
  finish(): NumberArray {
    const words = this.#used === this.#words.length ? this.#words : this.#words.slice(0, this.#used);
    switch (this.kind) {
      case 'int32':
        return new Int32Array(words.buffer);
      case 'int64':
        return new BigInt64Array(words.buffer);
      case 'uint64':
        return new BigUint64Array(words.buffer);
      case 'float':
        return new Float32Array(words.buffer);
      case 'double':
        return new Float64Array(words.buffer);
    }
  }
}

/** Calls `visit` with the low and the high word of each number (the high one is 0 where numbers are one word). */
export function eachNumber(numbers: NumberArray, visit: (low: number, high: number) => void): void {
  const words = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.byteLength / 4);
  if (numbers.BYTES_PER_ELEMENT === 4) {
    for (const word of words) visit(word, 0);
    return;
  }
  for (let at = 0; at < words.length; at += 2) visit(words[at + LOW] ?? 0, words[at + 1 - LOW] ?? 0);
}

/** The numbers as they go on the wire where they have a fixed size, little-endian; a view of them where memory is so too. */
export function littleEndian(numbers: NumberArray): Uint8Array {
  const bytes = new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  if (LOW === 0) return bytes;
  const size = numbers.BYTES_PER_ELEMENT;
  return bytes.map((_, at) => bytes[at - (at % size) + size - 1 - (at % size)] ?? 0);
}

/** The bits of a number as a 32-bit float; any NaN gives the canonical one. */
export function floatBits(value: number): number {
  if (Number.isNaN(value)) return CANONICAL_NAN;
  SCRATCH.setFloat32(0, value);
  return SCRATCH.getUint32(0);
}

/** The 32-bit float with these bits. */
export function floatOf(bits: number): number {
  SCRATCH.setUint32(0, bits);
  return SCRATCH.getFloat32(0);
}

/** The bits of the 32-bit NaN that every runtime makes. */
export const CANONICAL_NAN = 0x7fc00000;

const SCRATCH = new DataView(new ArrayBuffer(4));
