import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from '../../src/api/load.js';
import { run } from '../../src/cli/run.js';
import type { Model } from '../../src/ir/model.js';
import { encodeModel } from '../../src/proto/model.js';
import { parseModelText } from '../../src/text/parse.js';

const MODEL = fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url));
const HEAD = '<ir_version: 9, opset_import: ["": 17]>';
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string | Uint8Array) => (out += typeof text === 'string' ? text : `<${text.length} bytes>`) },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {})(),
  };
  const code = await run(args, streams);
  return { code, out, err };
}

function file(name: string, content: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function modelFile(name: string, text: string): string {
  return file(name, encodeModel(parseModelText(text)).toBytes());
}

describe('bad input: a code, exit 3, no stack trace, nothing written, quickly', () => {
  const bytes = new Uint8Array(readFileSync(MODEL));
  const nested = (levels: number): Uint8Array => {
    let inner = new Uint8Array();
    for (let i = 0; i < levels; i++) {
      // a graph with a node with an attribute that holds a graph: GraphProto.node = 1, NodeProto.attribute = 5, AttributeProto.g = 6
      for (const field of [6, 5, 1]) {
        const length = varint(inner.length);
        const next = new Uint8Array(1 + length.length + inner.length);
        next.set([(field << 3) | 2, ...length]);
        next.set(inner, 1 + length.length);
        inner = next;
      }
    }
    return Uint8Array.from([0x3a, ...varint(inner.length), ...inner]);
  };
  const cases: readonly (readonly [string, () => string, RegExp])[] = [
    ['an empty file', () => file('empty.onnx', ''), /proto\/empty/],
    ['a text file', () => file('text.onnx', 'hello, this is no model\n'.repeat(40)), /proto\/not-a-model/],
    [
      'random bytes',
      () =>
        file(
          'random.onnx',
          bytes.map((byte, i) => (byte * 31 + i * 17) & 255),
        ),
      /proto\//,
    ],
    ['a truncated model', () => file('cut.onnx', bytes.subarray(0, bytes.length >> 1)), /proto\/truncated/],
    ['a file that is not there', () => join(folder, 'nothing.onnx'), /file\/unreadable/],
    ['a folder', () => folder, /file\/unreadable/],
    ['10,000 levels of nesting', () => file('deep.onnx', nested(10_000)), /proto\/nesting-too-deep/],
    [
      'a cycle',
      () =>
        modelFile('cycle.onnx', `${HEAD} m (float[1] x) => (float[1] y) { a = Add (x, b)  b = Relu (a)  y = Neg (b) }`),
      /onnx\/cycle.*Relu|onnx\/cycle/,
    ],
    [
      'a name defined twice',
      () => modelFile('twice.onnx', `${HEAD} m (float[1] x) => (float[1] y) { y = Relu (x)  y = Neg (x) }`),
      /onnx\/value-twice.*"y"/,
    ],
    [
      'external data that is not there',
      () =>
        modelFile(
          'ext.onnx',
          `${HEAD} m (float[1] x) => (float[1] y) <float[1] w = ["location": "w.bin"]> { y = Add (x, w) }`,
        ),
      /onnx\/external-data.*"w.bin"/,
    ],
    [
      'external data that leaves the folder',
      () =>
        modelFile(
          'leave.onnx',
          `${HEAD} m (float[1] x) => (float[1] y) <float[1] w = ["location": "../w.bin"]> { y = Add (x, w) }`,
        ),
      /onnx\/external-data.*leaves the folder/,
    ],
    [
      'external data behind a link that leaves the folder',
      () => {
        if (!existsSync(join(folder, 'link.bin'))) symlinkSync(MODEL, join(folder, 'link.bin'));
        return modelFile(
          'link.onnx',
          `${HEAD} m (float[1] x) => (float[1] y) <float[1] w = ["location": "link.bin"]> { y = Add (x, w) }`,
        );
      },
      /onnx\/external-data.*link that leaves/,
    ],
    [
      'a function that calls itself',
      () =>
        modelFile(
          'recursive.onnx',
          `<ir_version: 9, opset_import: ["": 17, "f": 1]> m (float[1] x) => (float[1] y) { y = f.g (x) }
           <domain: "f", opset_import: ["": 17, "f": 1]> g (a) => (b) { b = f.g (a) }`,
        ),
      /onnx\/function-cycle/,
    ],
  ];

  test.each(cases)('%s', async (name, make, expected) => {
    const path = make();
    for (const args of [
      ['convert', path, '-o'],
      ['optimize', path, '-o'],
    ]) {
      const out = join(folder, `${name.replaceAll(/\W/g, '-')}.out.onnx`);
      const start = process.cpuUsage(); // other processes do not count
      const { code, err, out: printed } = await cli(...args, out);
      expect(err).toMatch(expected);
      expect(code).toBe(3);
      const { user, system } = process.cpuUsage(start);
      expect(user + system).toBeLessThan(5_000_000);
      expect(err).not.toMatch(/\n\s+at .*\.[jt]s/);
      expect(printed).toBe('');
      expect(existsSync(out)).toBe(false);
    }
    expect(readdirSync(folder).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
  });

  function varint(value: number): number[] {
    const list: number[] = [];
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) list.push((rest % 128) | 128);
    return [...list, rest];
  }
});

describe('what is not an error', () => {
  test('unknown operators and domains without an import are warnings, and pass through', async () => {
    const path = modelFile(
      'unknown.onnx',
      `${HEAD} m (float[1] x) => (float[1] y) { a = my.domain.Thing (x)  y = Nonsense (a) }`,
    );
    const out = join(folder, 'unknown.out.onnx');
    const { code, err } = await cli('convert', path, '-o', out);
    expect(code).toBe(0);
    expect(err).toContain('onnx/opset-missing');
    expect(err).toContain('my.domain.Thing');
    expect(err).toContain('Nonsense');
    expect(readFileSync(out).equals(readFileSync(path))).toBe(true);
  });

  test('--json prints one object on standard output and nothing else there', async () => {
    const out = join(folder, 'json.onnx');
    const { code, out: printed } = await cli('convert', MODEL, '-o', out, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ schema: 'resonnx/convert@1', bytes: 578966 });
    expect(readFileSync(out).equals(readFileSync(MODEL))).toBe(true);
  });

  test('a model goes to standard output with -o -', async () => {
    const { code, out } = await cli('convert', MODEL, '-o', '-');
    expect([code, out]).toEqual([0, '<578966 bytes>']);
  });
});

describe('wrong usage is exit 2 with a hint', () => {
  test.each([
    [['conver', MODEL], 'Did you mean convert?'],
    [['convert', MODEL], "'-o, --out <file>' not specified"],
    [['convert', MODEL, '-o', 'x.onnx', '--external-data', 'split=banana'], 'give a size'],
    [['optimize', MODEL, '-o', 'x.onnx', '--target', 'toaster'], 'toaster'],
    [['rewrite', MODEL, '-o', 'x.onnx'], '--recipe'],
  ])('%j', async (args, expected) => {
    const { code, err } = await cli(...args);
    expect(err).toContain(expected);
    expect(code).toBe(2);
    expect(existsSync('x.onnx')).toBe(false);
  });
});

test('weights move to a file beside the model and back', async () => {
  const [out, back] = [join(folder, 'split.onnx'), join(folder, 'back.onnx')];
  const text = join(folder, 'weights.onnxtxt');
  writeFileSync(
    text,
    `#@ defaults raw_data: true\n${HEAD} m (float[N, 64] x) => (float[N, 64] y) <float[64, 64] w = ["location": "fill:normal", "seed": "3"]> { y = MatMul (x, w) }`,
  );
  expect((await cli('convert', text, '-o', out, '--external-data', 'weights.bin')).code).toBe(0);
  expect(readFileSync(join(folder, 'weights.bin'))).toHaveLength(64 * 64 * 4);
  expect((await cli('convert', out, '-o', back, '--external-data', 'none')).code).toBe(0);
  expect(readFileSync(back).length).toBeGreaterThan(64 * 64 * 4);
  expect(readFileSync(back).includes(readFileSync(join(folder, 'weights.bin')))).toBe(true);
});

test('weights of every element type move to files, from typed fields as well; strings stay', async () => {
  const list = (count: number, of: (index: number) => string): string =>
    Array.from({ length: count }, (_, i) => of(i)).join(', ');
  const [reals, small, bits] = [
    list(512, (i) => `${i}.5`),
    list(4096, (i) => `${i % 7}`),
    list(2048, (i) => `${i % 2}`),
  ];
  const types = [
    `float[512] a = {${reals}}`,
    `double[512] b = {${reals}}`,
    `float16[4096] c = {${small}}`,
    `bfloat16[4096] d = {${small}}`,
  ]
    .concat(
      `int64[4096] e = {${small}}`,
      `uint8[4096] f = {${small}}`,
      `int4[4096] g = {${small}}`,
      `bool[2048] h = {${bits}}`,
    )
    .concat(`float8e4m3fn[4096] i = {${small}}`, `string[300] s = {${list(300, (i) => `"text ${i}"`)}}`);
  const [typed, split, back] = ['typed.onnxtxt', 'typed-split.onnx', 'typed-back.onnx'].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFileSync(typed, `${HEAD} m (float[N] x) => (float[N] y) <${types.join(', ')}> { y = Relu (x) }`);
  expect((await cli('convert', typed, '-o', split, '--external-data', 'split=8KB')).code).toBe(0);
  const files = readdirSync(folder).filter((name) => name.startsWith('typed-split.onnx_data'));
  expect(files.length).toBeGreaterThan(4);
  // One tensor of int64 is larger than the limit and has a file of its own.
  expect(files.map((name) => readFileSync(join(folder, name)).length).filter((size) => size > 8192)).toEqual([32768]);
  expect((await cli('convert', split, '-o', back, '--external-data', 'none')).code).toBe(0);
  const [before, moved, after] = await Promise.all([load(typed), load(split), load(back)]);
  const content = (model: Model): unknown =>
    [...model.graph.initializers].map(({ hint, constant }) => [
      hint,
      constant!.dtype,
      constant!.dtype === 'string' ? constant!.strings() : constant!.bytes(),
    ]);
  expect(content(moved)).toEqual(content(before));
  expect(content(after)).toEqual(content(before));
  const outside = [...moved.graph.initializers].filter(({ constant }) => constant!.proto?.dataLocation === 1);
  expect(outside.map(({ hint }) => hint)).toEqual(['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']);
});
