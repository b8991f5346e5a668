import protobuf from 'protobufjs/minimal.js';
import type { Bytes } from '../support/bytes.js';
import { encodeUtf8, hasLoneSurrogate } from '../support/utf8.js';
import { Encoded } from './encoded.js';

/** Bytes from which on a run is handed on as it is instead of being copied. */
const PAYLOAD = 1024;

/** Bytes up to which copying one by one is faster than a call. */
const SPAN = 64;

/** Something that goes between the bytes of the writer, at position `at` of them: a length that was known late, or a payload. */
interface Cut {
  readonly at: number;
  length: number;
  readonly payload: Bytes | undefined;
}

/**
 * What is written, in order: small things into one writer, lengths of messages and large payloads as cuts between its bytes.
 * A message's length is thus known without a first pass over it, and weights are not copied.
 */
export class Tape {
  readonly writer = new protobuf.Writer();
  readonly #cuts: Cut[] = [];
  /** Bytes of payloads and of lengths that are known. */
  #extra = 0;

  /** Begins something whose length goes before it; gives {@link close} what it needs. */
  open(): { readonly cut: Cut; readonly start: number } {
    const cut: Cut = { at: this.writer.pos, length: 0, payload: undefined };
    this.#cuts.push(cut);
    return { cut, start: this.#total() };
  }

  /** Ends what {@link open} began. */
  close({ cut, start }: { readonly cut: Cut; readonly start: number }): void {
    cut.length = this.#total() - start;
    this.#extra += varintSize(cut.length);
  }

  /** Length and bytes. */
  bytes(bytes: Bytes): void {
    const length = bytes instanceof Uint8Array ? bytes.byteLength : bytes.length;
    if (bytes instanceof Uint8Array && length < PAYLOAD) {
      this.writer.bytes(bytes);
      return;
    }
    const opened = this.open();
    this.raw(bytes);
    this.close(opened);
  }

  /** Bytes as they are. */
  raw(bytes: Bytes): void {
    const length = bytes instanceof Uint8Array ? bytes.byteLength : bytes.length;
    if (length === 0) return;
    this.#cuts.push({ at: this.writer.pos, length: 0, payload: bytes });
    this.#extra += length;
  }

  /** Length and UTF-8 of a text. */
  text(text: string): void {
    if (hasLoneSurrogate(text)) this.bytes(encodeUtf8(text));
    else this.writer.string(text);
  }

  /** Everything that was written. */
  finish(): Encoded {
    const written = this.writer.finish(true);
    const chunks: Bytes[] = [];
    const own = new Uint8Array(this.#total() - this.#payloadBytes());
    let [from, used, to] = [0, 0, 0];
    const flush = (): void => {
      if (to > from) chunks.push(own.subarray(from, to));
      from = to;
    };
    for (const { at, length, payload } of this.#cuts) {
      if (at - used > SPAN) own.set(written.subarray(used, at), to);
      else for (let i = used; i < at; i++) own[to + i - used] = written[i] as number;
      to += at - used;
      used = at;
      if (payload === undefined) to = putVarint(own, to, length);
      else {
        flush();
        chunks.push(payload);
      }
    }
    own.set(written.subarray(used), to);
    to += written.length - used;
    flush();
    return new Encoded(chunks, this.#total());
  }

  #total(): number {
    return this.writer.pos + this.#extra;
  }

  #payloadBytes(): number {
    let bytes = 0;
    for (const { payload } of this.#cuts) {
      if (payload) bytes += payload instanceof Uint8Array ? payload.byteLength : payload.length;
    }
    return bytes;
  }
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
  return size;
}

/** Writes a length at `at`; returns where it ends. */
function putVarint(bytes: Uint8Array, at: number, value: number): number {
  let [rest, to] = [value, at];
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes[to++] = (rest % 128) | 0x80;
  bytes[to++] = rest;
  return to;
}
