// @ts-check
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Above this many bytes a file is faster than a message. */
export const PARCEL_LIMIT = 1 << 20;

/** Largest file that is written or read in one call. */
const LARGEST_FILE = 2 ** 31 - 1;

const ARRAYS = {
  Int8Array,
  Uint8Array,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
};

let count = 0;

/**
 * A name for a file in `folder` that neither process has used.
 * @param {string} folder
 * @returns {string}
 */
export function freshFile(folder) {
  return join(folder, `${process.pid}-${count++}`);
}

/**
 * Makes a parcel of the elements, with a file in `folder` when they are many. A file that cannot be written (a full disk) is no
 * reason to fail: the elements then travel in the message.
 * @param {import('../tensor/array.js').TypedArray} elements
 * @param {string} folder
 * @returns {import('./ort-node-protocol.js').Parcel}
 */
export function pack(elements, folder) {
  if (elements.byteLength <= PARCEL_LIMIT || elements.byteLength > LARGEST_FILE) return { inline: elements };
  const file = freshFile(folder);
  try {
    writeFileSync(file, new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength));
  } catch {
    rmSync(file, { force: true });
    return { inline: elements };
  }
  const array = /** @type {import('./ort-node-protocol.js').ArrayName} */ (elements.constructor.name);
  return { file, array };
}

/**
 * Takes the elements out of a parcel and deletes its file.
 * @param {import('./ort-node-protocol.js').Parcel} parcel
 * @returns {import('../tensor/array.js').TypedArray}
 */
export function unpack(parcel) {
  if ('inline' in parcel) return parcel.inline;
  const bytes = readFileSync(parcel.file);
  rmSync(parcel.file, { force: true });
  const ArrayType = ARRAYS[parcel.array];
  return new ArrayType(bytes.buffer, bytes.byteOffset, bytes.byteLength / ArrayType.BYTES_PER_ELEMENT);
}
