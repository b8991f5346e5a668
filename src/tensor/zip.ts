import { inflateSync, zipSync } from 'fflate';
import { npzMalformed } from '../diagnostics/codes/npy.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';

/** One file of an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

const END = 0x06054b50;
const END64_LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const ZIP64_FIELD = 1;
const END_SIZE = 22;
const LONGEST_COMMENT = 0xffff;
/** Deflate cannot shrink data further than this; a larger claim is false and must not be allocated. */
const MAX_DEFLATE_RATIO = 1032;

/** Position and claims of an entry, from the directory at the end of the archive. */
interface DirectoryEntry {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly checksum: number;
  readonly packedSize: number;
  readonly size: number;
  readonly offset: number;
}

/**
 * The entries of a ZIP archive in the order of its directory: stored or deflated, ZIP64 or not, each checked against its CRC-32.
 * Stored entries are views of `bytes`. Source: APPNOTE.TXT 6.3, sections 4.3 and 4.5.
 * @throws ResonnxError `npz/malformed`
 */
export function readZip(bytes: Uint8Array, file: string): readonly ZipEntry[] {
  const archive = new Archive(bytes, file);
  return readDirectory(archive).map((entry) => ({ name: entry.name, data: readEntry(archive, entry) }));
}

/** A ZIP archive of deflated entries; the bytes depend on the entries alone (no time stamp). */
export function writeZip(entries: Iterable<ZipEntry>): Uint8Array {
  const files: Record<string, Uint8Array> = {};
  for (const { name, data } of entries) files[name] = data;
  return zipSync(files, { level: 6, mtime: new Date(1980, 0, 1), os: 0, attrs: 0 });
}

/** Little-endian fields at checked positions. */
class Archive {
  readonly bytes: Uint8Array;
  readonly file: string;
  readonly #view: DataView;

  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.file = file;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u16(at: number): number {
    return this.#view.getUint16(this.#checked(at, 2), true);
  }

  u32(at: number): number {
    return this.#view.getUint32(this.#checked(at, 4), true);
  }

  /** Rounds beyond 2^53, where no position is. */
  u64(at: number): number {
    return Number(this.#view.getBigUint64(this.#checked(at, 8), true));
  }

  malformed(path: string, why: string): ResonnxError {
    return new ResonnxError([npzMalformed(this.file, path, why)]);
  }

  #checked(at: number, length: number): number {
    if (at < 0 || at + length > this.bytes.length)
      throw this.malformed('', 'the archive is cut or its directory is damaged');
    return at;
  }
}

function readDirectory(archive: Archive): DirectoryEntry[] {
  const end = findEnd(archive);
  let count = archive.u16(end + 10);
  let position = archive.u32(end + 16);
  if (end >= 20 && archive.u32(end - 20) === END64_LOCATOR) {
    const end64 = archive.u64(end - 12);
    if (archive.u32(end64) !== END64) throw archive.malformed('', 'the ZIP64 directory is damaged');
    count = archive.u64(end64 + 32);
    position = archive.u64(end64 + 48);
  }
  const entries: DirectoryEntry[] = [];
  for (let i = 0; i < count; i++) {
    if (archive.u32(position) !== DIRECTORY_ENTRY) throw archive.malformed('', 'the directory is damaged');
    entries.push(readDirectoryEntry(archive, position));
    position += 46 + archive.u16(position + 28) + archive.u16(position + 30) + archive.u16(position + 32);
  }
  return entries;
}

function findEnd(archive: Archive): number {
  const last = archive.bytes.length - END_SIZE;
  for (let at = last; at >= Math.max(0, last - LONGEST_COMMENT); at--) {
    if (archive.u32(at) === END) return at;
  }
  throw archive.malformed('', 'this is not a ZIP archive (no end record)');
}

function readDirectoryEntry(archive: Archive, at: number): DirectoryEntry {
  const nameEnd = at + 46 + archive.u16(at + 28);
  const extraEnd = nameEnd + archive.u16(at + 30);
  const claims = [archive.u32(at + 24), archive.u32(at + 20), archive.u32(at + 42)];
  let extra = nameEnd;
  while (extra + 4 <= extraEnd) {
    if (archive.u16(extra) === ZIP64_FIELD) {
      let field = extra + 4;
      // Only the claims that did not fit 32 bits follow, in this order.
      for (const [i, claim] of claims.entries()) {
        if (claim !== 0xffffffff) continue;
        claims[i] = archive.u64(field);
        field += 8;
      }
    }
    extra += 4 + archive.u16(extra + 2);
  }
  return {
    name: new TextDecoder().decode(archive.bytes.subarray(at + 46, nameEnd)),
    flags: archive.u16(at + 8),
    method: archive.u16(at + 10),
    checksum: archive.u32(at + 16),
    size: claims[0]!,
    packedSize: claims[1]!,
    offset: claims[2]!,
  };
}

function readEntry(archive: Archive, entry: DirectoryEntry): Uint8Array {
  const { name, flags, method, checksum, packedSize, size, offset } = entry;
  if (flags & 1) throw archive.malformed(name, 'the entry is encrypted');
  if (method !== 0 && method !== 8) throw archive.malformed(name, `compression method ${method} is not supported`);
  if (archive.u32(offset) !== LOCAL_ENTRY) throw archive.malformed(name, 'the entry is not where it should be');
  const start = offset + 30 + archive.u16(offset + 26) + archive.u16(offset + 28);
  if (start + packedSize > archive.bytes.length) throw archive.malformed(name, 'the entry is cut');
  const packed = archive.bytes.subarray(start, start + packedSize);
  if (size > (method === 0 ? packedSize : packedSize * MAX_DEFLATE_RATIO)) {
    throw archive.malformed(name, `${packedSize} bytes cannot unpack to ${size}`);
  }
  const data = method === 0 ? packed : inflate(archive, packed, size, name);
  if (data.length !== size || crc32(data) !== checksum) throw archive.malformed(name, 'the checksum is wrong');
  return data;
}

function inflate(archive: Archive, packed: Uint8Array, size: number, name: string): Uint8Array {
  try {
    return inflateSync(packed, { out: new Uint8Array(size) });
  } catch (cause) {
    throw archive.malformed(name, `the compressed data is damaged (${String(cause)})`);
  }
}

const crcTable = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** CRC-32 (IEEE 802.3), unsigned. */
function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = (crc >>> 8) ^ crcTable[(crc ^ bytes[i]!) & 0xff]!;
  return ~crc >>> 0;
}
