import protobuf from 'protobufjs/minimal.js';
import type { ByteSource } from '../support/bytes.js';

/** Bytes that are read at once from a source that is not in memory. */
const WINDOW = 65_536;

/** What is wrong with the bytes at an offset; the decoder makes a diagnostic of it, with the path of the field. */
export type Fault =
  | { readonly kind: 'truncated'; readonly offset: number; readonly end: number; readonly limit: number }
  | { readonly kind: 'varint'; readonly offset: number }
  | { readonly kind: 'tag'; readonly offset: number; readonly reason: string }
  | { readonly kind: 'count'; readonly offset: number; readonly limit: number }
  | { readonly kind: 'nesting'; readonly offset: number; readonly limit: number }
  | { readonly kind: 'run'; readonly offset: number; readonly bytes: number; readonly size: number }
  | { readonly kind: 'too-large'; readonly offset: number; readonly bytes: number; readonly limit: number };

/** Thrown while reading; never leaves `src/proto`. */
export class WireFault extends Error {
  readonly fault: Fault;

  constructor(fault: Fault) {
    super(fault.kind);
    this.fault = fault;
  }
}

/**
 * Reads wire-format primitives one after the other from a source of any size, through a window where it is not in memory.
 * Every read gets `end`, the end of the message that it belongs to, and throws a {@link WireFault} rather than pass it.
 */
export class Cursor {
  readonly source: ByteSource;
  readonly inMemory: boolean;
  /** Halves of the number that {@link varint} read last, unsigned. */
  low = 0;
  high = 0;
  #reader: protobuf.Reader;
  /** Offset of the window in the source. */
  #base = 0;

  constructor(source: ByteSource) {
    this.source = source;
    this.inMemory = source.bytes !== undefined;
    this.#reader = new protobuf.Reader(plain(source.bytes ?? new Uint8Array(0)));
  }

  /** Where the next read begins. */
  get offset(): number {
    return this.#base + this.#reader.pos;
  }

  /** A field tag: number × 8 + wire type. */
  tag(end: number): number {
    const start = this.#need(5, end);
    try {
      const tag = this.#reader.tag();
      this.#within(start, end);
      return tag;
    } catch (error) {
      if (error instanceof WireFault) throw error;
      if (end - start < 5) throw truncatedAt(start, end + 1, end);
      throw new WireFault({ kind: 'tag', offset: start, reason: 'the field number takes more than 32 bits' });
    }
  }

  /** A length in bytes that stays within `end`. */
  length(end: number): number {
    const start = this.offset;
    this.varint(end);
    const length = this.low + this.high * 2 ** 32;
    const stop = this.offset + length;
    if (stop > end) throw truncatedAt(start, stop, end);
    return length;
  }

  /** An integer of at most 64 bits into {@link low} and {@link high}. */
  varint(end: number): void {
    const start = this.#need(10, end);
    const { buf } = this.#reader;
    const available = Math.min(10, end - start);
    let [low, high] = [0, 0];
    for (let i = 0; i < available; i++) {
      const byte = buf[this.#reader.pos + i] ?? 0;
      const bits = byte & 0x7f;
      if (i < 5) low |= bits << (7 * i);
      if (i === 4) high = bits >>> 4;
      else if (i > 4) high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        this.#reader.pos += i + 1;
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    if (available < 10) throw truncatedAt(start, end + 1, end);
    throw new WireFault({ kind: 'varint', offset: start });
  }

  /** 32 bits, little-endian, unsigned. */
  fixed32(end: number): number {
    const start = this.#need(4, end);
    if (end - start < 4) throw truncatedAt(start, start + 4, end);
    return this.#reader.fixed32();
  }

  /** A view of the next `length` bytes, valid until the next read: {@link keep} for bytes that stay. */
  take(length: number): Uint8Array {
    if (length > WINDOW && !this.inMemory) {
      const bytes = plain(this.source.read(this.offset, length));
      this.skip(length);
      return bytes;
    }
    this.#need(length, this.offset + length);
    const { pos } = this.#reader;
    this.#reader.pos = pos + length;
    return this.#reader.raw(pos, pos + length);
  }

  /** The next `length` bytes for good: a view of the source in memory, else a copy. */
  keep(length: number): Uint8Array {
    const bytes = this.take(length);
    return this.inMemory || length > WINDOW ? bytes : bytes.slice();
  }

  /** Passes over bytes without reading them. */
  skip(length: number): void {
    const { pos, len } = this.#reader;
    if (pos + length <= len) {
      this.#reader.pos = pos + length;
      return;
    }
    this.#base += pos + length;
    this.#reader = new protobuf.Reader(new Uint8Array(0));
  }

  /** Makes the window hold the next `count` bytes, or those up to `end`; returns the offset. */
  #need(count: number, end: number): number {
    const { offset } = this;
    const { pos, len } = this.#reader;
    const wanted = Math.min(count, end - offset);
    if (pos + wanted <= len) return offset;
    const length = Math.max(wanted, Math.min(WINDOW, this.source.size - offset));
    this.#reader = new protobuf.Reader(plain(this.source.read(offset, length)));
    this.#base = offset;
    return offset;
  }

  #within(start: number, end: number): void {
    if (this.offset > end) throw truncatedAt(start, this.offset, end);
  }
}

function truncatedAt(offset: number, end: number, limit: number): WireFault {
  return new WireFault({ kind: 'truncated', offset, end, limit });
}

/** The same bytes as a bare Uint8Array: views of a subclass would be of that subclass. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
