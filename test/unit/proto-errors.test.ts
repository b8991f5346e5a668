import { describe, expect, jest, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { create } from '../../src/proto/create.js';
import { decodeMessage } from '../../src/proto/decode.js';
import { encodeMessage } from '../../src/proto/encode.js';
import type { TypeProto } from '../../src/proto/messages.js';
import { decodeModel } from '../../src/proto/model.js';
import { WordList } from '../../src/proto/words.js';
import { ascii, delimited, fileLike, integer, join, varint } from '../support/wire.js';

const ppocr = new Uint8Array(readFileSync(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url)));

function errorOf(run: () => unknown): ResonnxError {
  try {
    run();
  } catch (error) {
    if (error instanceof ResonnxError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function refusal(...parts: readonly (Uint8Array | readonly number[])[]): {
  code: string;
  message: string;
  path: string;
} {
  const bytes = join(...parts);
  const error = errorOf(() => decodeModel(fileLike(bytes)));
  expect(errorOf(() => decodeModel(bytes)).code).toBe(error.code);
  const [first] = error.diagnostics;
  expect(first?.at.file).toBe('model.onnx');
  expect(first?.hint).toMatch(/\.$/);
  return { code: error.code, message: first?.message ?? '', path: first?.at.path ?? '' };
}

const graph = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array => delimited(7, ...parts);
const node = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array => delimited(1, ...parts);

describe('bytes that are no model', () => {
  test.each([
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0\n', /Git LFS/],
    ['an error page', '<!DOCTYPE html><html><body>404', /is an HTML page/],
    ['JSON', '{"ir_version": 8}', /is text/],
    [
      'ONNX text',
      '<ir_version: 8, opset_import: ["" : 17]>\ng (float[N] x) => (float[N] y) { y = Relu(x) }',
      /is text/,
    ],
    ['text of another script', 'ça n’est pas un modèle', /is text/],
    ['a zip archive', 'PK\x03\x04\x14\x00', /zip/],
    ['an ORT format model', '\x20\x00\x00\x00ORTM', /ORT format/],
  ])('%s', (_, text, message) => {
    const bytes = new TextEncoder().encode(text);
    expect(refusal(bytes)).toMatchObject({ code: 'proto/not-a-model', message: expect.stringMatching(message) });
  });

  test('0 bytes', () => {
    expect(refusal()).toMatchObject({ code: 'proto/empty', message: 'model.onnx is empty (0 bytes)' });
  });

  test('another message: a tensor, as data sets store them', () => {
    const tensor = join(integer(1, 3), integer(2, 1), delimited(9, new Uint8Array(12)));
    expect(refusal(tensor)).toMatchObject({ code: 'proto/not-a-model', message: expect.stringMatching(/no graph/) });
  });

  test('a model without a graph is a message all the same', () => {
    expect(decodeModel(integer(1, 8)).irVersion).toBe(8n);
  });
});

describe('damaged bytes', () => {
  test('a length beyond the file, up to 2^63', () => {
    for (const length of [100n, 2n ** 31n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 64n - 1n]) {
      const found = refusal([7 * 8 + 2], varint(length), [1]);
      expect(found).toMatchObject({ code: 'proto/truncated', path: 'graph' });
      expect(found.message).toMatch(/^graph at byte 1 goes on to byte \d+, but what holds it ends at byte \d+$/);
    }
  });

  test('a length beyond the message around it, though within the file', () => {
    const found = refusal(
      graph(node(delimited(4, ascii('Add'))), node([4 * 8 + 2, 9], ascii('Sub'))),
      new Uint8Array(64),
    );
    expect(found).toEqual({
      code: 'proto/truncated',
      path: 'graph.node[1].op_type',
      message: 'graph.node[1].op_type at byte 12 goes on to byte 22, but what holds it ends at byte 16',
    });
  });

  test('the end inside a tag, an integer, a float', () => {
    for (const tail of [[0x88], [0x08, 0x80], [0xba, 0x80]]) expect(refusal(tail).code).toBe('proto/truncated');
    expect(refusal(graph(node(delimited(5, [0x15, 0, 0])))).code).toBe('proto/truncated');
    // A message that ends inside a number, with more bytes of the file behind.
    expect(refusal(graph(node([0x80])), [0x08, 8])).toMatchObject({ code: 'proto/truncated', path: 'graph.node[0]' });
    expect(refusal(graph(delimited(5, [0x10, 0x80])), [0x08, 8])).toMatchObject({
      code: 'proto/truncated',
      path: 'graph.initializer[0].data_type',
    });
  });

  test('wire types and field numbers that ONNX does not use', () => {
    for (const wire of [3, 4, 6, 7]) {
      const found = refusal(graph(node(delimited(4, ascii('Add')), [8 + wire, 0])));
      expect(found).toMatchObject({ code: 'proto/invalid-tag', path: 'graph.node[0]' });
      expect(found.message).toContain(`wire type ${wire}`);
    }
    expect(refusal([0x00, 0x01]).message).toContain('field number is 0');
    expect(refusal(new Uint8Array(100).fill(0xff)).code).toBe('proto/invalid-tag');
  });

  test('integers of more than 10 bytes', () => {
    const endless = new Uint8Array(10).fill(0x80);
    expect(refusal([0x08], endless, [1])).toMatchObject({ code: 'proto/invalid-varint', path: 'ir_version' });
    expect(refusal([0x3a], endless, [1])).toMatchObject({ code: 'proto/invalid-varint', path: 'graph' });
    const tensor = delimited(5, delimited(7, [1, 2], endless, [1]));
    expect(refusal(graph(tensor))).toMatchObject({
      code: 'proto/invalid-varint',
      path: 'graph.initializer[0].int64_data',
    });
    expect(decodeModel(join([0x08], endless.fill(0xff, 0, 9).fill(0x01, 9))).irVersion).toBe(-1n);
  });

  test('a run of floats that is not a multiple of 4 bytes', () => {
    const found = refusal(graph(delimited(5, delimited(4, [0, 0, 0, 0, 1]))));
    expect(found).toMatchObject({ code: 'proto/invalid-run', path: 'graph.initializer[0].float_data' });
    expect(refusal(graph(delimited(5, delimited(10, [0, 0, 0, 0])))).code).toBe('proto/invalid-run');
  });

  test('a real model cut off anywhere', () => {
    for (let end = 1; end < ppocr.length; end += 4001) {
      const error = errorOf(() => decodeModel(ppocr.subarray(0, end)));
      // Cut between two fields of the model itself, what is left is a message, but all of them come before its graph's end.
      expect(['proto/truncated', 'proto/invalid-tag']).toContain(error.code);
    }
  });
});

test('more messages than any model has are refused before they take all memory', () => {
  const nodes = (count: number): Uint8Array => graph(...Array.from({ length: count }, () => node()));
  expect(decodeMessage('ModelProto', nodes(9), 10).graph?.node.length).toBe(9);
  const error = errorOf(() => decodeMessage('ModelProto', nodes(10), 10));
  expect(error.code).toBe('proto/too-many-messages');
  expect(error.message).toMatch(/is one of more than 10 messages/);
});

describe('nesting', () => {
  /** Subgraphs inside one another: three messages a level, in a model. */
  const nested = (levels: number): Uint8Array => {
    // Every level is built around the one before without copying it: headers first, outermost last.
    const headers: Uint8Array[] = [];
    let size = 0;
    for (let level = 0; level < levels; level++) {
      for (const field of [6, 5, 1]) {
        const header = join(varint(field * 8 + 2), varint(size));
        headers.push(header);
        size += header.length;
      }
    }
    return join(varint(7 * 8 + 2), varint(size), ...headers.toReversed());
  };

  test('300 levels of subgraphs come back byte for byte', () => {
    const bytes = nested(300);
    expect(encodeMessage('ModelProto', decodeModel(bytes)).toBytes()).toEqual(bytes);
  });

  test('10,000 levels are refused', () => {
    const found = refusal(nested(10_000));
    expect(found).toMatchObject({
      code: 'proto/nesting-too-deep',
      message: expect.stringMatching(/^messages are nested more than 1000 deep at byte \d+$/),
    });
    expect(found.path).toMatch(/^graph\.node\[0\]\.attribute\[0\]\.g\.node\[0\]/);
    expect(found.path.length).toBeLessThan(600);
  });

  test('what can be written can be read', () => {
    const deep = (levels: number): TypeProto => {
      let type: TypeProto = {};
      for (let level = 0; level < levels; level++) type = { sequenceType: { elemType: type } };
      return type;
    };
    const bytes = encodeMessage('ValueInfoProto', create('ValueInfoProto', { type: deep(499) })).toBytes();
    expect(encodeMessage('ValueInfoProto', decodeMessage('ValueInfoProto', bytes)).toBytes()).toEqual(bytes);
    const error = errorOf(() => encodeMessage('ValueInfoProto', create('ValueInfoProto', { type: deep(500) })));
    expect(error.code).toBe('proto/nesting-too-deep');
    expect(error.diagnostics[0]?.at.path).toMatch(/^type\.sequence_type\.elem_type\./);
  });
});

test('fields that repeat a message do not cost more than their bytes', () => {
  const large = delimited(5, delimited(4, new Uint8Array(2 ** 20)));
  const small = delimited(5, delimited(4, new Uint8Array(4)));
  const bytes = delimited(5, large, ...Array.from({ length: 50_000 }, () => small));
  const finish = jest.spyOn(WordList.prototype, 'finish');
  try {
    expect(decodeMessage('NodeProto', bytes).attribute[0]?.t?.floatData).toHaveLength(2 ** 18 + 50_000);
    expect(finish).toHaveBeenCalledTimes(1);
  } finally {
    finish.mockRestore();
  }
});

test.each([
  ['a name', [8 * 8 + 2], 2 ** 28, 'name'],
  ['a run of floats', [4 * 8 + 2], 2 ** 31, 'float_data'],
  ['a string element', [6 * 8 + 2], 2 ** 31, 'string_data'],
])('%s that is too long for memory is refused before it is read', (_, tag, limit, path) => {
  const head = join(tag, varint(limit + 4));
  const size = head.length + limit + 4;
  const read = (offset: number, length: number): Uint8Array => {
    expect(length).toBeLessThanOrEqual(65_536);
    return Uint8Array.from({ length }, (_, i) => head[offset + i] ?? 0);
  };
  const error = errorOf(() => decodeMessage('TensorProto', { name: 'large.pb', size, read }));
  expect(error.code).toBe('proto/field-too-large');
  expect(error.diagnostics[0]?.at).toEqual({ file: 'large.pb', path });
});
