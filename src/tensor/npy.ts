import { npyLength, npyMalformed, npyUnsupportedDtype, npzEmpty } from '../diagnostics/codes/npy.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { elementCount, fromRawBytes, isTyped, type NumericArray, swapBytes, toRawBytes, zeros } from './array.js';
import { DTYPES, type DType } from './dtype.js';
import { readZip, writeZip } from './zip.js';

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** Headers are padded so that the elements start at a multiple of this. */
const ALIGNMENT = 64;

/** NumPy's name of each dtype, without byte order. `V2` is how the ml_dtypes package saves bfloat16. */
const CODES: ReadonlyMap<string, DType> = new Map<string, DType>([
  ['b1', 'bool'],
  ['i1', 'int8'],
  ['i2', 'int16'],
  ['i4', 'int32'],
  ['i8', 'int64'],
  ['u1', 'uint8'],
  ['u2', 'uint16'],
  ['u4', 'uint32'],
  ['u8', 'uint64'],
  ['f2', 'float16'],
  ['f4', 'float32'],
  ['f8', 'float64'],
  ['c8', 'complex64'],
  ['c16', 'complex128'],
  ['V2', 'bfloat16'],
]);

/** What a header says; `size` in bytes per element. */
interface Header {
  readonly bigEndian: boolean;
  readonly code: string;
  readonly size: number;
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/**
 * Reads a NumPy array (`.npy`, format 1 to 3) in C or Fortran order and either byte order; `U` and `S` dtypes give strings.
 * `file` and `path` say in messages where the bytes come from. The result may share memory with `bytes`.
 * @throws ResonnxError `npy/malformed`, `npy/unsupported-dtype`, `npy/length`
 */
export function readNpy(bytes: Uint8Array, file = '<bytes>', path = ''): NumericArray {
  const { text, dataStart } = splitHeader(bytes, file, path);
  const header = parseHeader(text, file, path);
  const elements = bytes.subarray(dataStart);
  const expected = elementCount(header.shape) * header.size;
  if (elements.length !== expected) throw new ResonnxError([npyLength(file, path, expected, elements.length)]);
  const array = decodeElements(header, elements, file, path);
  return header.fortran && header.shape.length > 1 ? fromFortranOrder(array) : array;
}

/**
 * The bytes of a `.npy` file, format 1.0, little-endian, C order. Strings become `U` of the longest length.
 * @throws ResonnxError `npy/unsupported-dtype` for types that NumPy has no name for (float8, 2 and 4 bits)
 */
export function writeNpy(array: NumericArray, file = '<bytes>', path = ''): Uint8Array {
  const { descr, elements } = encodeElements(array, file, path);
  const dims = array.shape.join(', ') + (array.shape.length === 1 ? ',' : '');
  const dict = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dims}), }`;
  const start = Math.ceil((MAGIC.length + 4 + dict.length + 1) / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(start + elements.length);
  bytes.set([...MAGIC, 1, 0]);
  new DataView(bytes.buffer).setUint16(8, start - 10, true);
  bytes.set(new TextEncoder().encode(dict.padEnd(start - 11) + '\n'), 10);
  bytes.set(elements, start);
  return bytes;
}

/**
 * Reads the arrays of an `.npz` archive by name, in the archive's order; entries that are not `.npy` are passed over.
 * @throws ResonnxError `npz/malformed`, `npz/empty`, and those of {@link readNpy}
 */
export function readNpz(bytes: Uint8Array, file = '<bytes>'): ReadonlyMap<string, NumericArray> {
  const arrays = new Map<string, NumericArray>();
  for (const { name, data } of readZip(bytes, file)) {
    if (!name.endsWith('.npy')) continue;
    const key = name.slice(0, -'.npy'.length);
    arrays.set(key, readNpy(data, file, key));
  }
  if (arrays.size === 0) throw new ResonnxError([npzEmpty(file)]);
  return arrays;
}

/**
 * The bytes of an `.npz` archive (deflated); the same arrays give the same bytes.
 * @throws ResonnxError as {@link writeNpy}
 */
export function writeNpz(arrays: Iterable<readonly [string, NumericArray]>, file = '<bytes>'): Uint8Array {
  return writeZip(Array.from(arrays, ([key, array]) => ({ name: `${key}.npy`, data: writeNpy(array, file, key) })));
}

function splitHeader(bytes: Uint8Array, file: string, path: string): { text: string; dataStart: number } {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new ResonnxError([npyMalformed(file, path, 'this is not a NumPy array (wrong first bytes)')]);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const major = bytes[6]!;
  if (major < 1 || major > 3) throw new ResonnxError([npyMalformed(file, path, `format ${major} is unknown`)]);
  const start = major === 1 ? 10 : 12;
  const length = major === 1 ? view.getUint16(8, true) : bytes.length < 12 ? Infinity : view.getUint32(8, true);
  if (start + length > bytes.length) throw new ResonnxError([npyMalformed(file, path, 'the header is cut')]);
  return { text: new TextDecoder().decode(bytes.subarray(start, start + length)), dataStart: start + length };
}

function parseHeader(text: string, file: string, path: string): Header {
  const descr = /['"]descr['"]\s*:\s*(?:'([^']*)'|"([^"]*)"|\[)/.exec(text);
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(text);
  const shape = /['"]shape['"]\s*:\s*\(((?:\s*\d+L?\s*,?)*)\s*\)/.exec(text);
  if (!descr || !order || !shape) {
    throw new ResonnxError([npyMalformed(file, path, `the header cannot be read: ${text.trim().slice(0, 80)}`)]);
  }
  const name = descr[1] ?? descr[2] ?? 'a record';
  const parts = /^([<>|=]?)([a-zA-Z])(\d+)$/.exec(name);
  if (!parts || Number(parts[3]) === 0) throw new ResonnxError([npyUnsupportedDtype(file, path, name)]);
  const [, byteOrder, kind, digits] = parts;
  return {
    bigEndian: byteOrder === '>',
    code: kind === 'U' || kind === 'S' ? kind : `${kind}${digits}`,
    size: Number(digits) * (kind === 'U' ? 4 : 1),
    fortran: order[1] === 'True',
    shape: (shape[1]!.match(/\d+/g) ?? []).map(Number),
  };
}

function decodeElements(header: Header, elements: Uint8Array, file: string, path: string): NumericArray {
  const { code, size, shape, bigEndian } = header;
  if (code === 'U' || code === 'S') return { dtype: 'string', shape, data: decodeStrings(header, elements) };
  const dtype = CODES.get(code);
  if (!dtype) throw new ResonnxError([npyUnsupportedDtype(file, path, code)]);
  if (!bigEndian) return fromRawBytes(dtype, shape, elements);
  const swapped = new Uint8Array(elements);
  swapBytes(swapped, DTYPES[dtype].kind === 'complex' ? size / 2 : size);
  return fromRawBytes(dtype, shape, swapped);
}

/** `U`: UTF-32 in the header's byte order; `S`: bytes, read as UTF-8. Both are padded with NUL. */
function decodeStrings({ code, size, shape, bigEndian }: Header, elements: Uint8Array): string[] {
  const view = new DataView(elements.buffer, elements.byteOffset, elements.byteLength);
  const utf8 = new TextDecoder();
  return Array.from({ length: elementCount(shape) }, (_, index) => {
    const start = index * size;
    let text = '';
    if (code === 'S') text = utf8.decode(elements.subarray(start, start + size));
    else for (let at = start; at < start + size; at += 4) text += character(view.getUint32(at, !bigEndian));
    return text.replace(/\0+$/, '');
  });
}

function character(codePoint: number): string {
  return codePoint <= 0x10ffff ? String.fromCodePoint(codePoint) : '\ufffd';
}

function encodeElements(array: NumericArray, file: string, path: string): { descr: string; elements: Uint8Array } {
  const { dtype, data } = array;
  if (!isTyped(data)) return encodeStrings(data);
  for (const [code, named] of CODES) {
    if (named !== dtype) continue;
    return { descr: (DTYPES[dtype].bits === 8 ? '|' : '<') + code, elements: toRawBytes(array) };
  }
  throw new ResonnxError([npyUnsupportedDtype(file, path, dtype)]);
}

function encodeStrings(strings: readonly string[]): { descr: string; elements: Uint8Array } {
  const rows = strings.map((text) => Array.from(text, (c) => c.codePointAt(0)!));
  const length = rows.reduce((longest, row) => Math.max(longest, row.length), 1);
  const elements = new Uint8Array(rows.length * length * 4);
  const view = new DataView(elements.buffer);
  for (const [i, row] of rows.entries()) {
    for (const [j, codePoint] of row.entries()) view.setUint32((i * length + j) * 4, codePoint, true);
  }
  return { descr: `<U${length}`, elements };
}

/** Elements in the order first index fastest, brought to last index fastest. */
function fromFortranOrder(array: NumericArray): NumericArray {
  const { dtype, shape, data } = array;
  const width = DTYPES[dtype].kind === 'complex' ? 2 : 1;
  const result = zeros(dtype, shape);
  const [from, to] = [data as string[], result.data as string[]];
  const index = shape.map(() => 0);
  const strides = shape.map((_, axis) => elementCount(shape.slice(0, axis)) * width);
  let source = 0;
  for (let target = 0; target < to.length; target += width) {
    for (let part = 0; part < width; part++) to[target + part] = from[source + part]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      source -= index[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return result;
}
