import {
  closeSync,
  fstatSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path';
import { fileChanged, fileUnreadable, fileUnwritable } from '../diagnostics/codes/file.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { ExternalFiles } from '../onnx/tensor.js';
import { type ByteSource, memorySource } from '../support/bytes.js';

/** Largest number of bytes that one call reads: the operating system takes at most 2 GiB. */
const CHUNK = 2 ** 30;

/**
 * Files up to this size are read whole by the first read: one call instead of one for every tensor that is looked at. The copy of a
 * larger one costs more than that.
 */
const WHOLE = 2 ** 21;

/**
 * A file as a byte source. It is opened for each read, so nothing needs closing, and refused when it changed in between; a small one is
 * read once.
 * @throws ResonnxError `file/unreadable`; reads throw `file/changed`
 */
export function fileSource(path: string): ByteSource {
  const before = attempt(path, () => statSync(path));
  if (!before.isFile()) throw new ResonnxError([fileUnreadable(path, 'it is not a file')]);
  let whole: Uint8Array | undefined;
  return {
    name: path,
    path: attempt(path, () => realpathSync(path)),
    size: before.size,
    read(offset, length) {
      if (offset < 0 || length < 0 || offset + length > before.size) {
        throw new RangeError(`range ${offset}+${length} is outside the ${before.size} bytes of ${path}`);
      }
      if (before.size > WHOLE) return readRange(path, before, offset, length);
      whole ??= readRange(path, before, 0, before.size);
      return whole.subarray(offset, offset + length);
    },
  };
}

function readRange(path: string, before: Stats, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const fd = attempt(path, () => openSync(path, 'r'));
  try {
    const now = fstatSync(fd);
    if (now.size !== before.size || now.mtimeMs !== before.mtimeMs) throw new ResonnxError([fileChanged(path)]);
    for (let done = 0; done < length;) {
      const read = readSync(fd, bytes, done, Math.min(CHUNK, length - done), offset + done);
      if (read === 0) throw new ResonnxError([fileChanged(path)]);
      done += read;
    }
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** All bytes of a file. @throws ResonnxError `file/unreadable` */
export function readBinary(path: string): Uint8Array {
  const source = fileSource(path);
  return source.read(0, source.size);
}

/** Writes a text file, whole or not at all. @throws ResonnxError `file/unwritable` */
export function writeText(path: string, text: string): void {
  const staged = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeFileSync(staged, text);
    renameSync(staged, path);
  } catch (cause) {
    rmSync(staged, { force: true });
    throw new ResonnxError([fileUnwritable(path, reasonOf(cause))], { cause });
  }
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw new ResonnxError([fileUnreadable(path, reasonOf(cause))], { cause });
  }
}

/** What went wrong with a file, in words. */
export function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return cause instanceof Error ? cause.message : String(cause);
}

/** Opens external data beside a model file; a location that leaves the model's folder, also through a link, is refused. */
export function externalFiles(modelPath: string): ExternalFiles {
  const folder = dirname(modelPath);
  const open = new Map<string, ByteSource>();
  return (location) => {
    const known = open.get(location);
    if (known) return known;
    const source = openExternal(folder, location);
    open.set(location, source);
    return source;
  };
}

function openExternal(folder: string, location: string): ByteSource {
  const normal = location.replaceAll('\\', '/');
  if (isAbsolute(normal) || /^[A-Za-z]:/.test(normal) || normal.split('/').includes('..')) {
    throw new Error(`"${location}" leaves the folder of the model`);
  }
  const path = join(folder, normal);
  let real: string;
  try {
    real = realpathSync(path);
  } catch {
    throw new Error(`"${location}" is not beside the model`);
  }
  const inside = relative(realpathSync(folder), real);
  if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
    throw new Error(`"${location}" is a link that leaves the folder of the model`);
  }
  return statSync(real).size === 0 ? memorySource(new Uint8Array(), basename(path)) : fileSource(real);
}
