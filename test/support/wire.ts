import { readBytes } from '../../src/support/bytes.js';
import type { ByteRange, ByteSource } from '../../src/support/bytes.js';

/** A base-128 varint of up to 64 bits, as the protocol buffers encoding defines it. */
export function varint(value: bigint | number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}

export function join(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** A field of wire type 2. */
export function delimited(number: number, ...content: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const bytes = join(...content);
  return join(varint(number * 8 + 2), varint(bytes.length), bytes);
}

/** A field of wire type 0. */
export function integer(number: number, value: bigint | number): Uint8Array {
  return join(varint(number * 8), varint(value));
}

/** The same bytes as a source that is not in memory, and what was read of it. */
export function fileLike(bytes: Uint8Array): ByteSource & { readonly reads: [offset: number, length: number][] } {
  const reads: [number, number][] = [];
  return {
    name: 'model.onnx',
    size: bytes.length,
    reads,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.length) throw new RangeError(`${offset}+${length}`);
      reads.push([offset, length]);
      return bytes.slice(offset, offset + length);
    },
  };
}

/** A message as plain data whose equality is that of bits: bytes, ranges and typed arrays as hexadecimal digits. */
export function comparable(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : value;
  if (typeof value !== 'object' || value === null) return value;
  if ('source' in value) return comparable(readBytes(value as ByteRange));
  return Object.fromEntries(Object.entries(value).map(([name, content]) => [name, comparable(content)]));
}
