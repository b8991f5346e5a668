import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { jsonSchemas, REPORTS } from '../../src/api/schemas.js';
import { run } from '../../src/cli/run.js';

const MODEL = fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url));
const SCHEMAS = fileURLToPath(new URL('../../schemas', import.meta.url));
const PLAIN = `<ir_version: 8, opset_import: ["": 17]>
g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { r = Relu(x) f = MatMul(r, w) y = Relu(f) }`;
const RECIPE = { operation: 'insert-residual', targets: { sites: [{ region_input: 'r', region_output: 'f' }] } };
let folder = '';
let out = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-json-'));
  out = join(folder, 'out.onnx');
  writeFileSync(join(folder, 'plain.onnxtxt'), PLAIN);
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(RECIPE));
  await json('optimize', MODEL, '-o', out, '--only', 'eliminate-dead', '--no-verify');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a command prints on standard output, which has to be one JSON object and nothing else. */
async function json(...args: readonly string[]): Promise<unknown> {
  let [text, err] = ['', ''];
  const streams = {
    out: { write: (chunk: string | Uint8Array) => (text += String(chunk)) },
    err: { write: (chunk: string) => (err += chunk) },
    in: (async function* () {})(),
  };
  const code = await run([...args, '--json'], streams);
  if (code > 1) throw new Error(err);
  return JSON.parse(text) as unknown;
}

const CHANGING = ['--allow', 'changes-function', '--dry-run'];

const COMMANDS: Readonly<Record<keyof typeof REPORTS, readonly (() => readonly string[])[]>> = {
  inspect: [() => ['inspect', MODEL, '--values'], () => ['inspect', MODEL, MODEL]],
  check: [() => ['check', MODEL], () => ['check', MODEL, MODEL]],
  convert: [() => ['convert', MODEL, '-o', join(folder, 'copy.onnx')]],
  optimize: [() => ['optimize', MODEL, '-o', join(folder, 'small.onnx'), '--only', 'eliminate-no-ops']],
  rewrite: [() => ['rewrite', join(folder, 'plain.onnxtxt'), '--recipe', join(folder, 'recipe.json'), ...CHANGING]],
  verify: [() => ['verify', MODEL, out], () => ['verify', MODEL, out, '--check-levels']],
  diff: [() => ['diff', MODEL, out], () => ['diff', join(folder, 'plain.onnxtxt'), out]],
  bisect: [() => ['bisect', MODEL, out]],
  explain: [() => ['explain', MODEL, '--pass', 'fold-constants']],
  types: [() => ['types', out], () => ['types', out, '--check']],
  passes: [() => ['passes'], () => ['passes', 'fold-constants']],
  doctor: [() => ['doctor']],
};

test.each(Object.entries(COMMANDS))('%s --json is as its published schema says', async (name, commands) => {
  for (const command of commands) {
    const { success, error } = REPORTS[name as keyof typeof REPORTS].safeParse(await json(...command()));
    expect(error?.issues ?? []).toEqual([]);
    expect(success).toBe(true);
  }
});

test('optimize takes what it is not told from the configuration file', async () => {
  const config = join(folder, 'some.config.ts');
  writeFileSync(config, `export default { verify: false, only: ['eliminate-dead'] as string[], models: {} };`);
  const optimize = ['optimize', MODEL, '-o', join(folder, 'configured.onnx'), '--config', config];
  const passes = async (...args: readonly string[]): Promise<readonly string[]> =>
    REPORTS.optimize.parse(await json(...optimize, ...args)).passes.map(({ name }) => name);
  expect(await passes()).toEqual(['eliminate-dead']);
  expect(await passes('--only', 'share-constants')).toEqual(['share-constants']);
  writeFileSync(config, `export default { verify: 'no' };`);
  await expect(json(...optimize)).rejects.toThrow();
});

test('the published schemas are those of the code, and say what is missing', () => {
  const published = readdirSync(SCHEMAS).map((name) => [name, JSON.parse(readFileSync(join(SCHEMAS, name), 'utf8'))]);
  expect(Object.fromEntries(published)).toEqual(JSON.parse(JSON.stringify(jsonSchemas())));
  expect(REPORTS.optimize.safeParse({ schema: 'resonnx/optimize@1' }).success).toBe(false);
  expect(REPORTS.doctor.safeParse({ schema: 'resonnx/doctor@2' }).success).toBe(false);
});
