import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { create } from '../../src/proto/create.js';
import { decodeMessage } from '../../src/proto/decode.js';
import { encodeMessage } from '../../src/proto/encode.js';
import type { FieldRow } from '../../src/proto/fields.js';
import type { MessageName, Messages } from '../../src/proto/messages.js';
import { decodeModel, encodeModel } from '../../src/proto/model.js';
import { TABLE } from '../../src/proto/table.js';
import { comparable, fileLike, join, varint } from '../support/wire.js';

const ppocr = new Uint8Array(readFileSync(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url)));
const NAMES = Object.keys(TABLE) as MessageName[];

const float32 = fc
  .integer({ min: 0, max: 2 ** 32 - 1 })
  .map((bits) => new Float32Array(Uint32Array.of(bits).buffer)[0]!);
const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.string({ unit: 'grapheme', maxLength: 12 }),
  bytes: fc.uint8Array({ maxLength: 12 }),
  data: fc.oneof(
    fc.uint8Array({ maxLength: 12 }),
    fc.integer({ min: 1020, max: 1030 }).map((n) => new Uint8Array(n).fill(n)),
  ),
  int32: fc.integer(),
  int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  uint64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  float: float32.filter((value) => !Number.isNaN(value)),
};
/** Typed arrays of random bits, NaNs of all kinds among them. */
const words = (most: number): fc.Arbitrary<ArrayBuffer> =>
  fc.uint8Array({ maxLength: most }).map((bytes) => Uint8Array.from(bytes.subarray(0, bytes.length & ~7)).buffer);
const ARRAYS: Readonly<Record<string, fc.Arbitrary<ArrayBufferView>>> = {
  int32: words(40).map((buffer) => new Int32Array(buffer)),
  int64: words(40).map((buffer) => new BigInt64Array(buffer)),
  uint64: words(40).map((buffer) => new BigUint64Array(buffer)),
  float: words(1100).map((buffer) => new Float32Array(buffer)),
  double: words(1100).map((buffer) => new Float64Array(buffer)),
};

/** Messages of a type, with others inside them to a depth. */
function messages<K extends MessageName>(kind: K, depth: number): fc.Arbitrary<Messages[K]> {
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  const oneofs: string[][] = [];
  for (const row of TABLE[kind]) {
    const content = fieldContent(row, depth);
    if (content) fields[row[1]] = content;
    const rival = oneofs.find(([name]) => name === row[4]);
    if (rival) rival.push(row[1]);
    else if (row[4]) oneofs.push([row[4], row[1]]);
  }
  return fc.tuple(fc.record(fields, { requiredKeys: [] }), fc.nat()).map(([chosen, pick]) => {
    for (const [, ...members] of oneofs) {
      const set = members.filter((name) => name in chosen);
      for (const name of set) if (name !== set[pick % set.length]) delete chosen[name];
    }
    return create(kind, chosen as Partial<Messages[K]>);
  });
}

function fieldContent([, , kind, label = 'one']: FieldRow, depth: number): fc.Arbitrary<unknown> | undefined {
  const inside = SCALARS[kind] ? undefined : (kind as MessageName);
  if (kind === 'float' || kind === 'double' || label === 'packed')
    return label === 'one' ? SCALARS[kind] : ARRAYS[kind];
  if (inside && depth === 0) return undefined;
  const one = inside ? messages(inside, depth - 1) : SCALARS[kind]!;
  return label === 'one' ? one : fc.array(one, { maxLength: 3 });
}

const anyMessage = fc.constantFrom(...NAMES).chain((kind) => messages(kind, 2).map((message) => ({ kind, message })));

/** The fields of an encoded message, each with its tag. */
function fieldsOf(bytes: Uint8Array): { readonly number: number; readonly wire: number; readonly bytes: Uint8Array }[] {
  const fields = [];
  let at = 0;
  const next = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('the bytes end inside a field');
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const tag = next();
    if (tag % 8 === 2) {
      const length = next();
      at += length;
    } else if (tag % 8 === 0) next();
    else at += tag % 8 === 1 ? 8 : 4;
    fields.push({ number: tag >>> 3, wire: tag % 8, bytes: bytes.subarray(start, at) });
  }
  return fields;
}

test('every message comes back from its bytes, in memory and through windows', () => {
  fc.assert(
    fc.property(anyMessage, ({ kind, message }) => {
      const encoded = encodeMessage(kind, message);
      const bytes = encoded.toBytes();
      expect(bytes).toHaveLength(encoded.byteLength);
      const read = decodeMessage(kind, bytes);
      expect(comparable(read)).toEqual(comparable(message));
      expect(comparable(decodeMessage(kind, fileLike(bytes)))).toEqual(comparable(message));
      expect(encodeMessage(kind, read).toBytes()).toEqual(bytes);
    }),
    { numRuns: 300 },
  );
});

test('fields are written in ascending order of their numbers', () => {
  fc.assert(
    fc.property(anyMessage, ({ kind, message }) => {
      const numbers = fieldsOf(encodeMessage(kind, message).toBytes()).map(({ number }) => number);
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
    }),
  );
});

test('the order of different fields makes no difference, and unknown ones between them are kept', () => {
  fc.assert(
    fc.property(anyMessage, fc.array(fc.nat()), ({ kind, message }, keys) => {
      const fields = fieldsOf(encodeMessage(kind, message).toBytes());
      const rank = (number: number): number => keys[number % Math.max(keys.length, 1)] ?? 0;
      const shuffled = fields.toSorted((a, b) => rank(a.number) - rank(b.number) || a.number - b.number);
      const unknown = join(varint(999 * 8), [1]);
      const read = decodeMessage(kind, join(...shuffled.flatMap(({ bytes }) => [bytes, unknown])));
      const expected =
        fields.length === 0 ? message : { ...message, unknownFields: join(...fields.map(() => unknown)) };
      expect(comparable(read)).toEqual(comparable(expected));
    }),
  );
});

test('a message in two pieces is the message: repeated fields go on', () => {
  fc.assert(
    fc.property(messages('GraphProto', 2), fc.nat(), (graph, cut) => {
      const fields = fieldsOf(encodeMessage('GraphProto', graph).toBytes()).map(({ bytes }) => bytes);
      const half = cut % (fields.length + 1);
      const pieces = [fields.slice(0, half), fields.slice(half)].map((piece) => join(...piece));
      const model = join(...pieces.flatMap((piece) => [[7 * 8 + 2], varint(piece.length), piece]));
      expect(comparable(decodeModel(model).graph)).toEqual(comparable(graph));
    }),
  );
});

/** Decodes, or is refused with a diagnostic; anything else fails the test. What is accepted can be written and read again. */
function survives(bytes: Uint8Array): void {
  for (const source of [bytes, fileLike(bytes)]) {
    try {
      const model = decodeModel(source);
      expect(comparable(decodeModel(encodeModel(model).toBytes()))).toEqual(comparable(model));
    } catch (error) {
      if (!(error instanceof ResonnxError)) throw error;
      expect(error.code).toMatch(/^proto\//);
    }
  }
}

test('random bytes are read or refused', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), survives), { numRuns: 500 });
  const graphs = fc.uint8Array({ maxLength: 100 }).map((bytes) => join([0x08, 8, 0x3a, bytes.length], bytes));
  fc.assert(fc.property(graphs, survives), { numRuns: 500 });
});

test('a real graph with bytes changed, or without its end, is read or refused', () => {
  const graph = encodeMessage('GraphProto', decodeModel(ppocr).graph!).toBytes().subarray(0, 6000);
  const edits = fc.array(fc.tuple(fc.nat({ max: graph.length - 1 }), fc.nat({ max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(edits, fc.nat({ max: graph.length }), (changes, length) => {
      const bytes = graph.slice(0, length);
      for (const [at, byte] of changes) if (at < length) bytes[at] = byte;
      survives(join([0x08, 8, 0x3a], varint(length), bytes));
    }),
    { numRuns: 300 },
  );
});
