import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { declareModule } from '../../src/bindings/declare.js';
import { describePorts, type PortInfo, type Ports } from '../../src/bindings/ports.js';
import { modelOf } from '../support/model.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const HEADER = '<ir_version: 8, opset_import: ["": 17]>';

/** Models by name: interfaces of every kind that a sidecar has to tell apart. */
const MODELS: Readonly<Record<string, string>> = {
  float: `${HEADER} g (float[N, 3] x) => (float[N, 3] y) { y = Relu(x) }`,
  ids: `${HEADER} g (int64[batch, sequence] input_ids, int64[batch, sequence] attention_mask) => (int64[batch, sequence] y) { y = Add(input_ids, attention_mask) }`,
  half: `${HEADER} g (float16[4] x) => (float16[4] y) { y = Relu(x) }`,
  words: `${HEADER} g (string[N] words) => (string[N] same) { same = Identity(words) }`,
  masks: `${HEADER} g (bool[N] mask, double[N] a, double[N] b) => (double[N] y) { y = Where(mask, a, b) }`,
  defaults: `${HEADER} g (float[N] x, float[1] gain) => (float[N] y) <float[1] gain = {2}> { y = Mul(x, gain) }`,
  scalar: `${HEADER} g (int32 count, uint8[2] bytes) => (uint8[2] y) { c = Cast<to = 2>(count) y = Add(bytes, c) }`,
  open: `${HEADER} g (float x) => (int64[u] shape) { shape = Shape(x) }`,
  quoted: `${HEADER} g (float[N] x) => (float[N] y, float[N] z) { y = Relu(x) z = Neg(x) }`,
  wide: `${HEADER} g (uint32[N] a, uint64[N] b, int16[N] c, int8[N] d, uint16[N] e) => (uint32[N] y, uint64[N] z, int16[N] p, int8[N] q, uint16[N] r) { y = Identity(a) z = Identity(b) p = Identity(c) q = Identity(d) r = Identity(e) }`,
};

/** An element type that no port of this one takes. */
const other = (dtype: string | null): string => (dtype === 'float32' ? 'int64' : 'float32');
const feed = ({ name }: PortInfo, dtype: string | null): string =>
  `${JSON.stringify(name)}: tensor(${JSON.stringify(dtype)})`;

/** Feeds that must not compile, each for a reason of its own. */
function wrongFeeds(inputs: readonly PortInfo[]): readonly string[] {
  const right = inputs.map((port) => feed(port, port.dtype));
  const [first, ...rest] = inputs;
  const others = rest.map((port) => feed(port, port.dtype));
  return [
    `{ ${others.join(', ')} }`,
    `{ ${[feed(first!, other(first!.dtype)), ...others].join(', ')} }`,
    `{ ${[...right, 'surplus: tensor("float32")'].join(', ')} }`,
    `{ ${[`${JSON.stringify(first!.name.toUpperCase())}: tensor(${JSON.stringify(first!.dtype)})`, ...others].join(', ')} }`,
    `{ ${[`${JSON.stringify(first!.name)}: [1, 2, 3]`, ...others].join(', ')} }`,
    `{ ${[`${JSON.stringify(first!.name)}: undefined`, ...others].join(', ')} }`,
    ...rest
      .filter(({ optional }) => optional)
      .flatMap((port) => [
        `{ ${[feed(first!, first!.dtype), feed(port, other(port.dtype))].join(', ')} }`,
        `{ ${feed(first!, first!.dtype)}, ${JSON.stringify(port.name)}: undefined }`,
      ]),
    // each other input that has to be given
    ...rest.flatMap((port, index) => (port.optional ? [] : [`{ ${right.toSpliced(index + 1, 1).join(', ')} }`])),
  ];
}

/** A module that uses a model: what must compile, then what must not, whose line numbers come back. */
function useOf(name: string, { inputs, outputs }: Ports): { readonly text: string; readonly wrong: readonly number[] } {
  const required = inputs.filter(({ optional }) => !optional);
  const right = [inputs, required].map((used) => `{ ${used.map((port) => feed(port, port.dtype)).join(', ')} }`);
  const result = `results[${JSON.stringify(outputs[0]!.name)}]`;
  const lines = [
    `import type { Tensor } from 'resonnx/handle';`,
    `import * as ort from 'onnxruntime-web';`,
    `import model, { type Feeds, type Results } from './${name}.onnx';`,
    `declare function tensor<T extends string>(type: T): Tensor<T>;`,
    ...right.map((feeds, index) => `export const right${index}: Feeds = ${feeds};`),
    `export async function run(): Promise<readonly unknown[]> {`,
    `const session = await model.create(ort, { executionProviders: ['wasm'] });`,
    `const results = await session.run(${right[0]});`,
    `const elements: Tensor<${JSON.stringify(outputs[0]!.dtype)}>['data'] = ${result}.data;`,
    `const asOrt: ort.Tensor = ${result};`,
    `return [asOrt, elements]; }`,
  ];
  const wrong = [
    ...wrongFeeds(inputs).map((feeds, index) => `export const wrong${index}: Feeds = ${feeds};`),
    `export const surplus = (results: Results) => results.surplus;`,
    `export const element = (results: Results): Tensor<${JSON.stringify(other(outputs[0]!.dtype))}> => ${result};`,
    `export const direct = async () => (await model.create(ort)).run({});`,
    `export const provider = () => model.create(ort, { executionProviders: 7 });`,
  ];
  return { text: [...lines, ...wrong, ''].join('\n'), wrong: wrong.map((_, index) => lines.length + index + 1) };
}

function writeProject(folder: string): void {
  mkdirSync(join(folder, 'node_modules'));
  for (const name of ['onnxruntime-web', 'onnxruntime-common']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  const strict = { strict: true, exactOptionalPropertyTypes: true, noEmit: true, skipLibCheck: true };
  const paths = { 'resonnx/handle': [join(root, 'src/plugin/handle.ts')] };
  const rest = { module: 'nodenext', types: [], lib: ['es2023', 'dom'], allowArbitraryExtensions: true, paths };
  const config = { compilerOptions: { ...strict, ...rest }, include: ['*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
}

test('right feeds compile, each kind of wrong feed does not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'resonnx-bindings-'));
  try {
    writeProject(folder);
    const expected: string[] = [];
    for (const [name, text] of Object.entries(MODELS)) {
      const ports = describePorts(modelOf(text));
      const use = useOf(name, ports);
      writeFileSync(join(folder, `${name}.d.onnx.ts`), declareModule(ports, `${name}.onnx`));
      writeFileSync(join(folder, `${name}.use.ts`), use.text);
      expected.push(...use.wrong.map((line) => `${name}.use.ts(${line}`));
    }
    const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', folder], { cwd: folder, encoding: 'utf8' });
    const found = tsc.stdout.split('\n').flatMap((line) => /^([\w.]+\(\d+),\d+\): error/.exec(line)?.[1] ?? []);
    expect([...new Set(found)].sort()).toEqual(expected.sort());
    expect(expected.length).toBeGreaterThan(80);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a default makes an input optional, except where every constant had to be an input', () => {
  const text = (version: number): string => MODELS['defaults']!.replace('ir_version: 8', `ir_version: ${version}`);
  const inputs = (version: number): readonly unknown[] =>
    describePorts(modelOf(text(version))).inputs.map(({ name, optional }) => [name, optional]);
  expect(inputs(8)).toEqual([
    ['x', false],
    ['gain', true],
  ]);
  expect(inputs(3)).toEqual([['x', false]]);
});

test('the documentation says the dims and cannot leave its comment', () => {
  const ports = {
    inputs: [{ name: 'a"b*/', dtype: 'float32', shape: ['*/ evil', 3, null], optional: true, kind: 'tensor' as const }],
    outputs: [{ name: 'y', dtype: null, shape: null, optional: false, kind: 'sequence' as const }],
  };
  const text = declareModule(ports, 'm\n.onnx');
  expect(text).toContain(
    '/** float32 [*\\/ evil, 3, ?]; may be left out */\n  readonly "a\\"b*/"?: Tensor<"float32">;',
  );
  expect(text).toContain('/** a sequence, not a tensor */\n  readonly "y": unknown;');
  expect(text.split('\n')[0]).toBe('// Made by "resonnx types" from m .onnx; run it again when the model changes.');
});
