import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import { create } from '../../src/proto/create.js';
import { decodeMessage } from '../../src/proto/decode.js';
import { encodeMessage } from '../../src/proto/encode.js';
import { AttributeType, DataLocation } from '../../src/proto/enums.js';
import { LAYOUTS } from '../../src/proto/fields.js';
import type { MessageName, Messages } from '../../src/proto/messages.js';
import { decodeModel, encodeModel } from '../../src/proto/model.js';
import type { ByteSource } from '../../src/support/bytes.js';
import { ascii, comparable, delimited, fileLike, integer, join, varint } from '../support/wire.js';

const { onnx } = onnxProto;
const ppocr = new Uint8Array(readFileSync(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url)));

/** Decodes from memory and through windows, which must agree. */
function decode<K extends MessageName>(kind: K, ...parts: readonly (Uint8Array | readonly number[])[]): Messages[K] {
  const bytes = join(...parts);
  const message = decodeMessage(kind, bytes);
  expect(comparable(decodeMessage(kind, fileLike(bytes)))).toEqual(comparable(message));
  return message;
}

function encode<K extends MessageName>(kind: K, message: Messages[K]): Uint8Array {
  return encodeMessage(kind, message).toBytes();
}

describe('a real model', () => {
  const model = decodeModel(ppocr);

  test('comes back byte for byte, from memory and through windows', () => {
    expect(Buffer.compare(encodeModel(model).toBytes(), ppocr)).toBe(0);
    expect(Buffer.compare(encodeModel(decodeModel(fileLike(ppocr))).toBytes(), ppocr)).toBe(0);
  });

  test('reads as onnx-proto reads it', () => {
    const other = onnx.ModelProto.decode(ppocr);
    expect(model.irVersion).toBe(BigInt(String(other.irVersion)));
    expect(model.graph?.node.map(({ opType, input, output }) => [opType, input, output])).toEqual(
      other.graph?.node?.map(({ opType, input, output }) => [opType, input, output]),
    );
    const constants = model.graph?.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t ?? [])) ?? [];
    const others = other.graph?.node?.flatMap(({ attribute }) => attribute?.flatMap(({ t }) => t ?? []) ?? []) ?? [];
    expect(constants).toHaveLength(250);
    expect(constants.map(({ dims }) => dims.map(String))).toEqual(others.map(({ dims }) => dims?.map(String)));
    expect(constants.map(({ rawData }) => comparable(rawData))).toEqual(
      others.map(({ rawData }) => comparable(rawData)),
    );
  });

  test('in memory, weights are views of the bytes', () => {
    const weights = model.graph?.node.flatMap(({ attribute }) => attribute.flatMap(({ t }) => t?.rawData ?? [])) ?? [];
    expect(weights.length).toBeGreaterThan(0);
    for (const data of weights) expect(data instanceof Uint8Array && data.buffer === ppocr.buffer).toBe(true);
  });
});

describe('a source that is not in memory', () => {
  test('raw_data above 1 KiB stays a range; shorter data is read', () => {
    const data = new Uint8Array(1025).fill(7);
    const short = decodeMessage('TensorProto', fileLike(delimited(9, data.subarray(1))));
    expect(short.rawData).toBeInstanceOf(Uint8Array);
    const source = fileLike(delimited(9, data));
    expect(decodeMessage('TensorProto', source).rawData).toEqual({ source, offset: 3, length: 1025 });
  });

  test('10 GB of weights are neither read nor copied before they are written', () => {
    const tenGB = 10 * 2 ** 30;
    const name = delimited(8, ascii('W'));
    const tensor = join(name, varint(9 * 8 + 2), varint(tenGB));
    const initializer = join(varint(5 * 8 + 2), varint(tensor.length + tenGB), tensor);
    const head = join(varint(7 * 8 + 2), varint(initializer.length + tenGB + 4), initializer);
    const tail = delimited(2, ascii('gg'));
    const reads: number[] = [];
    const source: ByteSource = {
      name: 'huge.onnx',
      size: head.length + tenGB + tail.length,
      read(offset, length) {
        reads.push(length);
        const bytes = new Uint8Array(length);
        if (offset < head.length) bytes.set(head.subarray(offset, offset + length));
        const behind = offset - head.length - tenGB;
        if (behind + length > 0) bytes.set(tail.subarray(Math.max(behind, 0)), Math.max(-behind, 0));
        return bytes;
      },
    };
    const model = decodeModel(source);
    expect(model.graph?.name).toBe('gg');
    expect(model.graph?.initializer[0]?.rawData).toEqual({ source, offset: head.length, length: tenGB });
    expect(reads.reduce((a, b) => a + b, 0)).toBeLessThan(200_000);
    // Canonical order puts the graph's name before its initializers; nothing is read to write it so.
    const before = reads.length;
    const encoded = encodeModel(model);
    expect(encoded.byteLength).toBe(source.size);
    expect(reads).toHaveLength(before);
  });

  test('a sink gets pieces of at most 4 MiB', () => {
    const data = Uint8Array.from({ length: 9 * 2 ** 20 }, (_, i) => i * 31);
    const source = fileLike(delimited(9, data));
    const pieces: Uint8Array[] = [];
    encodeMessage('TensorProto', decodeMessage('TensorProto', source)).writeTo((piece) => pieces.push(piece));
    expect(Math.max(...pieces.map((piece) => piece.length))).toBe(4 * 2 ** 20);
    expect(Buffer.compare(Buffer.concat(pieces), delimited(9, data))).toBe(0);
  });

  test('fields that cross the edge of a window are read whole', () => {
    for (let shift = 0; shift < 24; shift++) {
      const filler = delimited(8, new Uint8Array(65_520 + shift).fill(97));
      const tensor = decode(
        'TensorProto',
        filler,
        integer(1, -2n),
        delimited(12, ascii('doc')),
        delimited(4, [0, 0, 128, 63]),
      );
      expect(tensor.dims).toEqual([-2n]);
      expect(tensor.docString).toBe('doc');
      expect([...tensor.floatData]).toEqual([1]);
    }
  });
});

describe('what the format allows', () => {
  test('a field set to its default is kept, an absent one stays absent', () => {
    const bytes = join(integer(2, 0), delimited(8), integer(14, DataLocation.DEFAULT));
    const tensor = decode('TensorProto', bytes);
    expect(tensor).toMatchObject({ dataType: 0, name: '', dataLocation: 0 });
    expect(tensor.docString).toBeUndefined();
    expect(encode('TensorProto', tensor)).toEqual(bytes);
  });

  test('64-bit integers are exact', () => {
    const ints = [2n ** 63n - 1n, -(2n ** 63n), -1n, 0n, 2n ** 53n + 1n, 2n ** 32n, 127n, 128n];
    const attribute = create('AttributeProto', { name: 'ends', ints, type: AttributeType.INTS });
    expect(decode('AttributeProto', encode('AttributeProto', attribute)).ints).toEqual(ints);
    const tensor = create('TensorProto', {
      int64Data: BigInt64Array.from(ints),
      uint64Data: BigUint64Array.of(2n ** 64n - 1n, 0n),
    });
    const again = decode('TensorProto', encode('TensorProto', tensor));
    expect([...again.int64Data]).toEqual(ints);
    expect([...again.uint64Data]).toEqual([2n ** 64n - 1n, 0n]);
  });

  test('numbers are taken packed and one by one, and written as the schema says', () => {
    const dims = decode('TensorProto', delimited(1, [2, 3]), integer(1, 4), delimited(1, [5]));
    expect(dims.dims).toEqual([2n, 3n, 4n, 5n]);
    expect(encode('TensorProto', dims)).toEqual(join(integer(1, 2), integer(1, 3), integer(1, 4), integer(1, 5)));
    const one = [0, 0, 128, 63];
    const two = [0, 0, 0, 64];
    const floats = decode('TensorProto', [4 * 8 + 5, ...one], delimited(4, two, one), [4 * 8 + 5, ...two]);
    expect([...floats.floatData]).toEqual([1, 2, 1, 2]);
    expect(encode('TensorProto', floats)).toEqual(delimited(4, one, two, one, two));
    const attribute = decode('AttributeProto', delimited(7, one, two));
    expect([...attribute.floats]).toEqual([1, 2]);
    expect(encode('AttributeProto', attribute)).toEqual(join([7 * 8 + 5, ...one], [7 * 8 + 5, ...two]));
    const doubles = decode(
      'TensorProto',
      [10 * 8 + 1, 0, 0, 0, 0, 0, 0, 240, 63],
      delimited(10, [0, 0, 0, 0, 0, 0, 0, 64]),
    );
    expect([...doubles.doubleData]).toEqual([1, 2]);
    const int32 = decode('TensorProto', integer(5, -1), delimited(5, varint(-2), [3]));
    expect([...int32.int32Data]).toEqual([-1, -2, 3]);
  });

  test('of a singular scalar the last one counts; messages merge; a oneof keeps its last member', () => {
    expect(decode('NodeProto', delimited(3, ascii('a')), delimited(3, ascii('b'))).name).toBe('b');
    const first = delimited(7, delimited(2, ascii('g')), delimited(1, delimited(4, ascii('Add'))));
    const second = delimited(7, delimited(10, ascii('doc')), delimited(1, delimited(4, ascii('Mul'))));
    const { graph } = decode('ModelProto', first, second);
    expect(graph).toMatchObject({ name: 'g', docString: 'doc' });
    expect(graph?.node.map(({ opType }) => opType)).toEqual(['Add', 'Mul']);
    const dim = decode(
      'TensorShapeProtoDimension',
      integer(1, 5),
      delimited(3, ascii('N')),
      delimited(2, ascii('batch')),
    );
    expect(dim).toEqual({ dimParam: 'batch', denotation: 'N' });
    const tensorTwice = join(delimited(1, integer(1, 1)), delimited(1, delimited(2)));
    expect(decode('TypeProto', tensorTwice)).toEqual({ tensorType: { elemType: 1, shape: { dim: [] } } });
    expect(decode('TypeProto', delimited(1), delimited(4))).toEqual({ sequenceType: {} });
    const tensors = decode(
      'AttributeProto',
      delimited(5, delimited(4, [0, 0, 128, 63])),
      delimited(5, delimited(4, [0, 0, 0, 64])),
    );
    expect([...(tensors.t?.floatData ?? [])]).toEqual([1, 2]);
  });

  test('fields that the schema does not know are kept in order, after the others', () => {
    const unknown = [
      integer(99, 2n ** 64n - 1n),
      delimited(500, ascii('new')),
      join(varint(77 * 8 + 5), [1, 2, 3, 4]),
      join(varint(78 * 8 + 1), [1, 2, 3, 4, 5, 6, 7, 8]),
    ];
    const wrongWire = delimited(2, ascii('not an integer'));
    const tensor = decode(
      'TensorProto',
      unknown[0]!,
      delimited(8, ascii('W')),
      wrongWire,
      unknown[1]!,
      unknown[2]!,
      unknown[3]!,
    );
    expect(tensor.dataType).toBeUndefined();
    const expected = join(unknown[0]!, wrongWire, unknown[1]!, unknown[2]!, unknown[3]!);
    expect(tensor.unknownFields).toEqual(expected);
    expect(encode('TensorProto', tensor)).toEqual(join(delimited(8, ascii('W')), expected));
  });

  test('bits of NaN survive', () => {
    const signalling = [1, 0, 160, 127];
    const quiet = [0, 0, 192, 127];
    const negative = [0, 0, 192, 255];
    for (const bits of [signalling, quiet, negative]) {
      const bytes = join([2 * 8 + 5], bits, [7 * 8 + 5], bits);
      const attribute = decode('AttributeProto', bytes);
      expect(attribute.f).toBeNaN();
      expect(encode('AttributeProto', attribute)).toEqual(bytes);
      expect(encode('AttributeProto', { ...attribute, f: 1.5 })).toEqual(
        join([2 * 8 + 5, 0, 0, 192, 63, 7 * 8 + 5], bits),
      );
      const tensor = join(delimited(4, bits, bits), delimited(10, [1, 0, 0, 0, 0, 0, 240 + 4, 127]));
      expect(encode('TensorProto', decode('TensorProto', tensor))).toEqual(tensor);
    }
    const replaced = decode('AttributeProto', [2 * 8 + 5], signalling, [2 * 8 + 5, 0, 0, 128, 63]);
    expect(replaced).toMatchObject({ f: 1 });
    expect(replaced.fBits).toBeUndefined();
    expect(encode('AttributeProto', create('AttributeProto', { f: NaN }))).toEqual(join([2 * 8 + 5], quiet));
  });

  test('strings keep a byte order mark, and bytes that are not UTF-8', () => {
    const broken = [0x61, 0xff, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x98, 0x80, 0xc3, 0xa9, 0xe2, 0x82];
    const bytes = join(delimited(1, [0xef, 0xbb, 0xbf, 0x78]), delimited(1, broken), delimited(2, ascii('y')));
    const node = decode('NodeProto', bytes);
    expect(node.input[0]).toBe('\ufeffx');
    expect(node.input[1]).toBe('a\udcff\udcc3(\udced\udca0\udc80😀é\udce2\udc82');
    expect(encode('NodeProto', node)).toEqual(bytes);
    const lone = create('NodeProto', { name: 'a\ud800' });
    expect(decode('NodeProto', encode('NodeProto', lone)).name).toBe('a\ufffd');
  });
});

test('onnx-proto reads what is written, and the other way round', () => {
  const ours = create('ModelProto', {
    irVersion: 8n,
    producerName: 'küche',
    opsetImport: [create('OperatorSetIdProto', { domain: '', version: 17n })],
    graph: create('GraphProto', {
      name: 'main',
      node: [
        create('NodeProto', {
          opType: 'Slice',
          input: ['x', '', 'ends'],
          output: ['y'],
          attribute: [
            create('AttributeProto', { name: 'f', f: -0.5, type: AttributeType.FLOAT }),
            create('AttributeProto', {
              name: 'fs',
              floats: Float32Array.of(1, -0, Infinity),
              type: AttributeType.FLOATS,
            }),
            create('AttributeProto', { name: 's', s: ascii('hi'), type: AttributeType.STRING }),
            create('AttributeProto', { name: 'is', ints: [-1n, 2n ** 62n], type: AttributeType.INTS }),
          ],
        }),
      ],
      initializer: [
        create('TensorProto', {
          name: 'ends',
          dataType: 7,
          dims: [2n],
          int64Data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n),
        }),
        create('TensorProto', {
          name: 'w',
          dataType: 1,
          dims: [300n],
          rawData: Uint8Array.from({ length: 1200 }, (_, i) => i),
        }),
        create('TensorProto', { name: 'd', dataType: 11, dims: [1n], doubleData: Float64Array.of(Math.PI) }),
      ],
    }),
  });
  const bytes = encodeModel(ours).toBytes();
  const theirs = onnx.ModelProto.decode(bytes);
  const text = onnx.ModelProto.toObject(theirs, { longs: String }) as unknown as Record<string, never>;
  expect(text).toMatchObject({
    irVersion: '8',
    producerName: 'küche',
    opsetImport: [{ domain: '', version: '17' }],
    graph: {
      name: 'main',
      node: [
        {
          opType: 'Slice',
          input: ['x', '', 'ends'],
          attribute: [{ f: -0.5 }, { floats: [1, -0, Infinity] }, { name: 's' }, { ints: ['-1', String(2n ** 62n)] }],
        },
      ],
      initializer: [
        { int64Data: [String(-(2n ** 63n)), String(2n ** 63n - 1n)] },
        { dims: ['300'] },
        { doubleData: [Math.PI] },
      ],
    },
  });
  expect(comparable(decodeModel(onnx.ModelProto.encode(theirs).finish()))).toEqual(comparable(ours));
});

test('the table has every field of the schema', () => {
  interface Scope {
    readonly fields?: Readonly<Record<string, { readonly id: number; readonly rule?: string }>>;
    readonly nested?: Readonly<Record<string, Scope>>;
  }
  const path = new URL('../../scripts/data/onnx-proto-descriptor.json', import.meta.url);
  const schema = (JSON.parse(readFileSync(path, 'utf8')) as { nested: { onnx: Scope } }).nested.onnx;
  const found: string[] = [];
  const visit = (scope: Scope, name: string): void => {
    for (const [field, { id, rule }] of Object.entries(scope.fields ?? {}))
      found.push(`${name} ${id} ${field} ${rule ?? ''}`);
    for (const [inner, content] of Object.entries(scope.nested ?? {})) visit(content, name + inner);
  };
  visit(schema, '');
  const ours = Object.values(LAYOUTS).flatMap(({ name, fields }) =>
    fields.map((field) => `${name} ${field.number} ${field.schemaName} ${field.label === 'one' ? '' : 'repeated'}`),
  );
  expect(ours.toSorted()).toEqual(found.toSorted());
});
