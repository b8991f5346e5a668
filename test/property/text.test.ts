import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { encodeMessage } from '../../src/proto/encode.js';
import { LAYOUTS, type Field } from '../../src/proto/fields.js';
import type { GraphProto, MessageName, Messages, ModelProto } from '../../src/proto/messages.js';
import { decodeUtf8 } from '../../src/support/utf8.js';
import { parseGraphText, parseModelText } from '../../src/text/parse.js';
import { printGraph, printModel } from '../../src/text/print.js';

type Fields = Record<string, unknown>;

const DEPTH = 7;

const text = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom('', 'float', 'seq', 'inf', 'nan_1', 'undefined', 'a.b', '/x/Add', '2x', '#@ node'),
  },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\r', '#', ' ', '\u2028'), maxLength: 6 }),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map(decodeUtf8) },
);

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  text.map((one) => new TextEncoder().encode(one)),
);

/** Bits that matter: zeros, infinities, both plain NaNs and others, small integers, and anything. */
const floatWord = fc.oneof(
  fc.constantFrom(0, 0x80000000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7f800001, 0x7fc00001, 0x3f800000),
  fc.integer({ min: 0, max: 0xffffffff }),
);
const floatRun = fc.array(floatWord, { maxLength: 4 }).map((words) => new Float32Array(Uint32Array.from(words).buffer));
const doubleRun = fc
  .array(
    fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constantFrom(0x7ff8n << 48n, 0xfff8n << 48n, 1n << 63n)),
    {
      maxLength: 3,
    },
  )
  .map((words) => new Float64Array(BigUint64Array.from(words).buffer));

const int64 = fc.oneof(fc.bigInt({ min: -3n, max: 5n }), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const int32 = fc.oneof(fc.integer({ min: -1, max: 27 }), fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }));
const uint64 = fc.oneof(fc.bigInt({ min: 0n, max: 5n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));

function scalar(field: Field, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'string':
      return text;
    case 'bytes':
    case 'data':
      return bytes;
    case 'int32':
      return int32;
    case 'int64':
      return int64;
    case 'uint64':
      return uint64;
    case 'float':
    case 'double':
      return fc.double().map(Math.fround);
    default:
      return message(field.child!.name, depth - 1);
  }
}

function list(field: Field, depth: number): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case 'float':
      return floatRun;
    case 'double':
      return doubleRun;
    default: {
      const elements = fc.array(scalar(field, depth), { maxLength: 3 });
      if (field.empty instanceof Int32Array) return elements.map((values) => Int32Array.from(values as number[]));
      if (field.empty instanceof BigInt64Array) return elements.map((values) => BigInt64Array.from(values as bigint[]));
      if (field.empty instanceof BigUint64Array)
        return elements.map((values) => BigUint64Array.from(values as bigint[]));
      return elements;
    }
  }
}

const known = new Map<string, fc.Arbitrary<unknown>>();

/** Any message of a kind that the wire format can hold, messages nested up to `depth`: what models never say included. */
function message<K extends MessageName>(kind: K, depth: number): fc.Arbitrary<Messages[K]> {
  const key = `${kind} ${depth}`;
  const found = known.get(key);
  if (found) return found as fc.Arbitrary<Messages[K]>;
  const fields: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of LAYOUTS[kind].fields) {
    if (field.kind === 'message' && depth <= 1) fields[field.name] = fc.constant(field.empty);
    else if (field.label === 'one') fields[field.name] = fc.option(scalar(field, depth), { nil: undefined, freq: 2 });
    else
      fields[field.name] = fc.oneof(
        { weight: 1, arbitrary: fc.constant(field.empty) },
        { weight: 1, arbitrary: list(field, depth) },
      );
  }
  fields['unknownFields'] = fc.option(fc.constant(Uint8Array.of(0xfa, 0x7f, 2, 1, 2)), { nil: undefined, freq: 9 });
  const any = fc.record(fields).map((one) => repair(kind, one));
  const made =
    kind === 'TensorProto' ? fc.oneof(any, tensor) : kind === 'AttributeProto' ? fc.oneof(any, attribute(depth)) : any;
  known.set(key, made);
  return made as fc.Arbitrary<Messages[K]>;
}

/** One member of each oneof, NaN bits only where there is a NaN, names given once where the text wants that. */
function repair(kind: MessageName, fields: Fields): Fields {
  for (const { name, rivals } of LAYOUTS[kind].fields) {
    if (fields[name] !== undefined) for (const rival of rivals) fields[rival] = undefined;
  }
  if (kind === 'AttributeProto' && Number.isNaN(fields['f'])) fields['fBits'] = 0x7f800001;
  if (kind === 'NodeProto') fields['attribute'] = distinct(fields['attribute'] as Fields[]);
  if (kind === 'FunctionProto') {
    const defaults = distinct(fields['attributeProto'] as Fields[]);
    const taken = new Set(defaults.map(({ name }) => name ?? ''));
    fields['attributeProto'] = defaults;
    fields['attribute'] = [...new Set(fields['attribute'] as string[])].filter((name) => !taken.has(name));
  }
  return fields;
}

function distinct(attributes: readonly Fields[]): Fields[] {
  const names = new Set<unknown>();
  return attributes.filter(({ name = '' }) => !names.has(name) && names.add(name));
}

/** A tensor whose data is what its type and shape say. */
const tensor: fc.Arbitrary<unknown> = fc
  .record({
    dataType: fc.integer({ min: 1, max: 26 }),
    dims: fc.array(fc.bigInt({ min: 0n, max: 3n }), { maxLength: 2 }),
    name: fc.option(text, { nil: undefined }),
    isRaw: fc.boolean(),
    seed: fc.uint8Array({ minLength: 144, maxLength: 144 }),
  })
  .map(({ dataType, dims, name, isRaw, seed }) => {
    const count = dims.reduce((product, dim) => product * Number(dim), 1);
    return {
      ...Object.fromEntries(LAYOUTS.TensorProto.repeated.map((field) => [field.name, field.empty])),
      dims,
      dataType,
      name,
      ...data(dataType, count, isRaw, seed),
    };
  });

const BITS: Readonly<Record<number, number>> = {
  1: 32,
  5: 16,
  4: 16,
  6: 32,
  7: 64,
  10: 16,
  11: 64,
  12: 32,
  13: 64,
  14: 64,
  15: 128,
  16: 16,
  21: 4,
  22: 4,
  23: 4,
  25: 2,
  26: 2,
};

function data(dataType: number, count: number, isRaw: boolean, seed: Uint8Array): Fields {
  if (dataType === 8) return { stringData: Array.from({ length: count }, (_, i) => seed.slice(i, i + 2)) };
  const raw = seed.slice(0, Math.ceil((count * (BITS[dataType] ?? 8)) / 8));
  if (isRaw) return { rawData: raw };
  const { buffer } = raw;
  switch (dataType) {
    case 1:
    case 14:
      return { floatData: new Float32Array(buffer) };
    case 11:
    case 15:
      return { doubleData: new Float64Array(buffer) };
    case 7:
      return { int64Data: new BigInt64Array(buffer) };
    case 12:
      return { uint64Data: BigUint64Array.from(new Uint32Array(buffer), BigInt) };
    case 13:
      return { uint64Data: new BigUint64Array(buffer) };
    case 3:
      return { int32Data: Int32Array.from(new Int8Array(buffer)) };
    case 5:
      return { int32Data: Int32Array.from(new Int16Array(buffer)) };
    case 6:
      return { int32Data: new Int32Array(buffer) };
    default:
      return { int32Data: Int32Array.from(BITS[dataType] === 16 ? new Uint16Array(buffer) : raw) };
  }
}

const VALUES = {
  1: 'f',
  2: 'i',
  3: 's',
  4: 't',
  5: 'g',
  6: 'floats',
  7: 'ints',
  8: 'strings',
  9: 'tensors',
  10: 'graphs',
  11: 'sparseTensor',
  12: 'sparseTensors',
  13: 'tp',
  14: 'typeProtos',
} as const;

/** An attribute whose value is of its type. */
function attribute(depth: number): fc.Arbitrary<unknown> {
  return fc.constantFrom(...Object.entries(VALUES)).chain(([type, name]) => {
    const field = LAYOUTS.AttributeProto.fields.find((one) => one.name === name)!;
    const isOpen = field.kind === 'message' && depth <= 1;
    const value = isOpen ? fc.constant(field.empty) : field.label === 'one' ? scalar(field, depth) : list(field, depth);
    return fc.record({ name: text, value }).map((one) => ({
      ...Object.fromEntries(LAYOUTS.AttributeProto.repeated.map((other) => [other.name, other.empty])),
      name: one.name,
      type: Number(type),
      [name]: one.value,
    }));
  });
}

function bytesOf<K extends MessageName>(kind: K, one: Messages[K]): string {
  return Buffer.from(encodeMessage(kind, one).toBytes()).toString('hex');
}

describe('parse(print(m)) is m', () => {
  test('for models that hold anything at all', () => {
    fc.assert(
      fc.property(message('ModelProto', DEPTH), (model: ModelProto) => {
        expect(bytesOf('ModelProto', parseModelText(printModel(model)))).toBe(bytesOf('ModelProto', model));
      }),
      { numRuns: 400 },
    );
  });

  test('for graphs alone', () => {
    fc.assert(
      fc.property(message('GraphProto', 5), (graph: GraphProto) => {
        expect(bytesOf('GraphProto', parseGraphText(printGraph(graph)))).toBe(bytesOf('GraphProto', graph));
      }),
      { numRuns: 300 },
    );
  });

  test('printing what was read gives the same text', () => {
    fc.assert(
      fc.property(message('ModelProto', DEPTH), (model: ModelProto) => {
        const once = printModel(model);
        expect(printModel(parseModelText(once))).toBe(once);
      }),
      { numRuns: 200 },
    );
  });
});

describe('anything typed', () => {
  test('reads or is refused with line and column, never another error', () => {
    const word = fc.constantFrom(
      '<',
      '>',
      '(',
      ')',
      '[',
      ']',
      '{',
      '}',
      '=',
      '=>',
      ',',
      ':',
      '@',
      '"',
      '#@ node name: 1\n',
      '#',
      '\n',
      'float',
      'g',
      '1',
      '-',
      '.5',
      'seq',
      '\\',
      '?',
      '\u0000',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        try {
          parseModelText(words.join(' '));
        } catch (error) {
          expect(error).toMatchObject({
            name: 'ResonnxError',
            diagnostics: [{ at: { line: expect.any(Number), col: expect.any(Number) } }],
          });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
