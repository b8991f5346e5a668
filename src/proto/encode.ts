import { nestingTooDeep } from '../diagnostics/codes/proto.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Bytes } from '../support/bytes.js';
import type { Encoded } from './encoded.js';
import { LAYOUTS, MAX_NESTING, pathText, WIRE } from './fields.js';
import type { Field, Layout, Step } from './fields.js';
import type { MessageName, Messages } from './messages.js';
import { Tape } from './tape.js';
import { eachNumber, floatBits, floatOf, littleEndian } from './words.js';
import type { NumberArray } from './words.js';

type Message = Readonly<Record<string, unknown>>;

/** A message that is being written: the field that is next, the element of it, and where its length goes. */
interface Frame {
  readonly layout: Layout;
  readonly message: Message;
  readonly opened: ReturnType<Tape['open']> | undefined;
  field: number;
  element: number;
}

/**
 * Writes a message in canonical form: fields in ascending order of their numbers, packed where the schema says so, then the
 * unknown fields. Bytes that are ranges stay ranges.
 *
 * @throws {ResonnxError} `proto/nesting-too-deep`, as such a message could not be read again.
 */
export function encodeMessage<K extends MessageName>(kind: K, message: Messages[K]): Encoded {
  const tape = new Tape();
  const frames: Frame[] = [
    { layout: LAYOUTS[kind], message: message as unknown as Message, opened: undefined, field: 0, element: 0 },
  ];
  for (let frame = frames.at(-1); frame; frame = frames.at(-1)) {
    const child = nextChild(tape, frame);
    if (child) {
      frames.push(child);
      if (frames.length > MAX_NESTING) throw tooDeep(frames);
      continue;
    }
    const unknown = frame.message['unknownFields'] as Uint8Array | undefined;
    if (unknown) tape.raw(unknown);
    if (frame.opened) tape.close(frame.opened);
    frames.pop();
  }
  return tape.finish();
}

/** Writes the fields of a message up to the next message inside it, which is begun; `undefined` at the end. */
function nextChild(tape: Tape, frame: Frame): Frame | undefined {
  for (; frame.field < frame.layout.fields.length; frame.field++) {
    const field = frame.layout.fields[frame.field] as Field;
    const value = frame.message[field.name];
    if (value === undefined) continue;
    if (!field.child) {
      writeScalars(tape, field, value, frame.message);
      continue;
    }
    const list = field.label === 'one' ? [value] : (value as readonly unknown[]);
    const message = list[frame.element] as Message | undefined;
    frame.element = message ? frame.element + 1 : 0;
    if (!message) continue;
    tape.writer.uint32(field.number * 8 + WIRE.delimited);
    return { layout: field.child, message, opened: tape.open(), field: 0, element: 0 };
  }
  return undefined;
}

function writeScalars(tape: Tape, field: Field, value: unknown, message: Message): void {
  if (field.typed) {
    if (field.label === 'packed') writeRun(tape, field, value as NumberArray);
    else eachNumber(value as NumberArray, (low, high) => writeWords(tape, field, low, high));
  } else if (field.label !== 'one') {
    for (const element of value as readonly unknown[]) writeScalar(tape, field, element);
  } else if (field.kind === 'float') {
    writeWords(tape, field, bitsToWrite(value as number, message[`${field.name}Bits`] as number | undefined), 0);
  } else writeScalar(tape, field, value);
}

function writeRun(tape: Tape, field: Field, numbers: NumberArray): void {
  if (numbers.length === 0) return;
  tape.writer.uint32(field.number * 8 + WIRE.delimited);
  if (field.wire !== WIRE.varint) return tape.bytes(littleEndian(numbers));
  const opened = tape.open();
  eachNumber(numbers, (low, high) => writeBare(tape, field, low, high));
  tape.close(opened);
}

function writeScalar(tape: Tape, field: Field, value: unknown): void {
  if (field.kind === 'int32') return writeWords(tape, field, value as number, 0);
  if (field.kind === 'int64' || field.kind === 'uint64') {
    const bits = value as bigint;
    return writeWords(tape, field, Number(BigInt.asUintN(32, bits)), Number(BigInt.asUintN(32, bits >> 32n)));
  }
  tape.writer.uint32(field.number * 8 + field.wire);
  if (field.kind === 'string') tape.text(value as string);
  else tape.bytes(value as Bytes);
}

function writeWords(tape: Tape, field: Field, low: number, high: number): void {
  tape.writer.uint32(field.number * 8 + field.wire);
  writeBare(tape, field, low, high);
}

/** One number without its tag, from its 32-bit words. */
function writeBare({ writer }: Tape, field: Field, low: number, high: number): void {
  if (field.kind === 'int32') writer.int32(low | 0);
  else if (field.wire === WIRE.varint) writer.uint64({ low, high, unsigned: true });
  else {
    writer.fixed32(low);
    if (field.wire === WIRE.fixed64) writer.fixed32(high);
  }
}

/** The bits that were read, unless the value has been replaced since. */
function bitsToWrite(value: number, bits: number | undefined): number {
  return bits !== undefined && Number.isNaN(value) && Number.isNaN(floatOf(bits)) ? bits : floatBits(value);
}

function tooDeep(frames: readonly Frame[]): ResonnxError {
  const steps = frames.slice(0, -1).map(({ layout, field, element }): Step => {
    const current = layout.fields[field] as Field;
    return { field: current, index: current.label === 'one' ? undefined : element - 1 };
  });
  return new ResonnxError([nestingTooDeep({ path: pathText((frames[0] as Frame).layout, steps) }, MAX_NESTING)]);
}
