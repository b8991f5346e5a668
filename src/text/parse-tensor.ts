import { badAnnotation, tensorTypeExpected, valueCountMismatch } from '../diagnostics/codes/text.js';
import { create } from '../proto/create.js';
import { DataLocation } from '../proto/enums.js';
import type { StringStringEntryProto, TensorProto, TypeProto } from '../proto/messages.js';
import { byteLength, findDType, type DType } from '../tensor/dtype.js';
import type { Defaults } from './defaults.js';
import { applyNotes, type Note } from './notes.js';
import { parseSome } from './parse-type.js';
import { parseValues, rawBytes, type Values } from './parse-values.js';
import type { Scanner } from './scanner.js';
import { countOf, isPacked, textCount, typedField } from './storage.js';

/** How the values of a tensor are stored; `any`: typed, and their number need not be what the shape says. */
type Storage = 'raw' | 'typed' | 'any';

/**
 * What follows type and name of a tensor: `{values}`, `["key": "value", …]` for external data, or nothing for a tensor without
 * data.
 *
 * @throws ResonnxError text/tensor-type, text/value-count, text/number-out-of-range, text/expected
 */
export function parseTensor(
  scanner: Scanner,
  defaults: Defaults,
  type: TypeProto,
  name: string | undefined,
  notes: readonly Note[],
): TensorProto {
  const start = scanner.offset;
  const { tensorType } = type;
  const dims = (tensorType?.shape?.dim ?? []).map(({ dimValue }) => dimValue);
  if (!tensorType?.shape || !isWhole(dims)) return scanner.fail((at) => tensorTypeExpected(at, name ?? ''), start);
  const dataType = tensorType.elemType ?? 0;
  const shell = create('TensorProto', name === undefined ? { dims, dataType } : { dims, dataType, name });
  const storage = readStorage(scanner, defaults, notes);
  const tensor = parseData(scanner, shell, storage);
  return applyNotes(
    scanner,
    'tensor',
    tensor,
    notes.filter(({ field }) => field !== 'storage'),
  );
}

function isWhole(dims: readonly (bigint | undefined)[]): dims is readonly bigint[] {
  return dims.every((dim) => dim !== undefined);
}

function readStorage(scanner: Scanner, defaults: Defaults, notes: readonly Note[]): Storage {
  const note = notes.find(({ field }) => field === 'storage');
  if (!note) return defaults.raw_data ? 'raw' : 'typed';
  if (note.value === 'raw') return 'raw';
  if (note.value === 'typed') return 'any';
  return scanner.fail((at) => badAnnotation(at, 'the storage of a tensor is "raw" or "typed"'), note.offset);
}

function parseData(scanner: Scanner, shell: TensorProto, storage: Storage): TensorProto {
  const next = scanner.peek();
  if (next === '[') {
    const externalData = parseSome(scanner, '[', ']', () => parseEntry(scanner));
    return { ...shell, externalData, dataLocation: DataLocation.EXTERNAL };
  }
  if (next !== '{') return shell;
  const start = scanner.offset;
  const dtype = findDType(shell.dataType ?? 0);
  if (dtype === undefined) {
    scanner.expect('{');
    scanner.expect('}');
    return shell;
  }
  const count = countOf(shell.dims);
  const values = parseValues(scanner, dtype, count);
  if (storage !== 'any') checkCount(scanner, shell, dtype, count, values, start);
  if (storage === 'raw' && dtype !== 'string') return { ...shell, rawData: rawBytes(dtype, values) };
  return { ...shell, [typedField(dtype)]: values };
}

function checkCount(
  scanner: Scanner,
  shell: TensorProto,
  dtype: DType,
  count: number,
  values: Values,
  offset: number,
): void {
  const expected = isPacked(dtype) ? byteLength(dtype, count) : textCount(dtype, count);
  if (values.length === expected) return;
  scanner.fail((at) => valueCountMismatch(at, shell.name ?? '', values.length, String(expected)), offset);
}

/** `"key": "value"`. */
export function parseEntry(scanner: Scanner): StringStringEntryProto {
  const key = scanner.string('a key in quotes');
  scanner.expect(':');
  return { key, value: scanner.string('a value in quotes') };
}
