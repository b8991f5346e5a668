import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { createOrtRuntime } from '../../src/numerics/ort-node.js';
import { FolderCache } from '../../src/plugin/cache.js';
import { modelRequest, queryOptions } from '../../src/plugin/query.js';
import { buildApp, createApp, installPackage, type Ran, remove, root, serveApp } from '../support/app.js';
import { encodeModel } from '../../src/proto/model.js';
import { parseModelText } from '../../src/text/parse.js';
import { chromiumPath, resultOfPage, resultsOfPage, withServer } from '../support/chromium.js';

/** Those that are not dependencies of the tests are tested where the folder RESONNX_BUNDLERS has them. */
const hasMore = process.env['RESONNX_BUNDLERS'] !== undefined;
const BUNDLERS = ['vite', 'rollup', 'webpack', 'esbuild', ...(hasMore ? ['rolldown', 'rspack', 'rsbuild'] : [])];
const SERVERS = ['vite', ...(hasMore ? ['webpack', 'rspack'] : [])];

const made: string[] = [];
let installed = '';
let shared = '';
let expected: readonly number[] = [];

beforeAll(async () => {
  installed = installPackage();
  made.push(installed);
  shared = join(installed, 'cache');
  expected = await outputInNode();
}, 120_000);

afterAll(() => made.forEach(remove));

function newApp(): string {
  const app = createApp(installed);
  made.push(app);
  return app;
}

/** What the model gives in Node for the input of the application. */
async function outputInNode(): Promise<readonly number[]> {
  const runtime = createOrtRuntime();
  try {
    const path = join(root, 'fixtures/models/ppocrv2_cls.onnx');
    const session = await runtime.open({ path }, { optimization: 'disabled' });
    const data = Float32Array.from({ length: 3 * 48 * 192 }, (_, index) => Math.sin(index));
    const x = { dtype: 'float32', shape: [1, 3, 48, 192], data } as const;
    const results = await session.run({ [session.inputs[0]!.name]: x });
    return [...(results[session.outputs[0]!.name]!.data as Float32Array)];
  } finally {
    await runtime.close();
  }
}

/** The same model in other bytes. */
function otherBytes(): string {
  const path = join(installed, 'other.onnx');
  const bytes = readFileSync(join(root, 'fixtures/models/ppocrv2_cls.onnx'));
  // Field 6 of ModelProto is the documentation; it may stand anywhere.
  writeFileSync(path, Buffer.concat([bytes, Buffer.from([0x32, 2, 0x68, 0x69])]));
  return path;
}

/** What was made, by the time at which it was. */
function inCache(folder: string): readonly (readonly [string, number])[] {
  return readdirSync(folder)
    .sort()
    .map((name) => [name, statSync(join(folder, name)).mtimeMs]);
}

test.each(BUNDLERS)(
  '%s puts the models into the assets, and they give what they give in Node',
  async (bundler) => {
    const app = newApp();
    const outcome = await buildApp(bundler, app, { cacheDir: shared });
    expect(outcome).toMatchObject({ status: 0, stderr: '' });
    const files = readdirSync(join(app, 'dist'), { recursive: true }) as string[];
    expect(files.filter((name) => /[\w-]{8,}\.onnx$/.test(name))).toHaveLength(3);
    expect(files.filter((name) => /[\w-]{8,}\.onnx_data(_\d)?$/.test(name)).length).toBeGreaterThan(1);
    if (chromiumPath === undefined) return;
    const mounts = { '/ort/': join(root, 'node_modules/onnxruntime-web/dist') };
    const results = (await withServer(join(app, 'dist'), mounts, resultOfPage)) as readonly Ran[];
    expect(results).toHaveLength(3);
    for (const { output } of results) output.forEach((each, index) => expect(each).toBeCloseTo(expected[index]!, 5));
    const [before, model, split] = results;
    expect([before!.verification, model!.verification, split!.verification]).toEqual([
      'unchanged',
      'verified',
      'verified',
    ]);
    expect(model!.nodes).toBeLessThan(before!.nodes / 2);
    expect(split!.externalData.map(({ path }) => path)).toEqual(
      split!.externalData.map((_, index) => `model.onnx_data${index === 0 ? '' : `_${index}`}`),
    );
  },
  120_000,
);

(chromiumPath === undefined ? test.skip : test).each(SERVERS)(
  "%s's development server gives the models, and gives them anew when one changes",
  async (bundler) => {
    const app = newApp();
    const change = (): void => copyFileSync(otherBytes(), join(app, 'src/model.onnx'));
    const use = (url: string): Promise<readonly unknown[]> => resultsOfPage(url, change);
    const options = { cacheDir: join(app, 'node_modules/.cache/resonnx'), only: ['eliminate-dead'], verify: false };
    const [first, second] = (await serveApp(bundler, app, options, use)) as readonly (readonly Ran[])[];
    for (const { output } of first!) output.forEach((each, index) => expect(each).toBeCloseTo(expected[index]!, 5));
    expect(second!.map(({ output }) => output)).toEqual(first!.map(({ output }) => output));
    second!.forEach(({ url }, index) => expect(url).not.toBe(first![index]!.url));
  },
  120_000,
);

(chromiumPath === undefined ? test.skip : test).each(SERVERS)(
  "%s's development server makes a model anew when its data, its recipe or the configuration changes, and recovers from mistakes",
  async (bundler) => {
    const app = newApp();
    const write = (name: string, content: string | Uint8Array): void => writeFileSync(join(app, name), content);
    const model = parseModelText(`<ir_version: 9, opset_import: ["": 17]> g (float[N, 32] x) => (float[N, 32] y)
      <float[32, 32] w = ["location": "weights.bin"]> { r = Relu(x) f = MatMul(r, w) y = Relu(f) }`);
    const skip = (input: string): string =>
      JSON.stringify({
        operation: 'insert-residual',
        targets: { sites: [{ region_input: input, region_output: 'f' }] },
      });
    const config = (optimize: boolean): string =>
      `export default { models: { 'src/*.onnx': { optimize: ${optimize}, recipe: 'recipe.json', verify: false, allow: ['changes-function'] } } };`;
    const weights = (value: number): Uint8Array => new Uint8Array(new Float32Array(1024).fill(value).buffer);
    write('src/small.onnx', encodeModel(model).toBytes());
    write('src/weights.bin', weights(1));
    write('recipe.json', skip('r'));
    write('resonnx.config.ts', config(true));
    write(
      'src/main.js',
      `import small from './small.onnx';
       const { url, externalData, report } = small;
       globalThis.result = [url, ...externalData.map((file) => file.url), report.verification];`,
    );
    const changes = [
      () => write('src/weights.bin', weights(2)),
      () => write('recipe.json', skip('x')),
      () => write('resonnx.config.ts', config(false)),
      async () => {
        write('recipe.json', '{ "operation": ');
        await new Promise((done) => setTimeout(done, 1500));
        write('recipe.json', skip('r'));
      },
    ];
    const cacheDir = join(app, 'node_modules/.cache/resonnx');
    const results = await serveApp(bundler, app, { cacheDir }, (url) => resultsOfPage(url, ...changes));
    expect(new Set(results.map((result) => JSON.stringify(result))).size).toBe(5);
    expect(results.map((result) => (result as readonly string[]).length)).toEqual([3, 3, 3, 3, 3]);
  },
  120_000,
);

test('what was made is found again; another option or another model is made anew', async () => {
  const app = newApp();
  const before = inCache(shared);
  expect(before).toHaveLength(3);
  expect((await buildApp('esbuild', app, { cacheDir: shared })).status).toBe(0);
  expect(inCache(shared)).toEqual(before);
  const quick = { cacheDir: shared, verify: false };
  expect(
    (await buildApp('esbuild', app, { ...quick, models: { 'src/*.onnx': { only: ['eliminate-dead'] } } })).status,
  ).toBe(0);
  expect(inCache(shared)).toHaveLength(6);
  const config = `export default { verify: false, optimize: false };`;
  writeFileSync(join(app, 'resonnx.config.ts'), config);
  expect((await buildApp('rollup', app, { cacheDir: shared })).status).toBe(0);
  expect(inCache(shared)).toHaveLength(8);
}, 120_000);

test('builds at the same time make a folder once, and a failed one leaves nothing', async () => {
  const folder = join(installed, 'parallel');
  let count = 0;
  const make = async (staged: string): Promise<void> => {
    count++;
    await new Promise((done) => setTimeout(done, 100));
    writeFileSync(join(staged, 'a'), 'a');
  };
  const caches = [new FolderCache(folder), new FolderCache(folder), new FolderCache(folder)];
  const folders = await Promise.all(caches.flatMap((cache) => [cache.get('k', make), cache.get('k', make)]));
  expect(new Set(folders)).toEqual(new Set([join(folder, 'k')]));
  expect(count).toBe(1);
  const fail = async (): Promise<void> => {
    throw new Error('no');
  };
  await expect(caches[0]!.get('bad', fail)).rejects.toThrow('no');
  expect(readdirSync(folder)).toEqual(['k']);
  await caches[1]!.get('bad', make);
  expect(existsSync(join(folder, 'bad', 'a'))).toBe(true);
});

test('processes that build at the same time make a folder once', async () => {
  const [folder, log] = [join(installed, 'processes'), join(installed, 'log.txt')];
  const cache = JSON.stringify(pathToFileURL(join(installed, 'dist/src/plugin/cache.js')).href);
  const script = `import { FolderCache } from ${cache};
    import { appendFileSync, writeFileSync } from 'node:fs';
    const made = await new FolderCache(process.argv[1]).get('k', async (staged) => {
      appendFileSync(process.argv[2], 'made\\n');
      await new Promise((done) => setTimeout(done, 300));
      writeFileSync(staged + '/a', 'a');
    });
    process.stdout.write(made);`;
  const args = ['--input-type=module', '-e', script, folder, log];
  const runs = Array.from({ length: 3 }, () => promisify(execFile)(process.execPath, args));
  expect((await Promise.all(runs)).map(({ stdout }) => stdout)).toEqual(Array(3).fill(join(folder, 'k')));
  expect(readFileSync(log, 'utf8')).toBe('made\n');
  expect(readdirSync(folder)).toEqual(['k']);
});

test('a lock that nobody holds any more is taken', async () => {
  const folder = join(installed, 'stale');
  mkdirSync(folder);
  writeFileSync(join(folder, 'k.lock'), '1');
  const long = new Date(Date.now() - 120_000);
  utimesSync(join(folder, 'k.lock'), long, long);
  await new FolderCache(folder).get('k', async (staged) => writeFileSync(join(staged, 'a'), 'a'));
  expect(readdirSync(folder)).toEqual(['k']);
});

test.each(['rollup', 'webpack', 'esbuild', 'vite'])(
  '%s: an error tells what is wrong with the model, and where it is imported',
  async (bundler) => {
    const app = newApp();
    writeFileSync(join(app, 'src/model.onnx'), 'this is no model');
    const { status, stderr } = await buildApp(bundler, app, { cacheDir: shared });
    expect(status).toBe(1);
    expect(stderr).toMatch(/error proto\/[\w-]+: /);
    expect(stderr).toMatch(bundler === 'webpack' ? /@ \.\/src\/main\.js 2:/ : /imported at src\/main\.js:[234]:\d+/);
  },
  60_000,
);

test('a query says what is wanted of one import', () => {
  const options = (id: string): unknown => queryOptions(modelRequest(id)!);
  expect(options('./a.onnx?import&target=ort-web-webgpu&t=123')).toEqual({ target: 'ort-web-webgpu' });
  expect(options('./a.onnx?opset=17&verify=false&skip=fuse-gelu,fold-shapes&split=100MB')).toEqual({
    opset: 17,
    verify: false,
    skip: ['fuse-gelu', 'fold-shapes'],
    split: '100MB',
  });
  expect(options('./a.onnx?shape=x:1,3,?,n&shape=y:2')).toEqual({ shapes: { x: [1, 3, null, 'n'], y: [2] } });
  for (const id of [
    './a.onnx?url',
    './a.onnx?raw',
    './a.onnx.js',
    './a.onnx?url&no-inline',
    '\0a.onnx?commonjs-proxy',
  ]) {
    expect(modelRequest(id)).toBeUndefined();
  }
  expect(() => options('./a.onnx?tarket=standard')).toThrow('?tarket of ./a.onnx: there is no such option');
  expect(() => options('./a.onnx?target=gpu')).toThrow('?target of ./a.onnx');
  expect(() => options('./a.onnx?shape=1,2')).toThrow('give shape=NAME:1,3,224,224');
});
