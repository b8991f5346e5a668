import { create } from '../proto/create.js';
import type { Field, Layout } from '../proto/fields.js';
import { decodeBase64, encodeBase64 } from '../support/base64.js';
import { readBytes, type Bytes } from '../support/bytes.js';
import { decodeUtf8, encodeUtf8, hasLoneSurrogate } from '../support/utf8.js';
import { MAX_NESTING } from './scanner.js';

/*
 * The JSON form of fields in annotations, close to that of Protocol Buffers: names as in the ONNX schema, integers of 64 bits
 * as decimal strings, bytes as base64, an absent field as null. Runs of floats that JSON cannot write (NaN, infinities, -0),
 * and strings that are not UTF-8, are `{"base64": …}` of their little-endian bytes; unknown fields are base64 too.
 */

/** A value that does not fit its field, or that is nested too deep; `message` is a predicate for it. */
export class JsonMismatch extends Error {}

/** A message by the names of its properties. */
export type Fields = Readonly<Record<string, unknown>>;

/** The JSON value of a field; null when it is absent. Reads all its data. @throws JsonMismatch when nested too deep */
export function toJson(field: Field, value: unknown, depth = 0): unknown {
  if (value === undefined) return null;
  if (field.label === 'one') return scalarToJson(field, value, depth);
  if (value instanceof Float32Array || value instanceof Float64Array) {
    const plain = value.every((x) => Number.isFinite(x) && !Object.is(x, -0));
    return plain ? Array.from(value) : binary(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
  }
  return Array.from(value as Iterable<unknown>, (element) => scalarToJson(field, element, depth));
}

function scalarToJson({ kind, child }: Field, value: unknown, depth: number): unknown {
  switch (kind) {
    case 'int32':
      return value;
    case 'int64':
    case 'uint64':
      return String(value);
    case 'string':
      return hasLoneSurrogate(value as string) ? binary(encodeUtf8(value as string)) : value;
    case 'bytes':
    case 'data':
      return encodeBase64(readBytes(value as Bytes));
    case 'float':
    case 'double':
      return Object.is(value, -0) ? '-0' : Number.isFinite(value) ? value : String(value);
    default:
      return messageToJson(child as Layout, value as Fields, depth + 1);
  }
}

function binary(bytes: Uint8Array): { readonly base64: string } {
  return { base64: encodeBase64(bytes) };
}

function messageToJson(layout: Layout, message: Fields, depth: number): Fields {
  if (depth > MAX_NESTING) throw new JsonMismatch('is nested too deep');
  const json: Record<string, unknown> = {};
  for (const field of layout.fields) {
    const value = message[field.name];
    const isEmpty = field.label !== 'one' && (value as ArrayLike<unknown> | undefined)?.length === 0;
    if (value !== undefined && !isEmpty) json[field.schemaName] = toJson(field, value, depth);
  }
  if (message['fBits'] !== undefined) json['f_bits'] = message['fBits'];
  const unknown = message['unknownFields'];
  if (unknown !== undefined) json['unknown_fields'] = encodeBase64(unknown as Uint8Array);
  return json;
}

/** Sets a field, `f_bits` and `unknown_fields` included, from its name in the schema and its JSON form. @throws JsonMismatch */
export function setField(
  layout: Layout,
  fields: Record<string, unknown>,
  schemaName: string,
  json: unknown,
  depth = 0,
): void {
  const field = layout.fields.find((candidate) => candidate.schemaName === schemaName);
  if (field) fields[field.name] = fromJson(field, json, depth);
  else if (schemaName === 'unknown_fields') fields['unknownFields'] = bytesFromJson(json);
  else if (schemaName === 'f_bits' && layout.name === 'AttributeProto') fields['fBits'] = bitsFromJson(json);
  else throw new JsonMismatch('is for a field that it does not have');
}

function fromJson(field: Field, json: unknown, depth: number): unknown {
  const { empty } = field;
  if (json === null) return empty;
  if (field.label === 'one') return scalarFromJson(field, json, depth);
  const bytes = empty instanceof Float32Array || empty instanceof Float64Array ? binaryFromJson(json) : undefined;
  if (bytes) return floatsFromBytes(empty as Float32Array | Float64Array, bytes);
  if (!Array.isArray(json)) throw new JsonMismatch('is not a list');
  const list = json.map((element) => scalarFromJson(field, element, depth));
  return field.typed ? typedList(field, list) : list;
}

function typedList({ empty }: Field, list: readonly unknown[]): unknown {
  if (empty instanceof Int32Array) return Int32Array.from(list as number[]);
  if (empty instanceof BigInt64Array) return BigInt64Array.from(list as bigint[]);
  if (empty instanceof BigUint64Array) return BigUint64Array.from(list as bigint[]);
  return empty instanceof Float32Array ? Float32Array.from(list as number[]) : Float64Array.from(list as number[]);
}

function floatsFromBytes(empty: Float32Array | Float64Array, bytes: Uint8Array): Float32Array | Float64Array {
  if (bytes.length % empty.BYTES_PER_ELEMENT !== 0) throw new JsonMismatch('is not a whole number of floats');
  return empty instanceof Float32Array
    ? new Float32Array(bytes.slice().buffer)
    : new Float64Array(bytes.slice().buffer);
}

function binaryFromJson(json: unknown): Uint8Array | undefined {
  const text = typeof json === 'object' && json !== null ? (json as Fields)['base64'] : undefined;
  return typeof text === 'string' ? decodeBase64(text) : undefined;
}

function scalarFromJson({ kind, child }: Field, json: unknown, depth: number): unknown {
  switch (kind) {
    case 'int32':
      if (typeof json !== 'number' || json !== (json | 0)) throw new JsonMismatch('is not an integer of 32 bits');
      return json;
    case 'int64':
    case 'uint64':
      return wholeFromJson(json, kind === 'int64');
    case 'string':
      return stringFromJson(json);
    case 'bytes':
    case 'data':
      return bytesFromJson(json);
    case 'float':
    case 'double':
      return floatFromJson(json);
    default:
      return messageFromJson(child as Layout, json, depth + 1);
  }
}

function stringFromJson(json: unknown): string {
  const bytes = binaryFromJson(json);
  if (bytes) return decodeUtf8(bytes);
  if (typeof json !== 'string') throw new JsonMismatch('is not a string');
  return json;
}

function wholeFromJson(json: unknown, signed: boolean): bigint {
  const text = typeof json === 'number' ? String(json) : json;
  if (typeof text !== 'string' || !/^-?[0-9]{1,20}$/.test(text)) throw new JsonMismatch('is not an integer');
  const value = BigInt(text);
  const kept = signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  if (kept !== value) throw new JsonMismatch('is not an integer of 64 bits');
  return value;
}

function floatFromJson(json: unknown): number {
  if (typeof json === 'number') return json;
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity' || json === '-0') return Number(json);
  throw new JsonMismatch('is not a number');
}

function bitsFromJson(json: unknown): number | undefined {
  if (json === null) return undefined;
  if (typeof json !== 'number' || json !== json >>> 0) throw new JsonMismatch('is not an unsigned integer of 32 bits');
  return json;
}

function bytesFromJson(json: unknown): Uint8Array {
  const bytes = typeof json === 'string' ? decodeBase64(json) : undefined;
  if (!bytes) throw new JsonMismatch('is not base64');
  return bytes;
}

function messageFromJson(layout: Layout, json: unknown, depth: number): unknown {
  if (depth > MAX_NESTING) throw new JsonMismatch('is nested too deep');
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new JsonMismatch('is not an object');
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) setField(layout, fields, name, value, depth);
  return create(layout.name, fields);
}
