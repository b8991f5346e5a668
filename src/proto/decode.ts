import {
  fieldTooLarge,
  invalidRun,
  invalidTag,
  invalidVarint,
  nestingTooDeep,
  tooManyMessages,
  truncated,
} from '../diagnostics/codes/proto.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { memorySource } from '../support/bytes.js';
import type { ByteRange, ByteSource } from '../support/bytes.js';
import { decodeUtf8 } from '../support/utf8.js';
import { Cursor, WireFault } from './cursor.js';
import type { Fault } from './cursor.js';
import { LAYOUTS, MAX_NESTING, pathText, WIRE } from './fields.js';
import type { Field, Layout, Step } from './fields.js';
import type { MessageName, Messages } from './messages.js';
import { CANONICAL_NAN, floatOf, WordList } from './words.js';
import type { NumberKind } from './words.js';

/** Bytes of `raw_data` that are read with the message; longer ones stay where they are when the source is not in memory. */
const INLINE_DATA = 1024;
/** Bytes that one string, one bytes field or one typed array may take in memory. */
const MAX_STRING = 2 ** 28;
const MAX_BYTES = 2 ** 31;
/** Messages that one model may hold: some hundred times as many as large models do, and still less than a gigabyte in memory. */
const MAX_MESSAGES = 2 ** 23;
/** Bytes of a run of numbers that are read at once; a multiple of 8. */
const RUN_PIECE = 32_768;

type Message = Record<string, unknown>;

/** A message that is being read, and where it is in the one around it. */
interface Frame extends Partial<Step> {
  readonly layout: Layout;
  readonly message: Message;
  readonly end: number;
}

/**
 * Reads one message that fills the whole source.
 *
 * Takes every encoding that the wire format allows: fields in any order, packed and unpacked numbers, singular fields several
 * times (the last scalar wins, messages merge, a oneof keeps its last member). What the schema does not know is kept in
 * `unknownFields`. `raw_data` is a view of a source in memory and a range of any other. A message may hold `maxMessages` others.
 *
 * @throws {ResonnxError} `proto/truncated`, `proto/invalid-tag`, `proto/invalid-varint`, `proto/invalid-run`,
 *   `proto/nesting-too-deep`, `proto/too-many-messages` or `proto/field-too-large`, with the field's path and the byte offset.
 */
export function decodeMessage<K extends MessageName>(
  kind: K,
  source: ByteSource | Uint8Array,
  maxMessages: number = MAX_MESSAGES,
): Messages[K] {
  const bytes = source instanceof Uint8Array ? memorySource(source) : source;
  const decoder = new Decoder(bytes, LAYOUTS[kind], maxMessages);
  return decoder.decode() as unknown as Messages[K];
}

class Decoder {
  readonly #source: ByteSource;
  readonly #cursor: Cursor;
  readonly #maxMessages: number;
  readonly #frames: Frame[];
  /** Messages that may still come. */
  #left: number;
  /** The field that is being read, for messages. */
  #field: Field | undefined;
  /** Number lists to turn into typed arrays once everything is read: a repeated message may still add to them. */
  readonly #lists: { readonly message: Message; readonly name: string; readonly list: WordList }[] = [];
  readonly #unknown = new Map<Message, ByteRange[]>();

  constructor(source: ByteSource, layout: Layout, maxMessages: number) {
    this.#source = source;
    this.#left = maxMessages;
    this.#maxMessages = maxMessages;
    this.#cursor = new Cursor(source);
    this.#frames = [{ layout, message: newMessage(layout), end: source.size }];
  }

  decode(): Message {
    const root = this.#frames[0] as Frame;
    try {
      for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
        if (this.#cursor.offset < frame.end) this.#readField(frame);
        else this.#frames.pop();
      }
      this.#frames.push(root);
      this.#finish();
      return root.message;
    } catch (error) {
      if (error instanceof WireFault) throw new ResonnxError([this.#diagnose(error.fault)]);
      throw error;
    }
  }

  #readField(frame: Frame): void {
    const start = this.#cursor.offset;
    this.#field = undefined;
    const tag = this.#cursor.tag(frame.end);
    const field = frame.layout.byNumber[tag >>> 3];
    const wire = tag & 7;
    const packed = wire === WIRE.delimited && field?.label !== 'one';
    if (field === undefined || (wire !== field.wire && !packed)) return this.#readUnknown(frame, tag, start);
    this.#field = field;
    if (wire === WIRE.delimited) this.#readDelimited(frame, field);
    else this.#readNumber(frame.message, frame.end, field);
  }

  #readDelimited(frame: Frame, field: Field): void {
    const start = this.#cursor.offset;
    const length = this.#cursor.length(frame.end);
    switch (field.kind) {
      case 'message':
        return this.#enter(frame.message, field, this.#cursor.offset + length);
      case 'string':
        this.#limit(start, length, MAX_STRING);
        return put(frame.message, field, decodeUtf8(this.#cursor.take(length)));
      case 'bytes':
        this.#limit(start, length, MAX_BYTES);
        return put(frame.message, field, this.#cursor.keep(length));
      case 'data':
        return put(frame.message, field, this.#data(length));
      default:
        return this.#readRun(frame.message, field, length);
    }
  }

  #enter(message: Message, field: Field, end: number): void {
    const layout = field.child as Layout;
    if (this.#frames.length >= MAX_NESTING) {
      throw new WireFault({ kind: 'nesting', offset: this.#cursor.offset, limit: MAX_NESTING });
    }
    if (this.#left-- <= 0) {
      throw new WireFault({ kind: 'count', offset: this.#cursor.offset, limit: this.#maxMessages });
    }
    const merged = field.label === 'one' ? (message[field.name] as Message | undefined) : undefined;
    const child = merged ?? newMessage(layout);
    if (!merged) put(message, field, child);
    const index = field.label === 'one' ? undefined : (message[field.name] as unknown[]).length - 1;
    this.#frames.push({ layout, message: child, end, field, index });
  }

  #data(length: number): Uint8Array | ByteRange {
    if (this.#cursor.inMemory || length <= INLINE_DATA) return this.#cursor.keep(length);
    const range = { source: this.#source, offset: this.#cursor.offset, length };
    this.#cursor.skip(length);
    return range;
  }

  /** A packed run of numbers. */
  #readRun(message: Message, field: Field, length: number): void {
    const cursor = this.#cursor;
    const start = cursor.offset;
    const end = start + length;
    if (field.wire === WIRE.varint) {
      while (cursor.offset < end) this.#readNumber(message, end, field);
      return;
    }
    const size = field.wire === WIRE.fixed64 ? 8 : 4;
    if (length % size !== 0) throw new WireFault({ kind: 'run', offset: start, bytes: length, size });
    const list = this.#list(message, field);
    this.#reserve(list, length / size, start);
    while (cursor.offset < end) list.append(cursor.take(Math.min(RUN_PIECE, end - cursor.offset)));
  }

  #readNumber(message: Message, end: number, field: Field): void {
    const start = this.#cursor.offset;
    this.#readWords(field.wire, end);
    const { low, high } = this.#cursor;
    if (field.typed) {
      const list = this.#list(message, field);
      this.#reserve(list, 1, start);
      list.push(low, high);
    } else if (field.kind === 'float') putFloat(message, field, low);
    else if (field.kind === 'int32') put(message, field, low | 0);
    else put(message, field, bigintOf(field.kind, low, high));
  }

  /** The next number's words into the cursor's `low` and `high`. */
  #readWords(wire: number, end: number): void {
    const cursor = this.#cursor;
    if (wire === WIRE.varint) return cursor.varint(end);
    cursor.low = cursor.fixed32(end);
    cursor.high = wire === WIRE.fixed64 ? cursor.fixed32(end) : 0;
  }

  #list(message: Message, field: Field): WordList {
    const present = message[field.name];
    if (present instanceof WordList) return present;
    const list = new WordList(field.kind as NumberKind);
    message[field.name] = list;
    this.#lists.push({ message, name: field.name, list });
    return list;
  }

  #reserve(list: WordList, count: number, offset: number): void {
    this.#limit(offset, list.bytesWith(count), MAX_BYTES);
    list.reserve(count);
  }

  /** Passes over a field that the schema does not have, or has with another wire type; it is kept as it is. */
  #readUnknown(frame: Frame, tag: number, start: number): void {
    const cursor = this.#cursor;
    if (tag >>> 3 === 0) throw new WireFault({ kind: 'tag', offset: start, reason: 'the field number is 0' });
    switch (tag & 7) {
      case WIRE.varint:
        cursor.varint(frame.end);
        break;
      case WIRE.fixed64:
        this.#readWords(WIRE.fixed64, frame.end);
        break;
      case WIRE.delimited:
        cursor.skip(cursor.length(frame.end));
        break;
      case WIRE.fixed32:
        cursor.fixed32(frame.end);
        break;
      default:
        throw new WireFault({ kind: 'tag', offset: start, reason: `ONNX does not use wire type ${tag & 7}` });
    }
    const ranges = this.#unknown.get(frame.message) ?? [];
    ranges.push({ source: this.#source, offset: start, length: cursor.offset - start });
    this.#unknown.set(frame.message, ranges);
  }

  #limit(offset: number, bytes: number, limit: number): void {
    if (bytes > limit) throw new WireFault({ kind: 'too-large', offset, bytes, limit });
  }

  #finish(): void {
    for (const { message, name, list } of this.#lists) message[name] = list.finish();
    for (const [message, ranges] of this.#unknown) {
      const total = ranges.reduce((sum, { length }) => sum + length, 0);
      this.#limit(ranges[0]?.offset ?? 0, total, MAX_BYTES);
      const bytes = new Uint8Array(total);
      let at = 0;
      for (const { source, offset, length } of ranges) {
        bytes.set(source.read(offset, length), at);
        at += length;
      }
      message['unknownFields'] = bytes;
    }
  }

  #diagnose(fault: Fault): Diagnostic {
    const { layout } = this.#frames[0] as Frame;
    const steps = this.#frames.flatMap(({ field, index }) => (field ? [{ field, index }] : []));
    if (this.#field && fault.kind !== 'nesting') steps.push({ field: this.#field, index: undefined });
    const at = { file: this.#source.name, path: pathText(layout, steps) };
    switch (fault.kind) {
      case 'truncated':
        return truncated(at, fault.offset, fault.end, fault.limit);
      case 'varint':
        return invalidVarint(at, fault.offset);
      case 'tag':
        return invalidTag(at, fault.offset, fault.reason);
      case 'run':
        return invalidRun(at, fault.offset, fault.bytes, fault.size);
      case 'count':
        return tooManyMessages(at, fault.offset, fault.limit);
      case 'nesting':
        return nestingTooDeep(at, fault.limit, fault.offset);
      case 'too-large':
        return fieldTooLarge(at, fault.offset, fault.bytes, fault.limit);
    }
  }
}

function newMessage(layout: Layout): Message {
  const message: Message = {};
  for (const { name, empty } of layout.repeated) message[name] = empty;
  return message;
}

/** Sets a singular field, clearing the rest of its oneof, or appends to a repeated one. */
function put(message: Message, field: Field, value: unknown): void {
  if (field.label === 'one') {
    for (const rival of field.rivals) if (rival in message) delete message[rival];
    message[field.name] = value;
    return;
  }
  const list = message[field.name] as unknown[];
  if (list === field.empty) message[field.name] = [value];
  else list.push(value);
}

function putFloat(message: Message, field: Field, bits: number): void {
  const value = floatOf(bits);
  put(message, field, value);
  if (Number.isNaN(value) && bits !== CANONICAL_NAN) message[`${field.name}Bits`] = bits;
  else delete message[`${field.name}Bits`];
}

function bigintOf(kind: Field['kind'], low: number, high: number): bigint {
  if (high === 0) return BigInt(low);
  const value = (BigInt(high) << 32n) | BigInt(low);
  return kind === 'int64' ? BigInt.asIntN(64, value) : value;
}
