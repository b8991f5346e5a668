import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { create } from '../../src/proto/create.js';
import { AttributeType } from '../../src/proto/enums.js';
import { decodeModel, encodeModel } from '../../src/proto/model.js';
import type { AttributeProto, NodeProto, TensorProto, TypeProto } from '../../src/proto/messages.js';
import { decodeUtf8, encodeUtf8 } from '../../src/support/utf8.js';
import { parseGraphText, parseModelBytes, parseModelText } from '../../src/text/parse.js';
import { printGraph, printModel, printNode } from '../../src/text/print.js';

/*
 * What the standard says is docs/Syntax.md and the reader behind onnx.parser (onnx 1.23): every reason below is checked against
 * one of them.
 */

function type(text: string): TypeProto | undefined {
  return parseGraphText(`g (${text} x) => () {}`).input[0]?.type;
}

function tensor(text: string): TensorProto {
  const [first] = parseGraphText(`g () => () <${text}> {}`).initializer;
  return first ?? create('TensorProto', {});
}

function node(text: string): NodeProto {
  const [first] = parseGraphText(`g () => () { ${text} }`).node;
  return first ?? create('NodeProto', {});
}

function attribute(text: string): AttributeProto {
  const [first] = node(`y = Op <${text}> ()`).attribute;
  return first ?? create('AttributeProto', {});
}

function words(values: Float32Array): number[] {
  return Array.from(new Uint32Array(values.buffer));
}

describe('types', () => {
  const shape = (...dim: object[]) => ({ dim });
  test.each<[reason: string, text: string, expected: TypeProto]>([
    ['a name alone is a scalar: rank 0', 'float', { tensorType: { elemType: 1, shape: shape() } as never }],
    ['[] is an unknown rank: no shape', 'float[]', { tensorType: { elemType: 1 } }],
    [
      'dims are numbers',
      'int64[2,3]',
      { tensorType: { elemType: 7, shape: shape({ dimValue: 2n }, { dimValue: 3n }) as never } },
    ],
    ['dims are names', 'double[N]', { tensorType: { elemType: 11, shape: shape({ dimParam: 'N' }) as never } }],
    ['? is a dim that is neither', 'bool[?]', { tensorType: { elemType: 9, shape: shape({}) as never } }],
    [
      'a dim name may be quoted',
      'float["a + 1"]',
      { tensorType: { elemType: 1, shape: shape({ dimParam: 'a + 1' }) as never } },
    ],
    [
      'white space is free',
      'float [ N , 3 ]',
      { tensorType: { elemType: 1, shape: shape({ dimParam: 'N' }, { dimValue: 3n }) as never } },
    ],
    [
      'a dim may be negative, as some exporters write',
      'float[-1]',
      { tensorType: { elemType: 1, shape: shape({ dimValue: -1n }) as never } },
    ],
    [
      'int64 dims are exact',
      'float[9223372036854775807]',
      { tensorType: { elemType: 1, shape: shape({ dimValue: 2n ** 63n - 1n }) as never } },
    ],
    ['sequences', 'seq(float[])', { sequenceType: { elemType: { tensorType: { elemType: 1 } } } }],
    ['maps', 'map(int64, string[])', { mapType: { keyType: 7, valueType: { tensorType: { elemType: 8 } } } }],
    [
      'optionals of sequences',
      'optional(seq(int8[]))',
      { optionalType: { elemType: { sequenceType: { elemType: { tensorType: { elemType: 3 } } } } } },
    ],
    [
      'sparse tensors',
      'sparse_tensor(float[5])',
      { sparseTensorType: { elemType: 1, shape: shape({ dimValue: 5n }) as never } },
    ],
    ['opaque types without anything', 'opaque()', { opaqueType: {} }],
    ['opaque(name), dots and all, has no domain', 'opaque(a.b)', { opaqueType: { name: 'a.b' } }],
    ['opaque(domain, name)', 'opaque(a.b, c)', { opaqueType: { domain: 'a.b', name: 'c' } }],
  ])('%s: %s', (_, text, expected) => {
    expect(type(text)).toEqual(expected);
  });

  test.each([
    ['float', 1],
    ['uint8', 2],
    ['int8', 3],
    ['uint16', 4],
    ['int16', 5],
    ['int32', 6],
    ['int64', 7],
    ['string', 8],
    ['bool', 9],
    ['float16', 10],
    ['double', 11],
    ['uint32', 12],
    ['uint64', 13],
    ['complex64', 14],
    ['complex128', 15],
    ['bfloat16', 16],
    ['float8e4m3fn', 17],
    ['float8e4m3fnuz', 18],
    ['float8e5m2', 19],
    ['float8e5m2fnuz', 20],
    ['uint4', 21],
    ['int4', 22],
    ['float4e2m1', 23],
    ['float8e8m0', 24],
    ['uint2', 25],
    ['int2', 26],
  ])('%s is element type %i', (name, number) => {
    expect(type(`${name}[]`)).toEqual({ tensorType: { elemType: number } });
  });
});

describe('tensors', () => {
  test('values go to the typed field of their element type', () => {
    expect(tensor('float[2] w = {1, 2.5}').floatData).toEqual(Float32Array.of(1, 2.5));
    expect(tensor('double w = {1e-310}').doubleData).toEqual(Float64Array.of(1e-310));
    expect(tensor('int8[2] w = {-128, 127}').int32Data).toEqual(Int32Array.of(-128, 127));
    expect(tensor('bool[2] w = {1, 0}').int32Data).toEqual(Int32Array.of(1, 0));
    expect(tensor('uint32 w = {4294967295}').uint64Data).toEqual(BigUint64Array.of(4294967295n));
    expect(tensor('string[2] w = {"a", ""}').stringData.map(decodeUtf8)).toEqual(['a', '']);
    expect(tensor('complex64 w = {1, -2}').floatData).toEqual(Float32Array.of(1, -2));
  });

  test("dims, type and name are the tensor's; none of its values stays in value_info", () => {
    const graph = parseGraphText('g () => () <float[2] w = {1, 2}, float[2] v> {}');
    expect(graph.initializer).toMatchObject([{ name: 'w', dataType: 1, dims: [2n] }]);
    expect(graph.valueInfo).toMatchObject([{ name: 'v' }]);
  });

  test('64-bit integers are exact', () => {
    expect(tensor('int64[2] w = {9223372036854775807, -9223372036854775808}').int64Data).toEqual(
      BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)),
    );
    expect(tensor('uint64 w = {18446744073709551615}').uint64Data).toEqual(BigUint64Array.of(2n ** 64n - 1n));
  });

  test('floats are rounded once to 32 bits, too small ones to 0', () => {
    expect(words(tensor('float[3] w = {0.1, 1e-50, 1e-45}').floatData)).toEqual([0x3dcccccd, 0, 1]);
  });

  test('nan, inf and infinity in any case, with a sign', () => {
    expect(words(tensor('float[5] w = {nan, -NaN, INF, -Infinity, -0.0}').floatData)).toEqual([
      0x7fc00000, 0xffc00000, 0x7f800000, 0xff800000, 0x80000000,
    ]);
    expect(tensor('double[2] w = {-inf, nan}').doubleData).toEqual(Float64Array.of(-Infinity, NaN));
  });

  test('leading zeros are decimal', () => {
    expect(tensor('int32[2] w = {007, -0}').int32Data).toEqual(Int32Array.of(7, 0));
  });

  test('integers are the bits of small floats, as the standard has it', () => {
    expect(tensor('float16 w = {15360}').int32Data).toEqual(Int32Array.of(0x3c00));
    expect(tensor('bfloat16 w = {16256}').int32Data).toEqual(Int32Array.of(0x3f80));
    expect(tensor('float8e4m3fn w = {56}').int32Data).toEqual(Int32Array.of(0x38));
  });

  test('decimals, which the standard refuses there, are their values', () => {
    expect(tensor('float16[3] w = {1.0, -2.5, inf}').int32Data).toEqual(Int32Array.of(0x3c00, 0xc100, 0x7c00));
    expect(tensor('bfloat16 w = {1.0}').int32Data).toEqual(Int32Array.of(0x3f80));
    expect(tensor('float4e2m1[2] w = {0.5, -6.0}').int32Data).toEqual(Int32Array.of(0xf1));
  });

  test('elements of less than a byte may stand one by one or packed, the first in the lowest bits', () => {
    const packed = Int32Array.of(0xe1, 0x03);
    expect(tensor('int4[3] w = {1, -2, 3}').int32Data).toEqual(packed);
    expect(tensor('int4[3] w = {225, 3}').int32Data).toEqual(packed);
    expect(tensor('uint2[5] w = {1, 2, 3, 0, 1}').int32Data).toEqual(Int32Array.of(0x39, 1));
    expect(tensor('uint4 w = {15}').int32Data).toEqual(Int32Array.of(15));
  });

  test('an input may have its default beside it: it is an initializer too', () => {
    const graph = parseGraphText('g (float y = {1.0}, float[N] z) => () {}');
    expect(graph.input.map(({ name }) => name)).toEqual(['y', 'z']);
    expect(graph.initializer).toMatchObject([{ name: 'y', floatData: Float32Array.of(1) }]);
  });

  test('external data keeps all its keys', () => {
    expect(tensor('float[8] w = ["location": "fill:normal", "seed": "1"]')).toMatchObject({
      dims: [8n],
      dataLocation: 1,
      externalData: [
        { key: 'location', value: 'fill:normal' },
        { key: 'seed', value: '1' },
      ],
    });
  });

  test('nothing after = is a tensor without data', () => {
    const graph = parseGraphText('g () => () <float[2] w = , float v = {1}> {}');
    expect(graph.initializer.map(({ floatData }) => floatData.length)).toEqual([0, 1]);
  });

  test('#@ defaults raw_data puts the values in raw_data, little-endian', () => {
    const [first, second] = parseGraphText(
      '#@ defaults raw_data: true\ng () => () <float w = {1}, int4[3] v = {1, -2, 3}> {}',
    ).initializer;
    expect([first?.rawData, second?.rawData]).toEqual([Uint8Array.of(0, 0, 0x80, 0x3f), Uint8Array.of(0xe1, 3)]);
    expect(first?.floatData.length).toBe(0);
  });
});

describe('attributes', () => {
  test.each<[reason: string, text: string, expected: Partial<AttributeProto>]>([
    ['a number without a point is INT', 'a = 2', { type: AttributeType.INT, i: 2n }],
    ['one with a point is FLOAT', 'a = 0.625', { type: AttributeType.FLOAT, f: 0.625 }],
    ['one with an exponent is FLOAT', 'a = 1E+5', { type: AttributeType.FLOAT, f: 100000 }],
    ['nothing needs to follow the point', 'a = 1.', { type: AttributeType.FLOAT, f: 1 }],
    ['inf is a FLOAT', 'a = -inf', { type: AttributeType.FLOAT, f: -Infinity }],
    ['a quoted text is STRING, in UTF-8', 'a = "é"', { type: AttributeType.STRING, s: Uint8Array.of(0xc3, 0xa9) }],
    ['a list of integers is INTS', 'a = [1, -2]', { type: AttributeType.INTS, ints: [1n, -2n] }],
    [
      'integers after a float are floats',
      'a = [1.0, 2]',
      { type: AttributeType.FLOATS, floats: Float32Array.of(1, 2) },
    ],
    [
      'a type makes integers floats',
      'a : floats = [1, 2]',
      { type: AttributeType.FLOATS, floats: Float32Array.of(1, 2) },
    ],
    ['for one value too', 'a : float = 1', { type: AttributeType.FLOAT, f: 1 }],
    ['an empty list has the type before it', 'a : strings = []', { type: AttributeType.STRINGS, strings: [] }],
    ['64-bit ends are exact', 'a = -9223372036854775808', { type: AttributeType.INT, i: -(2n ** 63n) }],
    ['@ refers to a parameter', 'a : ints = @b', { type: AttributeType.INTS, refAttrName: 'b' }],
    ['also without a type', 'a = @"b c"', { refAttrName: 'b c' }],
    [
      'a type alone is TYPE_PROTO',
      'a = seq(float[])',
      { type: AttributeType.TYPE_PROTO, tp: { sequenceType: { elemType: { tensorType: { elemType: 1 } } } } },
    ],
    [
      'a list of types',
      'a : type_protos = [int8[]]',
      { type: AttributeType.TYPE_PROTOS, typeProtos: [{ tensorType: { elemType: 3 } }] },
    ],
  ])('%s: %s', (_, text, expected) => {
    expect(attribute(text)).toMatchObject({ name: 'a', ...expected });
  });

  test('a type with values is TENSOR, its name and the = are optional', () => {
    for (const text of ['float[2] {1, 2}', 'float[2] t {1, 2}', 'float[2] t = {1, 2}', 'float[2] = {1, 2}']) {
      const { type: number, t } = attribute(`a = ${text}`);
      expect([number, t?.floatData, t?.name]).toEqual([
        AttributeType.TENSOR,
        Float32Array.of(1, 2),
        text.includes('t ') ? 't' : undefined,
      ]);
    }
  });

  test('lists of tensors and graphs keep all of them', () => {
    expect(attribute('a : tensors = [float {1}, int8 {2}]').tensors.map(({ dataType }) => dataType)).toEqual([1, 3]);
    expect(attribute('a = [g1 () => () {}, g2 () => () {}]')).toMatchObject({
      type: AttributeType.GRAPHS,
      graphs: [{ name: 'g1' }, { name: 'g2' }],
    });
  });

  test('another word is the name of a graph', () => {
    const { g } = attribute('body = some (float[N] y) => (float[N] w) { x = foo (y)  w = bar (x, y) }');
    expect(g?.node.map(({ opType }) => opType)).toEqual(['foo', 'bar']);
  });
});

describe('nodes', () => {
  test.each<[reason: string, text: string, expected: Partial<NodeProto>]>([
    ['outputs, operator, inputs', 'x, z = Foo (y, w)', { output: ['x', 'z'], opType: 'Foo', input: ['y', 'w'] }],
    ['a label is the name', '[n0] x = Foo ()', { name: 'n0', output: ['x'], input: [] }],
    ['labels may be quoted', '["/a/b.0"] x = Foo ()', { name: '/a/b.0' }],
    ['an empty label is an empty name', '[] x = Foo ()', { name: '' }],
    ['"" is an absent input', 'x = Clip (y, "", z)', { input: ['y', '', 'z'] }],
    ['also at the end', 'x = Clip (y, "")', { input: ['y', ''] }],
    ['nothing before a comma is one as well', 'x = Clip (, y)', { input: ['', 'y'] }],
    ['a comma at the end counts for nothing', 'x = Clip (y,)', { input: ['y'] }],
    ['a lone comma is one empty name', 'x = Clip (,)', { input: [''] }],
    ['outputs may be absent', 'x, "" = Foo (y)', { output: ['x', ''] }],
    ['there may be no outputs', '= Foo (y)', { output: [] }],
    [
      'what stands before the last dot is the domain',
      'x = ai.onnx.ml.Scaler (y)',
      { domain: 'ai.onnx.ml', opType: 'Scaler' },
    ],
    ['spaces around dots do not matter', 'x = a . b (y)', { domain: 'a', opType: 'b' }],
    ['after a colon stands the overload', 'x = d.f:fast (y)', { opType: 'f', overload: 'fast' }],
    ['the operator may be missing', 'x = (y)', { opType: '' }],
    [
      'our quotes, which the standard refuses: parts of any spelling',
      'x = "pkg.2.0"."aten::add" (y)',
      { domain: 'pkg.2.0', opType: 'aten::add' },
    ],
    ['names of any spelling', '"a:0" = Foo ("b\\"c")', { output: ['a:0'], input: ['b"c'] }],
    ['a line break in a name', 'x = Foo ("a\nb")', { input: ['a\nb'] }],
  ])('%s: %s', (_, text, expected) => {
    expect(node(text)).toMatchObject(expected);
  });

  test('a node without a domain has none', () => {
    expect(node('x = Foo ()').domain).toBeUndefined();
    expect(parseGraphText('#@ defaults empty_node_domain: true\ng () => () { x = Foo () }').node[0]?.domain).toBe('');
  });

  test('attributes stand before or after the inputs', () => {
    for (const text of ['x = Foo <a = 1, b = 2> (y)', 'x = Foo (y) <a = 1, b = 2>']) {
      expect(node(text).attribute.map(({ name }) => name)).toEqual(['a', 'b']);
    }
  });

  test('an If with its two graphs', () => {
    const { attribute: branches } = node(`z = If (b) <
      then_branch = g1 () => (float[N] z_then) { z_then = foo (y) },
      else_branch = g2 () => (float[N] z_else) { z_else = bar (x) }
    >`);
    expect(branches.map(({ name, g }) => [name, g?.name, g?.output[0]?.name])).toEqual([
      ['then_branch', 'g1', 'z_then'],
      ['else_branch', 'g2', 'z_else'],
    ]);
  });

  test('nodes need no line of their own; comments run to the end of the line', () => {
    const { node: nodes } = parseGraphText('g () => () { # first\n x = A () y = B (x) # "second"\n#\n}');
    expect(nodes.map(({ opType }) => opType)).toEqual(['A', 'B']);
  });
});

describe('strings', () => {
  test('a backslash makes the next character stand for itself, n and t too', () => {
    expect(decodeUtf8(attribute(String.raw`a = "q\"b\\n\n\t"`).s ?? new Uint8Array())).toBe(String.raw`q"b\nnt`);
  });

  test('names that are not UTF-8 survive a file', () => {
    const graph = create('GraphProto', { name: decodeUtf8(Uint8Array.of(0x61, 0xff)) });
    const bytes = encodeUtf8(printModel(create('ModelProto', { graph })));
    expect([...bytes].slice(0, 5)).toEqual([0x22, 0x61, 0xff, 0x22, 0x20]);
    expect(parseModelBytes(bytes).graph?.name).toBe(graph.name);
  });

  test('# inside is no comment', () => {
    expect(decodeUtf8(attribute('a = "#@ node"').s ?? new Uint8Array())).toBe('#@ node');
  });
});

describe('graphs and models', () => {
  test('inputs and outputs may have no type', () => {
    const graph = parseGraphText('g (float[N] y, z) => (w) {}');
    expect(graph.input.map((value) => value.type === undefined)).toEqual([false, true]);
  });

  test('the inputs may be missing with their parentheses', () => {
    expect(parseGraphText('g => () {}').input).toEqual([]);
  });

  test('names that are words of types: quoted where there is no type', () => {
    const graph = parseGraphText('float (float float, "seq") => () { int64 = seq (map) }');
    expect([graph.name, graph.input.map(({ name }) => name), graph.node[0]?.output]).toEqual([
      'float',
      ['float', 'seq'],
      ['int64'],
    ]);
  });

  test('every key of the header', () => {
    const model = parseModelText(`<
      ir_version: 7, opset_import: ["ai.onnx.ml" : 10, "" : 17], producer_name: "ParserTest", producer_version: "1.0",
      domain: "ai.onnx.ml", model_version: 1, doc_string: "A model.", metadata_props: ["k1" : "v1", "k2" : "v2"]
    > agraph (float[N] y) => (float[N] w) { w = foo (y) }`);
    expect(model).toMatchObject({
      irVersion: 7n,
      opsetImport: [
        { domain: 'ai.onnx.ml', version: 10n },
        { domain: '', version: 17n },
      ],
      producerName: 'ParserTest',
      producerVersion: '1.0',
      domain: 'ai.onnx.ml',
      modelVersion: 1n,
      docString: 'A model.',
      metadataProps: [
        { key: 'k1', value: 'v1' },
        { key: 'k2', value: 'v2' },
      ],
      graph: { name: 'agraph' },
    });
  });

  test('the header may be missing', () => {
    expect(parseModelText('g () => () {}')).toEqual(
      create('ModelProto', { graph: create('GraphProto', { name: 'g' }) }),
    );
  });

  test('functions: header, parameters with and without defaults, typed slots, values', () => {
    const [first] = parseModelText(`g () => () {}
      <domain: "d", overload: "o", opset_import: ["" : 15], doc_string: "function foo">
      "f g" <alpha : float = 4, gamma, "d e" = 2> (x, float[N] z) => (int8[] y) <float w> {
        y = Foo <b : float = @alpha> (x)
      }`).functions;
    expect(first).toMatchObject({
      name: 'f g',
      domain: 'd',
      overload: 'o',
      docString: 'function foo',
      opsetImport: [{ domain: '', version: 15n }],
      attribute: ['gamma'],
      attributeProto: [
        { name: 'alpha', type: AttributeType.FLOAT, f: 4 },
        { name: 'd e', i: 2n },
      ],
      input: ['x', 'z'],
      output: ['y'],
      valueInfo: [{ name: 'z' }, { name: 'y' }, { name: 'w' }],
      node: [{ attribute: [{ refAttrName: 'alpha' }] }],
    });
  });

  test('a byte order mark and Windows line ends do not matter', () => {
    expect(
      parseModelText('\ufeff<ir_version: 8>\r\n#@ graph doc_string: "d"\r\ng () => () {\r\n}\r\n').graph?.docString,
    ).toBe('d');
  });
});

describe('annotations', () => {
  test('set the field of what follows, whatever its text says', () => {
    const graph = parseGraphText(`
      #@ graph doc_string: "G"
      g (
        #@ value metadata_props: [{"key": "k", "value": "v"}]
        float x
      ) => () <
        #@ tensor doc_string: "T"
        float w = {1}
      > {
        #@ node doc_string: "N"
        y = Foo <
          #@ attribute doc_string: "A"
          a = 1
        > (x)
      }`);
    expect(graph).toMatchObject({
      docString: 'G',
      input: [{ metadataProps: [{ key: 'k', value: 'v' }] }],
      initializer: [{ docString: 'T' }],
      node: [{ docString: 'N', attribute: [{ docString: 'A', i: 1n }] }],
    });
  });

  test('null takes a field away', () => {
    expect(parseModelText('#@ model graph: null\n<ir_version: 8>\n"" () => () {}').graph).toBeUndefined();
  });

  test('sparse tensors, which the syntax lacks, are read from them', () => {
    const { sparseTensor } = attribute(
      '\n#@ attribute sparse_tensor: {"values": {"data_type": 1, "dims": ["1"], "float_data": [2.5]}, "dims": ["3"]}\na : sparse_tensor = sparse_tensor(float[3])',
    );
    expect(sparseTensor).toMatchObject({
      dims: [3n],
      values: { dims: [1n], dataType: 1, floatData: Float32Array.of(2.5) },
    });
  });

  test('comments that only look like them are comments', () => {
    expect(parseGraphText('#x\n# @ node name: 1\n## @\ng () => () {}').name).toBe('g');
  });
});

/** Line and column of the mark `¦`, and the text without it. */
function marked(text: string): { readonly text: string; readonly line: number; readonly col: number } {
  const before = text.slice(0, text.indexOf('¦')).split('\n');
  return { text: text.replace('¦', ''), line: before.length, col: (before.at(-1) ?? '').length + 1 };
}

describe('what is refused, with its place at ¦', () => {
  test.each<[code: string, text: string]>([
    ['text/expected', '¦'],
    ['text/expected', '# only\n¦'],
    ['text/expected', 'g () => () {} ¦}'],
    ['text/expected', 'g () ¦= > () {}'],
    ['text/expected', 'g ¦[] => () {}'],
    ['text/expected', 'g () => (float x,¦) {}'],
    ['text/expected', 'g () => () {¦'],
    ['text/expected', '<¦> g () => () {}'],
    ['text/expected', '<ir_version: 7,¦> g () => () {}'],
    ['text/expected', '<ir_version ¦= 7> g () => () {}'],
    ['text/expected', '<ir_version: ¦"7"> g () => () {}'],
    ['text/expected', "<doc_string: ¦'a'> g () => () {}"],
    ['text/expected', 'g () => () {\n  ¦// x\n  y = Foo (x) }'],
    ['text/expected', 'g () => () { y = Foo (x)¦; }'],
    ['text/expected', 'g () => () { Foo ¦(x) }'],
    ['text/expected', 'g () => () { [a¦.b] y = Foo (x) }'],
    ['text/expected', 'g () => () { y = Foo <¦> (x) }'],
    ['text/expected', 'g () => () { y = Foo <a = 1,¦> (x) }'],
    ['text/expected', 'g () => () { y = Foo <a = 1> (x) ¦<b = 1> }'],
    ['text/expected', 'g () => () { y = Foo <a = ¦.5> (x) }'],
    ['text/expected', 'g () => () { y = Foo <a = ¦+5> (x) }'],
    ['text/expected', 'g () => () { y = Foo <a = 0¦x10> (x) }'],
    ['text/expected', 'g () => () { y = Foo <a = ¦[]> (x) }'],
    ['text/expected', 'g () => () <float w = {1,¦}> {}'],
    ['text/expected', 'g () => () <float[2] w = {1 ¦2}> {}'],
    ['text/expected', 'g () => () <float w = {1.2¦.3}> {}'],
    ['text/expected', 'g () => () <float w = {1¦e}> {}'],
    ['text/expected', 'g () => () <float w = {1}, ¦> {}'],
    ['text/expected', 'g () => () <int8 w = {¦1.5}> {}'],
    ['text/expected', 'g () => () <float16[2] w = {1.5, ¦1}> {}'],
    ['text/expected', 'g () => () <int64 w = {¦1.0}> {}'],
    ['text/expected', 'g () => () <string w = {¦1}> {}'],
    ['text/expected', 'g () => () <float w = [¦]> {}'],
    ['text/expected', 'g () => () <float w = ["location"¦]> {}'],
    ['text/expected', 'g () => () <float[¦1e3] x> {}'],
    ['text/expected', 'g () => () <float[a ¦b] x> {}'],
    ['text/expected', 'g () => () {} f <¦> () => () {}'],
    ['text/expected', 'g () => () {} f (x ¦= {1}) => () {}'],
    ['text/unterminated-string', 'g () => () {\n y = Foo (¦"x) }'],
    ['text/unterminated-string', 'g () => () { y = Foo <a = ¦"\\"> (x) }'],
    ['text/unterminated-string', 'g () => () { y = Foo (¦"x\\'],
    ['text/unknown-type', 'g (¦flaot[N] x) => () {}'],
    ['text/unknown-type', 'g (¦flaot x) => () {}'],
    ['text/unknown-type', 'g (seq(¦number) x) => () {}'],
    ['text/unknown-type', 'g (map(¦seq(int8), int8) x) => () {}'],
    ['text/unknown-type', 'g (sparse_tensor(¦seq(int8)) x) => () {}'],
    ['text/unknown-type', 'g () => () { y = Foo <a : ¦number = 1> (x) }'],
    ['text/unknown-key', '<¦version: 7> g () => () {}'],
    ['text/unknown-key', 'g () => () {} <¦ir_version: 1> f () => () {}'],
    ['text/duplicate-name', '<ir_version: 7, ¦ir_version: 8> g () => () {}'],
    ['text/duplicate-name', 'g () => () { y = Foo <a = 1, ¦a = 2> (x) }'],
    ['text/duplicate-name', 'g () => () {} f <a, ¦a : int = 1> () => () {}'],
    ['text/attribute-type-mismatch', 'g () => () { y = Foo <a = [1, ¦2.5]> (x) }'],
    ['text/attribute-type-mismatch', 'g () => () { y = Foo <a : int = ¦1.0> (x) }'],
    ['text/attribute-type-mismatch', 'g () => () { y = Foo <a : ints = ¦1> (x) }'],
    ['text/attribute-type-mismatch', 'g () => () { y = Foo <a : int = ¦[1]> (x) }'],
    ['text/attribute-type-mismatch', 'g () => () { y = Foo <a : sparse_tensor = ¦sparse_tensor(float[3])> (x) }'],
    ['text/number-out-of-range', 'g () => () { y = Foo <a = ¦9223372036854775808> (x) }'],
    ['text/number-out-of-range', 'g () => () { y = Foo <a = ¦3.5e38> (x) }'],
    ['text/number-out-of-range', 'g () => () <int8 w = {¦128}> {}'],
    ['text/number-out-of-range', 'g () => () <float8e5m2 w = {¦256}> {}'],
    ['text/number-out-of-range', 'g () => () <int32 w = {¦2147483648}> {}'],
    ['text/number-out-of-range', 'g () => () <uint32 w = {¦-1}> {}'],
    ['text/number-out-of-range', 'g () => () <double w = {¦1e400}> {}'],
    ['text/number-out-of-range', 'g () => () <float[¦9223372036854775808] w> {}'],
    ['text/tensor-type', 'g () => () <float[N] w = ¦{1}> {}'],
    ['text/tensor-type', 'g () => () <float[] w = ¦{1}> {}'],
    ['text/tensor-type', 'g () => () <seq(float[]) w = ¦{1}> {}'],
    ['text/tensor-type', 'g () => () <w = ¦{1}> {}'],
    ['text/value-count', 'g () => () <float[3] w = ¦{1, 2}> {}'],
    ['text/value-count', 'g () => () <complex64 w = ¦{1}> {}'],
    ['text/value-count', 'g () => () <int4[5] w = ¦{1, 2}> {}'],
    ['text/value-count', 'g () => () <float[9223372036854775807, 2] w = ¦{1}> {}'],
    ['text/bad-annotation', '¦#@ node\ng () => () {}'],
    ['text/bad-annotation', '¦#@ graph name: {\ng () => () {}'],
    ['text/bad-annotation', '¦#@ graph colour: 1\ng () => () {}'],
    ['text/bad-annotation', '¦#@ graph doc_string: 1\ng () => () {}'],
    ['text/bad-annotation', '¦#@ graph initializer: [{"dims": [0.5]}]\ng () => () {}'],
    ['text/bad-annotation', '¦#@ node doc_string: "x"\ng () => () {}'],
    ['text/bad-annotation', 'g () => () { y = Foo ()\n¦#@ node doc_string: "x"\n}'],
    ['text/bad-annotation', 'g () => () <\n¦#@ value doc_string: "x"\nfloat w = {1}> {}'],
    ['text/bad-annotation', 'g () => () {}\n¦#@ function doc_string: "x"'],
    ['text/bad-annotation', '¦#@ defaults tabs: true\ng () => () {}'],
    ['text/bad-annotation', 'g () => () <\n¦#@ tensor storage: "file"\nfloat w = {1}> {}'],
  ])('%s: %j', (code, snippet) => {
    const { text, line, col } = marked(snippet);
    expect.assertions(2);
    try {
      parseModelText(text, { file: 'm.onnxtxt' });
    } catch (error) {
      expect(error instanceof ResonnxError && error.code).toBe(code);
      expect(error instanceof ResonnxError && error.diagnostics[0]?.at).toMatchObject({ file: 'm.onnxtxt', line, col });
    }
  });

  test('messages say what is wrong, in one line', () => {
    const message = (text: string): string => {
      try {
        parseModelText(text);
      } catch (error) {
        if (error instanceof ResonnxError) return error.diagnostics[0]?.message ?? '';
      }
      return '';
    };
    expect(message('g () => () { // x\n}')).toBe('expected =, found /');
    expect(message('g (flaot x) => () {}')).toBe('flaot is not a type');
    expect(message('g () => () <float[3] w = {1, 2}> {}')).toBe('w has 2 values, its shape 3');
    expect(message('g () => () { y = Foo <a : int = 1.5> () }')).toBe('attribute a is int, its value float');
  });

  test('a number of a million digits', () => {
    const digits = '9'.repeat(1_000_000);
    expect(() => parseModelText(`g (float[${digits}] x) => () {}`)).toThrow(
      expect.objectContaining({ code: 'text/number-out-of-range', message: expect.stringMatching(/^.{1,120}$/) }),
    );
    expect(type(`float[${'0'.repeat(1_000_000)}7]`)?.tensorType?.shape?.dim).toEqual([{ dimValue: 7n }]);
  });

  test('10,000 levels of nesting', () => {
    const graphs = 'g () => () { y = If (c) <b = '.repeat(10_000);
    const types = `g (${'seq('.repeat(10_000)}`;
    const json = `#@ model training_info: ${'[{"algorithm": {"node": [{"attribute": '.repeat(10_000)}1${'}]}}]'.repeat(10_000)}\ng () => () {}`;
    for (const [text, code] of [
      [graphs, 'text/nested-too-deep'],
      [types, 'text/nested-too-deep'],
      [json, 'text/bad-annotation'],
    ] as const) {
      expect(() => parseModelText(text)).toThrow(expect.objectContaining({ code }));
    }
  });

  test('a model nested too deep to be read again is not printed', () => {
    let graph = create('GraphProto', { name: 'g' });
    for (let depth = 0; depth < 10_000; depth++) {
      graph = create('GraphProto', {
        name: 'g',
        node: [
          create('NodeProto', {
            attribute: [create('AttributeProto', { name: 'b', g: graph, type: AttributeType.GRAPH })],
          }),
        ],
      });
    }
    expect(() => printGraph(graph)).toThrow(expect.objectContaining({ code: 'text/nested-too-deep' }));
  });
});

describe('printing', () => {
  const example = `#@ defaults raw_data: true
<
  ir_version: 9,
  opset_import: ["" : 17, "local" : 1],
  producer_name: "say \\"hi\\""
>
"main graph" (float[N,4] X, bool c) => (float[N,4] Y)
<
  float[4] scale = {1, 0.1, -0.0, 1e-7},
  float[8] W = ["location": "fill:normal", "seed": "1"],
  float["N + 1",?] "h/0"
>
{
  #@ node metadata_props: [{"key":"namespace","value":"a"}]
  [n0] "h/0" = local.scaled <alpha = 2.0, names = ["a", "b"]> (X, scale, "")
  Y = If (c) <
    then_branch = then () => (float[N,4] t) {
      t = Identity ("h/0")
    },
    else_branch =
      #@ graph name: "else/1"
      else_1 () => (float[N,4] e) {
        e = Constant <value = float[2] {1, 2}> ()
      }
  >
}
`;

  test('is one line a node, two spaces a level, graphs in attributes on lines of their own', () => {
    expect(printModel(parseModelText(example))).toBe(example);
  });

  test('chooses the defaults that most of the model has, and annotates the rest', () => {
    const tensors = '<\n  float a = {1},\n  float b = {2},\n  #@ tensor storage: "typed"\n  float c = {3}\n>';
    const text = `#@ defaults raw_data: true\ng () => ()\n${tensors}\n{}\n`;
    const graph = parseGraphText(text);
    expect(graph.initializer.map(({ rawData }) => rawData !== undefined)).toEqual([true, true, false]);
    expect(printGraph(graph)).toBe(text);
  });

  test.each<[bits: number, text: string]>([
    [0x3dcccccd, '0.1'],
    [0x00000001, '1e-45'],
    [0x7f7fffff, '3.4028235e+38'],
    [0x4b800001, '16777218'],
    [0x5d800000, '1152921500000000000'],
    [0x3f800001, '1.0000001'],
    [0x80000000, '-0.0'],
    [0x7fc00000, 'nan'],
    [0xffc00000, '-nan'],
    [0xff800000, '-inf'],
  ])('the float with bits %i is %s, the shortest decimal that reads back', (bits, text) => {
    const floatData = new Float32Array(Uint32Array.of(bits).buffer);
    const graph = create('GraphProto', {
      name: 'g',
      initializer: [create('TensorProto', { name: 'w', dataType: 1, floatData })],
    });
    expect(printGraph(graph)).toContain(`float w = {${text}}`);
    expect(words(parseGraphText(printGraph(graph)).initializer[0]?.floatData ?? new Float32Array())).toEqual([bits]);
  });

  test('floats of attributes never read as integers', () => {
    const texts = [1, -0, 1e21, 0.5, Infinity].map((f) =>
      printNode(node(`y = F <a : float = ${Object.is(f, -0) ? '-0' : f === Infinity ? 'inf' : f}> ()`)),
    );
    expect(texts).toEqual(['1.0', '-0.0', '1e+21', '0.5', 'inf'].map((f) => `y = F <a = ${f}> ()`));
  });

  test('a NaN with a payload, bytes that are no UTF-8 and a shape that lies are in annotations', () => {
    const floatData = new Float32Array(Uint32Array.of(0x7fc00001).buffer);
    const initializer = [
      create('TensorProto', { name: 'w', dataType: 1, floatData }),
      create('TensorProto', { name: 's', dataType: 8, stringData: [Uint8Array.of(0xff)] }),
      create('TensorProto', { name: 'v', dataType: 1, dims: [3n], rawData: Uint8Array.of(1, 2) }),
    ];
    const text = printGraph(create('GraphProto', { name: 'g', initializer }));
    expect(text).toContain('#@ tensor float_data: {"base64":"AQDAfw=="}');
    expect(text).toContain('#@ tensor string_data: ["/w=="]');
    expect(text).toContain('#@ tensor raw_data: "AQI="');
    expect(parseGraphText(text).initializer).toEqual(initializer);
  });

  test('a subgraph whose name the syntax cannot say there gets one that it can', () => {
    const names = ['a b', '', 'float', 'inf', 'nan_1', '2x', 'ok'];
    const text = printGraph(
      parseGraphText(
        `g () => () { y = F <a = [${names.map((n, i) => `\n#@ graph name: ${JSON.stringify(n)}\ng${i} () => () {}`)}]> () }`,
      ),
    );
    expect([...text.matchAll(/^ +(\w+) \(\) => \(\) \{\}/gm)].map(([, name]) => name)).toEqual([
      'a_b',
      '_',
      '_float',
      '_inf',
      '_nan_1',
      '_2x',
      'ok',
    ]);
  });

  test('for people: large tensors elided, annotations left out', () => {
    const graph = parseGraphText('#@ graph doc_string: "x"\ng () => () <float[3] w = {1, 2, 3}, float v = {1}> {}');
    expect(printGraph(graph, { elideAbove: 2, annotations: false })).toBe(
      'g () => ()\n<\n  float[3] w = ["location": "elided"],\n  float v = {1}\n>\n{}\n',
    );
    expect(printNode(node('[n] y = Constant <value = float[2] {1, 2}> ()'), { elideAbove: 1 })).toBe(
      '[n] y = Constant <value = float[2] = ["location": "elided"]> ()',
    );
  });
});

test('the example of docs/text.md is as it is printed', () => {
  const [, example = ''] = /```\n(<[^`]*)```/.exec(readFileSync('docs/text.md', 'utf8')) ?? [];
  expect(printModel(parseModelText(example))).toBe(example);
});

describe('fixtures/models', () => {
  const folder = 'fixtures/models';
  test.each(readdirSync(folder).filter((name) => name.endsWith('.onnx')))('%s comes back byte by byte', (name) => {
    const model = decodeModel(new Uint8Array(readFileSync(`${folder}/${name}`)));
    const bytes = encodeModel(parseModelText(printModel(model))).toBytes();
    expect(Buffer.compare(bytes, encodeModel(model).toBytes())).toBe(0);
  });
});

describe('fixtures/text', () => {
  const folder = 'fixtures/text';
  test.each(readdirSync(folder).filter((name) => name.endsWith('.onnxtxt')))('%s is as it is printed', (name) => {
    const text = readFileSync(`${folder}/${name}`, 'utf8');
    expect(printModel(parseModelText(text, { file: name }))).toBe(text);
  });
});
