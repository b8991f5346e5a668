/**
 * Random access to bytes that need not be in memory: a file, a Blob that was read, or an array.
 * `read` throws when the range is outside `[0, size)`; what it returns must not be changed and may share memory with the source.
 */
export interface ByteSource {
  /** What messages call it: a path or `<bytes>`. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** All of the content, where it is in memory. */
  readonly bytes?: Uint8Array;
  /** The real path of the file that it is, where it is one. */
  readonly path?: string;
  read(offset: number, length: number): Uint8Array;
}

/** Bytes that are still where they came from. Offset and length in bytes. */
export interface ByteRange {
  readonly source: ByteSource;
  readonly offset: number;
  readonly length: number;
}

/** Bytes at hand, or the range where they are. */
export type Bytes = Uint8Array | ByteRange;

/** A source over bytes in memory; `read` gives views, never copies. */
export function memorySource(bytes: Uint8Array, name = '<bytes>'): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    bytes,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > bytes.byteLength) {
        throw new RangeError(`range ${offset}+${length} is outside the ${bytes.byteLength} bytes of ${name}`);
      }
      return bytes.subarray(offset, offset + length);
    },
  };
}

/** The bytes themselves; reads them from their source when they are a range. */
export function readBytes(bytes: Bytes): Uint8Array {
  return bytes instanceof Uint8Array ? bytes : bytes.source.read(bytes.offset, bytes.length);
}
