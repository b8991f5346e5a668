import type { Bytes } from '../support/bytes.js';

/** Bytes that are handed to a sink at once at most. */
const PIECE = 4 * 1024 * 1024;

/** An encoded message: what was written, with the ranges that are copied from their sources only when they are asked for. */
export class Encoded {
  /** In order; together they are the message. */
  readonly chunks: readonly Bytes[];
  readonly byteLength: number;

  constructor(chunks: readonly Bytes[], byteLength: number) {
    this.chunks = chunks;
    this.byteLength = byteLength;
  }

  /** The bytes in order, in pieces of at most 4 MiB. A piece must not be changed. What a source or the sink throws passes. */
  writeTo(sink: (piece: Uint8Array) => void): void {
    for (const piece of this.pieces()) sink(piece);
  }

  /** The same pieces one by one, for sinks that must be waited for. */
  *pieces(): Generator<Uint8Array, void, undefined> {
    for (const chunk of this.chunks) {
      const length = chunk instanceof Uint8Array ? chunk.byteLength : chunk.length;
      for (let at = 0; at < length; at += PIECE) {
        const size = Math.min(PIECE, length - at);
        yield chunk instanceof Uint8Array ? chunk.subarray(at, at + size) : chunk.source.read(chunk.offset + at, size);
      }
    }
  }

  /** All bytes in one array. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.byteLength);
    let at = 0;
    for (const piece of this.pieces()) {
      bytes.set(piece, at);
      at += piece.byteLength;
    }
    return bytes;
  }
}
