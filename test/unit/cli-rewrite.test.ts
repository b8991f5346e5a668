import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/run.js';

const PLAIN = `<ir_version: 8, opset_import: ["": 17]>
g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { r = Relu(x) f = MatMul(r, w) y = Relu(f) }`;
const SKIP = {
  operation: 'insert-residual',
  targets: { sites: [{ block: 0, region_input: 'r', region_output: 'f' }] },
};
const LINEAR = { ...SKIP, options: { projection: 'linear', init: 'he' } };
const ALLOW = ['--allow', 'changes-function'];
let folder = '';
let model = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-rewrite-'));
  model = file('plain.onnxtxt', PLAIN);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string | Uint8Array) => (out += String(text)) },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {})(),
  };
  const code = await run(args, streams);
  return { code, out, err };
}

describe('a dry run', () => {
  test('tells sites, equations and parameters, and writes nothing even where a place is given', async () => {
    const [recipe, out] = [file('linear.json', JSON.stringify(LINEAR)), join(folder, 'dry.onnx')];
    const { code, out: said } = await cli('rewrite', model, '--recipe', recipe, '--dry-run', '-o', out, ...ALLOW);
    expect(code).toBe(0);
    expect(said.split('\n').map((line) => line.trim())).toEqual(
      expect.arrayContaining([
        'insert-residual (changes-function): verified',
        'y = F(x)  →  y = W·x + F(x)',
        'at main/f',
        '+ skip_weight float32[2, 2]',
      ]),
    );
    expect(existsSync(out)).toBe(false);
  });

  test('says the same as one JSON object; operations of a list come one after the other', async () => {
    const gate = {
      operation: 'gate',
      targets: { sites: [{ region_input: 'x', region_output: 'r' }] },
      options: { gate: 'highway' },
    };
    const drop = { operation: 'remove-residual', targets: { sites: [{ branch_value: 'f' }] } };
    const recipe = file('list.json', JSON.stringify([SKIP, drop]));
    const { code, out } = await cli('rewrite', model, '--recipe', recipe, '--dry-run', '--json', ...ALLOW);
    expect(code).toBe(0);
    const report = JSON.parse(out) as { nodes: object; operations: readonly object[] };
    expect(report.nodes).toEqual({ before: 3, after: 3 });
    expect(report.operations).toMatchObject([
      { operation: 'insert-residual', equations: { before: 'y = F(x)', after: 'y = x + F(x)' } },
      { operation: 'remove-residual', equations: { before: 'y = x + F(x)', after: 'y = F(x)' } },
    ]);
    expect(report.operations).toMatchObject([
      { parameters: { added: [], removed: [] } },
      { parameters: { added: [], removed: [] } },
    ]);
    const refused = await cli(
      'rewrite',
      model,
      '--recipe',
      file('gate.json', JSON.stringify(gate)),
      '--dry-run',
      ...ALLOW,
    );
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('recipe/parameter-missing')]);
  });

  test('names the parameters that go', async () => {
    const prune = { operation: 'prune', targets: { sites: [{ residual_add: 'a' }] } };
    const block = file(
      'block.onnxtxt',
      `<ir_version: 8, opset_import: ["": 17]> g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { f = MatMul(x, w) a = Add(x, f) y = Relu(a) }`,
    );
    const recipe = file('prune.json', JSON.stringify(prune));
    const { out } = await cli('rewrite', block, '--recipe', recipe, '--dry-run', '--json', ...ALLOW);
    expect(JSON.parse(out)).toMatchObject({
      operations: [{ parameters: { added: [], removed: [{ name: 'w', dtype: 'float32', shape: [2, 2] }] } }],
    });
  });
});

describe('a recipe in TypeScript', () => {
  test('with types, and with defineRecipe of this package wherever the file lies', async () => {
    const out = join(folder, 'ts.onnxtxt');
    const recipe = file(
      'recipe.ts',
      `import { defineRecipe } from 'resonnx';
       const ends: readonly [string, string] = ['r', 'f'];
       export default defineRecipe({ operation: 'insert-residual', targets: { blocks: { between: ends } }, options: {} });`,
    );
    const { code, out: said } = await cli('rewrite', model, '--recipe', recipe, '-o', out, ...ALLOW);
    expect([code, said]).toEqual([0, expect.stringContaining('verified')]);
    expect(readFileSync(out, 'utf8')).toMatch(/Add\s*\(r, f/);
  });

  test.each([
    ['that throws', 'throw new Error("no such layer");', 'no such layer'],
    ['that has no default export', 'export const recipe = {};', 'recipe/malformed'],
    ['that is no TypeScript', 'export default {{', 'recipe/malformed'],
  ])('%s is a diagnostic, and nothing is written', async (name, code, expected) => {
    const out = join(folder, 'bad.onnx');
    const recipe = file(`${name.replaceAll(' ', '-')}.ts`, code);
    const done = await cli('rewrite', model, '--recipe', recipe, '-o', out, ...ALLOW);
    expect([done.code, done.err]).toEqual([2, expect.stringContaining(expected)]);
    expect(done.err).not.toMatch(/\n\s+at .*\(.*:\d+:\d+\)/);
    expect(existsSync(out)).toBe(false);
  });
});

describe('exit codes', () => {
  const missing = (): string => join(folder, 'nowhere.json');
  test.each([
    ['a recipe that is not there', missing, 3, 'file/unreadable'],
    ['a module that is not there', () => join(folder, 'nowhere.ts'), 3, 'file/unreadable'],
    ['a recipe that is no JSON', () => file('cut.json', '{"operation": '), 2, 'recipe/malformed'],
    ['a recipe that is a number', () => file('number.json', '7'), 2, 'recipe/malformed'],
    ['no operation', () => file('none.json', '{"targets": {}}'), 2, 'recipe/malformed'],
    ['an unknown operation', () => file('polish.json', '{"operation": "polish"}'), 2, 'recipe/operation-unknown'],
    [
      'no site in the model',
      () => file('all.json', '{"operation": "remove-residual", "targets": {"blocks": "all"}}'),
      1,
      'rewrite/refused',
    ],
  ])('%s', async (_, recipe, code, told) => {
    const out = join(folder, 'exit.onnx');
    const done = await cli('rewrite', model, '--recipe', recipe(), '-o', out, ...ALLOW);
    expect([done.code, done.err]).toEqual([code, expect.stringContaining(told)]);
    expect(existsSync(out)).toBe(false);
  });
});

test.each([
  ['one that is misspelt', { projektion: 'linear' }, 'Did you mean "projection"?'],
  ['one that is known elsewhere', { scope: 'all' }, 'option "scope" has no effect'],
])('an option without effect is told: %s', async (_, options, told) => {
  const recipe = file('unused.json', JSON.stringify({ ...SKIP, options }));
  const done = await cli('rewrite', model, '--recipe', recipe, '--dry-run', ...ALLOW);
  expect([done.code, done.err]).toEqual([0, expect.stringContaining('recipe/option-unused')]);
  expect(done.err).toContain(told);
});

test('options that operations know are not told', async () => {
  const options = { projection: 'linear', init: 'he', seed: 3, layout: 'out,in' };
  const recipe = file('known.json', JSON.stringify({ ...SKIP, options }));
  const done = await cli('rewrite', model, '--recipe', recipe, '--dry-run', ...ALLOW);
  expect([done.code, done.err]).toEqual([0, '']);
});
