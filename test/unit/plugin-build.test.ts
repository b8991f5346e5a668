import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig, optionsFor } from '../../src/api/config.js';
import { emitFile } from '../../src/api/emit.js';
import { load } from '../../src/api/load.js';
import { type Built, buildModel } from '../../src/plugin/build.js';
import { FolderCache } from '../../src/plugin/cache.js';
import { createHandle } from '../../src/plugin/handle.js';
import { graphOf } from '../support/model.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-build-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const weights = Array.from({ length: 1024 }, (_, index) => (index % 33 === 0 ? 1 : 0)).join();
const MODEL = `(float[N, 32] x) => (float[N, 32] y) <float[32, 32] w = {${weights}}> {
  same = Identity(x) r = Relu(same) f = MatMul(r, w) y = Relu(f) }`;

async function build(
  path: string,
  options: Parameters<typeof buildModel>[1] = {},
): Promise<Built & { files: string[] }> {
  const files: string[] = [];
  const built = await buildModel(path, options, new FolderCache(join(folder, 'cache')), (more) => files.push(...more));
  return { ...built, files };
}

test('external data follows, is watched, and counts for what is found again', async () => {
  const path = join(folder, 'model.onnx');
  const data = join(folder, 'weights.bin');
  writeFileSync(data, new Uint8Array(Float32Array.from({ length: 1024 }, (_, index) => index % 7).buffer));
  const text = MODEL.replace(/\{[01,]*\}/, '["location": "weights.bin"]');
  writeFileSync(join(folder, 'model.onnxtxt'), `<ir_version: 9, opset_import: ["": 17]>\ng ${text}`);
  emitFile(await load(join(folder, 'model.onnxtxt')), path);
  const first = await build(path);
  expect(first.files).toEqual([path, data]);
  expect(first.info.externalData).toEqual(['model.onnx_data']);
  expect(first.info.report).toMatchObject({ nodes: { before: 4, after: 3 }, verification: 'verified' });
  expect(readdirSync(first.folder).sort()).toEqual(['model.onnx', 'model.onnx_data', 'resonnx-model.json']);
  expect((await load(join(first.folder, 'model.onnx'))).graph.nodes.size).toBe(3);
  expect((await build(path)).folder).toBe(first.folder);
  const bytes = readFileSync(data);
  bytes.writeFloatLE(3, 0);
  writeFileSync(data, bytes);
  expect((await build(path)).folder).not.toBe(first.folder);
});

test('a recipe is carried out first; without leave to change the function it is refused and nothing is kept', async () => {
  const path = join(folder, 'plain.onnx');
  emitFile(graphOf(MODEL), path);
  const operation = { operation: 'insert-residual', targets: { sites: [{ region_input: 'r', region_output: 'f' }] } };
  const recipe = join(folder, 'recipe.json');
  writeFileSync(recipe, JSON.stringify(operation));
  const before = readdirSync(join(folder, 'cache')).length;
  await expect(build(path, { recipe })).rejects.toMatchObject({ code: 'rewrite/changes-function' });
  expect(readdirSync(join(folder, 'cache'))).toHaveLength(before);
  const built = await build(path, { recipe, allow: ['changes-function'] });
  const ops = [...(await load(join(built.folder, built.file))).graph.nodes.values()].map((node) => node.opType);
  expect(ops).toContain('Add');
  expect(built.files).toEqual([path, recipe]);
});

test('the configuration file: options by pattern, later ones win, and mistakes are told', async () => {
  writeFileSync(join(folder, 'package.json'), '{}');
  const file = join(folder, 'resonnx.config.ts');
  const models = `{ 'a/**': { opset: 17 }, '*.q.onnx': { verify: false }, 'a/b/*.onnx': { opset: 'keep' } }`;
  writeFileSync(file, `const target: string = 'ort-cpu';\nexport default { target, models: ${models} };\n`);
  const { config, file: found } = await loadConfig(join(folder, 'a', 'deep'));
  expect(found).toBe(file);
  const at = (name: string): unknown => optionsFor(config, join(folder, name), folder, { seed: 1 });
  expect(at('m.onnx')).toEqual({ target: 'ort-cpu', seed: 1 });
  expect(at('a/x/y/m.onnx')).toEqual({ target: 'ort-cpu', opset: 17, seed: 1 });
  expect(at('a/b/m.q.onnx')).toEqual({ target: 'ort-cpu', opset: 'keep', verify: false, seed: 1 });
  writeFileSync(file, `export default { target: 'gpu', tarket: 1 };`);
  await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'config/invalid', diagnostics: { length: 2 } });
  writeFileSync(file, `export default {`);
  await expect(loadConfig(folder)).rejects.toMatchObject({ code: 'config/unreadable' });
  expect(existsSync(join(folder, 'a'))).toBe(false);
});

test('a handle opens the model with its external data, and paths where there are no addresses', async () => {
  const calls: unknown[] = [];
  const session = { run: async (feeds: object) => feeds, release: async () => undefined };
  const ort = { InferenceSession: { create: async (...args: unknown[]) => (calls.push(args), session) } };
  const report = {
    target: 'standard',
    nodes: { before: 1, after: 1 },
    bytes: { before: 1, after: 1 },
    verification: 'verified',
  };
  const info = {
    url: '/m-1.onnx',
    externalData: [{ path: 'm.onnx_data', url: '/d-2' }],
    inputs: [],
    outputs: [],
    report,
  };
  const opened = await createHandle(info).create(ort, { executionProviders: ['wasm'] });
  expect(opened.session).toBe(session);
  await createHandle({ ...info, url: 'file:///a%20b/m.onnx', externalData: [] }).create(ort);
  await createHandle({ ...info, url: 'file:///C:/m.onnx' }).create(ort, { externalData: [] });
  expect(calls).toEqual([
    ['/m-1.onnx', { executionProviders: ['wasm'], externalData: [{ path: 'm.onnx_data', data: '/d-2' }] }],
    ['/a b/m.onnx', {}],
    ['C:/m.onnx', { externalData: [] }],
  ]);
});
