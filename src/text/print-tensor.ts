import { DataLocation } from '../proto/enums.js';
import type { StringStringEntryProto, TensorProto } from '../proto/messages.js';
import { readBytes, type Bytes } from '../support/bytes.js';
import { decodeUtf8, hasLoneSurrogate } from '../support/utf8.js';
import { fromRawBytes, isTyped } from '../tensor/array.js';
import { byteLength, findDType, type DType } from '../tensor/dtype.js';
import type { Defaults } from './defaults.js';
import { elementTypeName, quoted } from './names.js';
import { diffNotes, noteLine, sameValue } from './notes.js';
import { float32Text, float64Text, joinTexts } from './number-text.js';
import type { Values } from './parse-values.js';
import { NEGATIVE_NAN, NEGATIVE_NAN_64 } from './parse-values.js';
import { countOf, elementRange, isPacked, textCount, typedField, typedValues } from './storage.js';

/** A tensor in pieces: where its name goes depends on where it stands. */
export interface TensorText {
  readonly type: string;
  /** `{…}`, `["location": …]` or '' for a tensor without data. */
  readonly data: string;
  readonly notes: readonly string[];
}

/** What the text of the data says: the fields that it sets, and how they are stored. */
interface DataText {
  readonly text: string;
  readonly said: Partial<TensorProto>;
  readonly storage?: 'raw' | 'typed';
}

const NO_DATA: DataText = { text: '', said: {} };
/** What stands for data that the caller does not want to see. */
const ELIDED = '["location": "elided"]';
const CANONICAL_NAN = 0x7fc00000;
const CANONICAL_NAN_64 = 0x7ff8000000000000n;

/**
 * The text of a tensor whose name the text gives as `said`. Tensors of more than `elideAbove` elements show no data.
 * Cost: O(elements).
 */
export function tensorText(
  tensor: TensorProto,
  said: string | undefined,
  defaults: Defaults,
  elideAbove: number,
): TensorText {
  const { dims, dataType } = tensor;
  const type = elementTypeName(dataType) + (dims.length > 0 ? `[${dims.join(',')}]` : '');
  if (countOf(dims) > elideAbove) return { type, data: ELIDED, notes: [] };
  const dtype = findDType(dataType ?? 0);
  const data = dataText(tensor, dtype, defaults);
  const fields = { ...data.said, dims, dataType: dtype === undefined ? 0 : dataType, name: said };
  const notes = [...diffNotes('tensor', tensor, fields)];
  if (data.storage) notes.unshift(noteLine('tensor', 'storage', data.storage));
  return { type, data: data.text, notes };
}

function dataText(tensor: TensorProto, dtype: DType | undefined, defaults: Defaults): DataText {
  const { dataLocation, externalData, rawData } = tensor;
  if (dataLocation === DataLocation.EXTERNAL && externalData.length > 0) {
    return { text: entriesText(externalData), said: { externalData: plainEntries(externalData), dataLocation } };
  }
  if (dtype === undefined) return NO_DATA;
  if (rawData !== undefined && dtype !== 'string') {
    const text = rawText(dtype, countOf(tensor.dims), rawData);
    if (text === undefined) return NO_DATA;
    return { text, said: { rawData }, ...(defaults.raw_data ? {} : { storage: 'raw' as const }) };
  }
  return typedText(tensor, dtype, defaults);
}

function typedText(tensor: TensorProto, dtype: DType, defaults: Defaults): DataText {
  const field = typedField(dtype);
  const values = tensor[field];
  const count = countOf(tensor.dims);
  if (values.length === 0) {
    const isPlain = count === 0 && !defaults.raw_data && typedValues(tensor) === 0;
    return isPlain ? { text: '{}', said: {} } : NO_DATA;
  }
  const text = fitsText(dtype, values, count) ? valuesText(values) : undefined;
  if (text === undefined) return NO_DATA;
  const expected = isPacked(dtype) ? byteLength(dtype, count) : textCount(dtype, count);
  const isDefault = values.length === expected && (dtype === 'string' || !defaults.raw_data);
  return { text, said: { [field]: values }, ...(isDefault ? {} : { storage: 'typed' as const }) };
}

/** Whether the parser takes these values for elements of the type, and does not pack them. */
function fitsText(dtype: DType, values: Values, count: number): boolean {
  if (values instanceof BigUint64Array) return dtype === 'uint64' || values.every((value) => value < 2n ** 32n);
  if (!(values instanceof Int32Array)) return true;
  const [low, high] = isPacked(dtype) ? [0, 255] : elementRange(dtype);
  if (isPacked(dtype) && values.length === count && count > 1) return false;
  return values.every((value) => value >= low && value <= high);
}

/** `undefined` when the bytes are not as many as the shape says, or hold a NaN that text cannot say. */
function rawText(dtype: DType, count: number, data: Bytes): string | undefined {
  const length = data instanceof Uint8Array ? data.byteLength : data.length;
  if (!Number.isSafeInteger(count) || length !== byteLength(dtype, count)) return undefined;
  const bytes = readBytes(data);
  if (isPacked(dtype)) return braced(bytes.length, (i) => String(bytes[i]));
  const array = fromRawBytes(dtype, [count], bytes);
  return isTyped(array.data) ? valuesText(array.data) : undefined;
}

/** `{…}`; `undefined` when the text cannot say the values exactly. */
function valuesText(values: Values | ReturnType<typeof fromRawBytes>['data']): string | undefined {
  if (values instanceof Float32Array || values instanceof Float64Array) {
    const { texts, isExact } = floatsText(values);
    return isExact ? braced(values.length, texts) : undefined;
  }
  if (ArrayBuffer.isView(values)) return braced(values.length, (i) => String(values[i]));
  const strings = (values as readonly Uint8Array[]).map((bytes) => decodeUtf8(bytes));
  return strings.some(hasLoneSurrogate) ? undefined : braced(strings.length, (i) => quoted(strings[i] ?? ''));
}

/** How floats are written, and whether that says all their bits: of the NaNs, text has only the quiet ones without payload. */
export function floatsText(values: Float32Array | Float64Array): {
  readonly texts: (index: number) => string;
  readonly isExact: boolean;
} {
  const isSingle = values instanceof Float32Array;
  const { buffer, byteOffset, length } = values;
  const bits = isSingle ? new Uint32Array(buffer, byteOffset, length) : new BigUint64Array(buffer, byteOffset, length);
  const [positive, negative] = isSingle ? [CANONICAL_NAN, NEGATIVE_NAN] : [CANONICAL_NAN_64, NEGATIVE_NAN_64];
  const isExact = values.every((value, i) => !Number.isNaN(value) || bits[i] === positive || bits[i] === negative);
  const text = isSingle ? float32Text : float64Text;
  return { texts: (i) => (bits[i] === negative ? '-nan' : text(values[i] ?? 0)), isExact };
}

function braced(count: number, at: (index: number) => string): string {
  return `{${joinTexts(count, at)}}`;
}

/** `["key": "value", …]`. */
export function entriesText(entries: readonly StringStringEntryProto[]): string {
  return `[${entries.map(({ key = '', value = '' }) => `${quoted(key)}: ${quoted(value)}`).join(', ')}]`;
}

/** What {@link entriesText} says: entries with both fields and nothing else; the same list when it is so. */
export function plainEntries(entries: readonly StringStringEntryProto[]): readonly StringStringEntryProto[] {
  const plain = entries.map(({ key = '', value = '' }) => ({ key, value }));
  return sameValue(plain, entries) ? entries : plain;
}
