import { describe, expect, test } from '@jest/globals';
import { ResonnxError } from '../../src/diagnostics/diagnostic.js';
import { importModel } from '../../src/onnx/import.js';
import { exportModel } from '../../src/onnx/export.js';
import { encodeModel } from '../../src/proto/model.js';
import { memorySource } from '../../src/support/bytes.js';
import { parseModelText } from '../../src/text/parse.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { bytesOf, modelOf, textOf, valueOf } from '../support/model.js';

const HEAD = '<ir_version: 9, opset_import: ["": 17]>';

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof ResonnxError) return error.code;
    throw error;
  }
  return 'none';
}

describe('what is not valid is refused with a code', () => {
  test.each([
    ['onnx/value-unknown', `${HEAD} m (float[1] x) => (float[1] y) { y = Add (x, z) }`],
    ['onnx/value-unknown', `${HEAD} m (float[1] x) => (float[1] q) { y = Relu (x) }`],
    ['onnx/value-twice', `${HEAD} m (float[1] x) => (float[1] y) { y = Relu (x)  y = Neg (x) }`],
    ['onnx/value-twice', `${HEAD} m (float[1] x, float[1] x) => (float[1] y) { y = Relu (x) }`],
    ['onnx/cycle', `${HEAD} m (float[1] x) => (float[1] y) { a = Add (x, b)  b = Relu (a)  y = Neg (b) }`],
    [
      'onnx/external-data',
      `${HEAD} m (float[1] x) => (float[1] y) <float[1] w = ["location": "w.bin"]> { y = Add (x, w) }`,
    ],
  ])('%s: %s', (code, text) => {
    expect(codeOf(() => modelOf(text))).toBe(code);
  });

  test('a value that only an inner graph defines is unknown outside of it', () => {
    const text = `${HEAD} m (bool c, float[1] x) => (float[1] y)
      { z = If (c) <then_branch = t () => (float[1] a) { a = Relu (x) }, else_branch = e () => (float[1] b) { b = Neg (x) }>  y = Add (z, a) }`;
    expect(codeOf(() => modelOf(text))).toBe('onnx/value-unknown');
  });

  test('tensors whose bytes or dims make no sense', () => {
    const proto = parseModelText(`${HEAD} m (float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add (x, w) }`);
    const withTensor = (fields: object): unknown => {
      const [tensor] = proto.graph!.initializer;
      return importModel({ ...proto, graph: { ...proto.graph!, initializer: [{ ...tensor!, ...fields }] } });
    };
    expect(codeOf(() => withTensor({ dims: [3n] }))).toBe('onnx/tensor-size');
    expect(codeOf(() => withTensor({ dims: [-2n] }))).toBe('onnx/tensor-size');
    expect(codeOf(() => withTensor({ dims: [2n ** 62n, 2n ** 62n] }))).toBe('onnx/tensor-size');
    expect(codeOf(() => withTensor({ dataType: 99 }))).toBe('onnx/tensor-type');
  });

  test('external data: offsets beyond the file, and a file that is opened by its name', () => {
    const text = (offset: number): string =>
      `${HEAD} m (float[1] x) => (float[1] y) <float[1] w = ["location": "w.bin", "offset": "${offset}"]> { y = Add (x, w) }`;
    const external = (name: string): ReturnType<typeof memorySource> =>
      memorySource(new Uint8Array(new Float32Array([5, 7]).buffer), name);
    const model = importModel(parseModelText(text(4)), { external });
    expect([...model.graph.initializers][0]!.constant!.floats()).toEqual(Float64Array.of(7));
    expect(codeOf(() => importModel(parseModelText(text(8)), { external }))).toBe('onnx/external-data');
  });
});

describe('constants and defaults', () => {
  const text = (version: number): string =>
    `<ir_version: ${version}, opset_import: ["": 9]> m (float[2] x, float[2] w) => (float[2] y) <float[2] w = {1, 2}> { y = Add (x, w) }`;

  test('from IR version 4 on an initializer that is an input is a default that the caller may override', () => {
    const model = modelOf(text(4));
    expect(valueOf(model, 'w').constant).toBeUndefined();
    expect(model.graph.inputs[1]!.fallback!.floats()).toEqual(Float64Array.of(1, 2));
  });

  test('before, it is a constant, and new constants are listed among the inputs', () => {
    const model = modelOf(text(3));
    expect(valueOf(model, 'w').constant!.floats()).toEqual(Float64Array.of(1, 2));
    const before = bytesOf(model);
    expect(before).toEqual(encodeModel(parseModelText(text(3))).toBytes());
    const k = model.graph.addInitializer(Tensor.float32([2], [3, 4]), 'k');
    model.graph.replaceAllUses(valueOf(model, 'w'), k);
    model.graph.eraseInitializer(valueOf(model, 'w'));
    const proto = exportModel(model);
    expect(proto.graph!.input.map((info) => info.name)).toEqual(['x', 'k']);
  });

  test('typed data become little-endian bytes of their type', () => {
    const model = modelOf(`${HEAD} m () => (float[1] y)
      <int8[3] a = {-1, 2, 3}, uint16[2] b = {65535, 1}, bool[2] c = {1, 0}, int64[1] d = {-9223372036854775808}, float16[1] e = {1.5}>
      { y = Constant <value_floats = [1.0]> () }`);
    const bytes = (name: string): number[] => [...valueOf(model, name).constant!.bytes()];
    expect(bytes('a')).toEqual([255, 2, 3]);
    expect(bytes('b')).toEqual([255, 255, 1, 0]);
    expect(bytes('c')).toEqual([1, 0]);
    expect(bytes('d')).toEqual([0, 0, 0, 0, 0, 0, 0, 128]);
    expect(bytes('e')).toEqual([0, 0x3e]);
  });
});

describe('what a reader must keep', () => {
  test('the end of a slice of 2^63 − 1 survives', () => {
    const text = `${HEAD} m (float[4] x) => (float[N] y) <int64[1] s = {0}, int64[1] e = {9223372036854775807}> { y = Slice (x, s, e) }`;
    const model = modelOf(text);
    expect(valueOf(model, 'e').constant!.ints()).toEqual([9223372036854775807n]);
    expect(bytesOf(model)).toEqual(encodeModel(parseModelText(text)).toBytes());
  });

  test('nodes that are not in dependency order are read, and emitted as they were while untouched', () => {
    const text = `${HEAD} m (float[1] x) => (float[1] y) { y = Neg (a)  a = Relu (x) }`;
    const model = modelOf(text);
    expect(textOf(model)).toMatch(/y = Neg \(a\)\s+a = Relu \(x\)/);
    model.graph.setHint(valueOf(model, 'a'), 'b');
    expect(textOf(model)).toMatch(/b = Relu \(x\)\s+y = Neg \(b\)/);
  });

  test('both spellings of the default domain and double imports', () => {
    const text = `<ir_version: 9, opset_import: ["ai.onnx": 17, "": 17]> m (float[1] x) => (float[1] y) { y = ai.onnx.Relu (x) }`;
    const model = modelOf(text);
    expect([...model.graph.nodes.values()][0]!.domain).toBe('');
    expect(bytesOf(model)).toEqual(encodeModel(parseModelText(text)).toBytes());
    model.setOpset('', 18);
    expect(exportModel(model).opsetImport.map((entry) => entry.version)).toEqual([18n, 18n]);
  });

  test('value_info of values that are gone is dropped, of others kept', () => {
    const text = `${HEAD} m (float[4] x) => (float[4] y) <float[4] a, float[4] b> { a = Relu (x)  b = Neg (a)  y = Abs (b) }`;
    const model = modelOf(text);
    model.graph.replaceAllUses(valueOf(model, 'b'), valueOf(model, 'a'));
    model.graph.erase(valueOf(model, 'b').producer!);
    expect(exportModel(model).graph!.valueInfo.map((info) => info.name)).toEqual(['a']);
  });
});
