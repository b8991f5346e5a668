import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from '../../src/api/load.js';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { type Runtime, RuntimeRefusal, RuntimeTimeout, type Session } from '../../src/numerics/runtime.js';
import { fromFloat64, type NumericArray, toRawBytes, zeros } from '../../src/tensor/array.js';
import type { DType } from '../../src/tensor/dtype.js';
import { Tensor } from '../../src/tensor/tensor.js';
import { identityModel, tinyGraph, tinyModel, valueInfo } from '../support/tiny-model.js';

const plain = { optimization: 'disabled' } as const;
let runtime: Runtime;

beforeAll(() => {
  runtime = createOrtRuntime();
});
afterAll(() => runtime.close());

const floats = (...values: readonly number[]): NumericArray => fromFloat64('float32', [values.length], values);

/** What a call was refused with. */
async function refusalOf(call: Promise<unknown>): Promise<RuntimeRefusal> {
  const error = await call.then(
    () => 'no refusal',
    (e: unknown) => e,
  );
  if (!(error instanceof RuntimeRefusal)) throw error;
  return error;
}

/** Division that ends the process for the smallest int32 by -1. */
const divide = tinyModel({
  nodes: [{ op: 'Div', in: ['X', 'D'], out: ['Y'] }],
  inputs: [
    ['X', 'int32', ['N']],
    ['D', 'int32', ['N']],
  ],
  outputs: [['Y', 'int32', ['N']]],
});
const harmless = { X: fromFloat64('int32', [1], [6]), D: fromFloat64('int32', [1], [3]) };
const deadly = { X: fromFloat64('int32', [1], [-(2 ** 31)]), D: fromFloat64('int32', [1], [-1]) };

/** A loop that runs as often as N says and counts in `total`. */
const loop = tinyModel({
  nodes: [
    {
      op: 'Loop',
      in: ['N', '', 'zero'],
      out: ['total'],
      attributes: [
        {
          name: 'body',
          type: 5,
          g: tinyGraph({
            nodes: [
              { op: 'Add', in: ['sum', 'one'], out: ['next'] },
              { op: 'Identity', in: ['cond'], out: ['go'] },
            ],
            inputs: [
              ['i', 'int64', []],
              ['cond', 'bool', []],
              ['sum', 'int64', []],
            ],
            outputs: [
              ['go', 'bool', []],
              ['next', 'int64', []],
            ],
          }),
        },
      ],
    },
  ],
  inputs: [['N', 'int64', []]],
  outputs: [['total', 'int64', []]],
  initializers: [
    { name: 'zero', dataType: 7, int64Data: [0] },
    { name: 'one', dataType: 7, int64Data: [1] },
  ],
});
const times = (n: bigint): Record<string, NumericArray> => ({
  N: { dtype: 'int64', shape: [], data: BigInt64Array.of(n) },
});

describe('values pass through unchanged', () => {
  test.each<[DType, NumericArray['data']]>([
    ['float32', Float32Array.of(1.5, -0, NaN, Infinity)],
    ['float64', Float64Array.of(1e300, -0, 5e-324, -Infinity)],
    ['float16', Uint16Array.of(0x3c00, 0x8000, 0x7c00, 0x0001)],
    ['int8', Int8Array.of(-128, 127, 0, 1)],
    ['int16', Int16Array.of(-32768, 32767, 0, 1)],
    ['int32', Int32Array.of(-(2 ** 31), 2 ** 31 - 1, 0, 1)],
    ['int64', BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, 0n, 2n ** 53n + 1n)],
    ['uint8', Uint8Array.of(0, 255, 1, 2)],
    ['uint16', Uint16Array.of(0, 65535, 1, 2)],
    ['uint32', Uint32Array.of(0, 2 ** 32 - 1, 1, 2)],
    ['uint64', BigUint64Array.of(0n, 2n ** 64n - 1n, 1n, 2n)],
    ['bool', Uint8Array.of(0, 1, 1, 0)],
    ['string', ['', 'é🦊', 'two words', 'x']],
  ])('%s', async (dtype, data) => {
    const session = await runtime.open(identityModel(dtype, ['N', null]), plain);
    expect(session.inputs).toEqual([{ name: 'X', dtype, shape: ['N', null] }]);
    const X: NumericArray = { dtype, shape: [2, 2], data };
    expect(await session.run({ X })).toEqual({ Y: X });
    await session.release();
  });

  test.each([[[]], [[0]], [[2, 0, 3]], [[1, 1, 1, 1, 1, 1, 1]]])('float32 and string of shape %j', async (shape) => {
    for (const dtype of ['float32', 'string'] as const) {
      const session = await runtime.open(identityModel(dtype), plain);
      expect(await session.run({ X: zeros(dtype, shape) })).toEqual({ Y: zeros(dtype, shape) });
      await session.release();
    }
  });

  test('a tensor and a model beyond the size of one message', async () => {
    const count = 3_000_001;
    const values = Float32Array.from({ length: count }, (_, i) => i);
    const W = { name: 'W', dataType: 1, dims: [count], rawData: new Uint8Array(values.buffer) };
    const bytes = tinyModel({
      nodes: [{ op: 'Sub', in: ['X', 'W'], out: ['Y'] }],
      inputs: [['X', 'float32', ['N']]],
      outputs: [['Y', 'float32', ['N']]],
      initializers: [W],
    });
    const session = await runtime.open(bytes, plain);
    const { Y } = await session.run({ X: { dtype: 'float32', shape: [count], data: values } });
    expect(Y?.shape).toEqual([count]);
    expect(Buffer.compare(toRawBytes(Y!), new Uint8Array(4 * count))).toBe(0);
    await session.release();
  });
});

describe('sessions', () => {
  test('several at once, with only the outputs that are asked for', async () => {
    const model = tinyModel({
      nodes: [
        { op: 'Neg', in: ['X'], out: ['A'] },
        { op: 'Exp', in: ['X'], out: ['B'] },
      ],
      inputs: [['X', 'float32', ['N']]],
      outputs: [
        ['A', 'float32', ['N']],
        ['B', 'float32', ['N']],
      ],
    });
    const [one, two] = await Promise.all([runtime.open(model, plain), runtime.open(divide, plain)]);
    const [first, second, third] = await Promise.all([
      one.run({ X: floats(0, 1) }, ['A']),
      two.run(harmless),
      one.run({ X: floats(0) }),
    ]);
    expect(first).toEqual({ A: floats(-0, -1) });
    expect(second).toEqual({ Y: fromFloat64('int32', [1], [2]) });
    expect(third).toEqual({ A: floats(-0), B: floats(1) });
    await Promise.all([one.release(), two.release()]);
  });

  test('a model by path, and its external data beside it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'resonnx-test-'));
    const data = new Float32Array([1, 2, 3]);
    writeFileSync(join(folder, 'weights.bin'), data);
    const W = {
      name: 'W',
      dataType: 1,
      dims: [3],
      dataLocation: 1,
      externalData: [{ key: 'location', value: 'weights.bin' }],
    };
    const bytes = tinyModel({
      nodes: [{ op: 'Add', in: ['X', 'W'], out: ['Y'] }],
      inputs: [['X', 'float32', [3]]],
      outputs: [['Y', 'float32', [3]]],
      initializers: [W],
    });
    writeFileSync(join(folder, 'model.onnx'), bytes);
    const session = await runtime.open({ path: join(folder, 'model.onnx') }, plain);
    expect(await session.run({ X: floats(1, 1, 1) })).toEqual({ Y: floats(2, 3, 4) });
    await session.release();
    expect(readFileSync(join(folder, 'model.onnx'))).toEqual(Buffer.from(bytes));
    rmSync(folder, { recursive: true });
  });

  test('weights of a model in memory are used where they are: in its file, or once in a file for all models', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'resonnx-'));
    const size = 2 ** 15; // 128 KiB: large enough to stay outside
    const weights = Float32Array.from({ length: size }, (_, i) => i);
    const W = { name: 'W', dataType: 1, dims: [size], rawData: new Uint8Array(weights.buffer) };
    const bytes = tinyModel({
      nodes: [{ op: 'Add', in: ['X', 'W'], out: ['Y'] }],
      inputs: [['X', 'float32', [1]]],
      outputs: [['Y', 'float32', [size]]],
      initializers: [W],
    });
    const path = join(folder, 'weights ß.onnx');
    writeFileSync(path, bytes);
    const computed = await load(bytes);
    const graph = computed.graph;
    const [old] = graph.initializers;
    const doubled = new Tensor('float32', [size], () =>
      toRawBytes(
        fromFloat64(
          'float32',
          [size],
          weights.map((w) => 2 * w),
        ),
      ),
    );
    graph.replaceAllUses(old!, graph.addInitializer(doubled));
    const sums: number[] = [];
    for (const model of [await load(path), await load(bytes), computed, computed]) {
      const session = await runtime.open(model, plain);
      const { Y } = await session.run({ X: floats(1) });
      sums.push((Y!.data as Float32Array)[size - 1]!);
      await session.release();
    }
    expect(sums).toEqual([size, size, 2 * size - 1, 2 * size - 1]);
    rmSync(folder, { recursive: true });
  });

  test('optional outputs that hold a tensor come out; sequences can only stay inside', async () => {
    const tensor = { tensorType: { elemType: 1 } };
    const optional = tinyModel({
      nodes: [{ op: 'Optional', in: ['X'], out: ['O'] }],
      inputs: [['X', 'float32', ['N']]],
      outputs: [{ name: 'O', type: { optionalType: { elemType: tensor } } }],
    });
    const one = await runtime.open(optional, plain);
    expect(one.outputs).toEqual([{ name: 'O' }]);
    expect(await one.run({ X: floats(1, 2) })).toEqual({ O: floats(1, 2) });
    const sequence = tinyModel({
      nodes: [
        { op: 'SequenceConstruct', in: ['X', 'X'], out: ['S'] },
        { op: 'SequenceLength', in: ['S'], out: ['L'] },
      ],
      inputs: [['X', 'float32', ['N']]],
      outputs: [{ name: 'S', type: { sequenceType: { elemType: tensor } } }, valueInfo(['L', 'int64', []])],
    });
    const two = await runtime.open(sequence, plain);
    expect(await two.run({ X: floats(1) }, ['L'])).toEqual({ L: fromFloat64('int64', [], [2]) });
    expect(await refusalOf(two.run({ X: floats(1) }))).toMatchObject({ kind: 'type' });
    await Promise.all([one.release(), two.release()]);
  });
});

describe('refusals', () => {
  test.each<[string, Uint8Array, RuntimeRefusal['kind'], RegExp]>([
    ['bytes that are no model', Uint8Array.of(1, 2, 3), 'open', /protobuf/],
    ['no bytes', new Uint8Array(0), 'open', /./],
    [
      'an unknown operator',
      tinyModel({
        nodes: [{ op: 'Nonsense', in: ['X'], out: ['Y'] }],
        inputs: [['X', 'float32', [1]]],
        outputs: [['Y', 'float32', [1]]],
      }),
      'open',
      /Nonsense/,
    ],
    ['bfloat16 at the interface', identityModel('bfloat16', ['N']), 'type', /bfloat16/],
    ['float8 at the interface', identityModel('float8e4m3fn', ['N']), 'type', /float8e4m3fn/],
  ])('%s', async (_, model, kind, message) => {
    const refusal = await refusalOf(runtime.open(model, plain));
    expect(refusal.kind).toBe(kind);
    expect(refusal.message).toMatch(message);
  });

  test('int4 outputs are refused before they can end the process', async () => {
    const quantize = tinyModel({
      nodes: [{ op: 'QuantizeLinear', in: ['X', 'S', 'Z'], out: ['Y'] }],
      inputs: [['X', 'float32', [3]]],
      outputs: [['Y', 'int4', [3]]],
      initializers: [
        { name: 'S', dataType: 1, floatData: [1] },
        { name: 'Z', dataType: 22, rawData: Uint8Array.of(0) },
      ],
      opset: 21,
    });
    const session = await runtime.open(quantize, plain);
    expect(await refusalOf(session.run({ X: floats(1, 2, 3) }))).toMatchObject({ kind: 'type' });
    await session.release();
  });

  test('feeds that do not fit', async () => {
    const session = await runtime.open(identityModel('float32', [2]), plain);
    const kinds = async (feeds: Record<string, NumericArray>, outputs?: string[]): Promise<string> => {
      const { kind, message } = await refusalOf(session.run(feeds, outputs));
      return `${kind}: ${message}`;
    };
    expect(await kinds({})).toBe('feeds: input X has no value');
    expect(await kinds({ X: floats(1, 2), Z: floats(1) })).toBe('feeds: the model has no input Z');
    expect(await kinds({ X: zeros('float64', [2]) })).toBe('feeds: input X is float32, not float64');
    expect(await kinds({ X: zeros('float8e5m2', [2]) })).toMatch(/^type: X: float8e5m2 cannot pass/);
    expect(await kinds({ X: floats(1, 2) }, ['W'])).toBe('feeds: the model has no output W');
    expect(await kinds({ X: floats(1, 2, 3) })).toMatch(/^run: .*invalid dimensions/s);
    await session.release();
  });

  test('an operator that fails on its values', async () => {
    const session = await runtime.open(divide, plain);
    const zero = { ...harmless, D: zeros('int32', [1]) };
    expect(await refusalOf(session.run(zero))).toMatchObject({ kind: 'run', message: expect.stringMatching(/zero/) });
    await session.release();
  });
});

describe('a runtime that is missing', () => {
  test('is a diagnostic that says what to install', () => {
    const create = (): Runtime => createOrtRuntime({ packagePath: join(tmpdir(), 'no-such-package') });
    expect(create).toThrow(expect.objectContaining({ code: 'runtime/missing' }));
    expect(create).toThrow(/no-such-package is not installed/);
  });

  test('is the same diagnostic when its binary cannot be loaded', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'broken-package-'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '9.9.9', main: 'index.js' }));
    writeFileSync(join(folder, 'index.js'), 'throw new Error("no binary for this machine")');
    const broken = createOrtRuntime({ packagePath: folder });
    expect(broken.version).toBe('9.9.9');
    await expect(broken.open(divide, plain)).rejects.toMatchObject({
      code: 'runtime/missing',
      message: expect.stringMatching(/no binary for this machine/),
      diagnostics: [{ hint: expect.stringMatching(/npm install onnxruntime-node.*ONNXRUNTIME_NODE_INSTALL=skip/) }],
    });
    await broken.close();
    rmSync(folder, { recursive: true });
  });
});

describe('what ends the process of the runtime', () => {
  test('a crash refuses the one run; this session and others go on', async () => {
    const other = await runtime.open(identityModel('float32'), plain);
    const session = await runtime.open(divide, plain);
    const refusal = await refusalOf(session.run(deadly));
    expect(refusal.kind).toBe('crash');
    expect(refusal.message).toMatch(/SIG|exit code/);
    expect(await session.run(harmless)).toEqual({ Y: fromFloat64('int32', [1], [2]) });
    expect(await other.run({ X: floats(1) })).toEqual({ Y: floats(1) });
    await Promise.all([session.release(), other.release()]);
  });

  test('a crash that does not come back costs nothing but a new process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crashing-package-'));
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '9.9.9', main: 'index.js' }));
    const code = `const { appendFileSync, readFileSync } = require('node:fs'); const log = ${JSON.stringify(join(folder, 'log'))};
      const create = () => { appendFileSync(log, '+'); if (readFileSync(log).length === 1) process.exit(7); throw new Error('alive'); };
      module.exports = { InferenceSession: { create }, Tensor: class {} };`;
    writeFileSync(join(folder, 'index.js'), code);
    const shaky = createOrtRuntime({ packagePath: folder });
    expect(await refusalOf(shaky.open(divide, plain))).toMatchObject({ kind: 'open', message: 'alive' });
    await shaky.close();
    rmSync(folder, { recursive: true });
  });

  test('an endless run is stopped at the limit, and the event loop lives meanwhile', async () => {
    const short = createOrtRuntime({ limitMs: 3000 });
    const session: Session = await short.open(loop, plain);
    expect(await session.run(times(10n))).toEqual({ total: fromFloat64('int64', [], [10]) });
    let ticks = 0;
    const ticking = setInterval(() => ticks++, 20);
    await expect(session.run(times(2n ** 62n))).rejects.toThrow(RuntimeTimeout);
    clearInterval(ticking);
    expect(ticks).toBeGreaterThan(10);
    expect(await session.run(times(3n))).toEqual({ total: fromFloat64('int64', [], [3]) });
    await short.close();
  });

  test('closing refuses what is under way and what comes later, and leaves no files', async () => {
    const folders = (): string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('resonnx-'));
    const before = new Set(folders());
    const short = createOrtRuntime();
    const session = await short.open(loop, plain);
    const made = folders().filter((name) => !before.has(name)); // others may make theirs later
    expect(made).not.toEqual([]);
    const endless = refusalOf(session.run(times(2n ** 62n)));
    await new Promise((resolve) => setTimeout(resolve, 50));
    await short.close();
    expect(await endless).toMatchObject({ kind: 'crash', message: 'the runtime was closed' });
    expect(await refusalOf(session.run(times(1n)))).toMatchObject({ message: 'the runtime was closed' });
    const left = new Set(folders());
    expect(made.filter((name) => left.has(name))).toEqual([]);
  });
});
