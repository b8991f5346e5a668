import { badAnnotation } from '../diagnostics/codes/text.js';
import { LAYOUTS } from '../proto/fields.js';
import type { MessageName, Messages } from '../proto/messages.js';
import { encodeBase64 } from '../support/base64.js';
import { JsonMismatch, setField, toJson, type Fields } from './json.js';
import type { Scanner } from './scanner.js';

/** What a `#@` line can annotate, and the message that it sets a field of. `defaults` are the reader's, see {@link Defaults}. */
const NOTE_TARGETS = {
  model: 'ModelProto',
  graph: 'GraphProto',
  function: 'FunctionProto',
  node: 'NodeProto',
  attribute: 'AttributeProto',
  value: 'ValueInfoProto',
  tensor: 'TensorProto',
} as const satisfies Record<string, MessageName>;

/** A message kind that annotations know. */
type NotedTarget = keyof typeof NOTE_TARGETS;

/** The word after `#@`. */
export type NoteTarget = NotedTarget | 'defaults';

/** One `#@ target field: json` line. */
export interface Note {
  readonly target: NoteTarget;
  readonly field: string;
  readonly value: unknown;
  readonly offset: number;
}

type Noted<T extends NotedTarget> = Messages[(typeof NOTE_TARGETS)[T]];

/** The message with the fields that its annotations give. @throws ResonnxError text/bad-annotation */
export function applyNotes<T extends NotedTarget>(
  scanner: Scanner,
  target: T,
  message: Noted<T>,
  notes: readonly Note[],
): Noted<T> {
  if (notes.length === 0) return message;
  const fields: Record<string, unknown> = { ...message };
  for (const { field, value, offset } of notes) {
    try {
      setField(LAYOUTS[NOTE_TARGETS[target]], fields, field, value);
    } catch (error) {
      if (!(error instanceof JsonMismatch)) throw error;
      scanner.fail((at) => badAnnotation(at, `${target} ${field}: the value ${error.message}`), offset);
    }
  }
  return fields as unknown as Noted<T>;
}

/** A `#@` line. */
export function noteLine(target: NoteTarget, field: string, json: unknown): string {
  return `#@ ${target} ${field}: ${JSON.stringify(json)}`;
}

/** The lines for the fields of `message` that are not those of `plain`, which is what its text alone says; `skip` are not compared. */
export function diffNotes<T extends NotedTarget>(
  target: T,
  message: Noted<T>,
  plain: Partial<Noted<T>>,
  skip: readonly (keyof Noted<T>)[] = [],
): readonly string[] {
  const [actual, said] = [message as unknown as Fields, plain as Fields];
  const lines: string[] = [];
  for (const field of LAYOUTS[NOTE_TARGETS[target]].fields) {
    const mine = actual[field.name];
    if ((skip as readonly string[]).includes(field.name) || sameValue(mine, said[field.name] ?? field.empty)) continue;
    lines.push(noteLine(target, field.schemaName, toJson(field, mine)));
  }
  if (actual['fBits'] !== said['fBits']) lines.push(noteLine(target, 'f_bits', actual['fBits'] ?? null));
  const unknown = actual['unknownFields'];
  if (unknown !== undefined) lines.push(noteLine(target, 'unknown_fields', encodeBase64(unknown as Uint8Array)));
  return lines;
}

/** Whether two values of fields are the same, bit by bit; a field that is `undefined` is as good as none. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (ArrayBuffer.isView(a) && ArrayBuffer.isView(b)) return sameBytes(bytesOf(a), bytesOf(b));
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((x, i) => sameValue(x, b[i]));
  }
  const [left, right] = [a as Fields, b as Fields];
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...names].every((name) => sameValue(left[name], right[name]));
}

function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
