import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installPackage, remove, root } from '../support/app.js';

const made: string[] = [];
let folder = '';

beforeAll(() => {
  const installed = installPackage();
  folder = mkdtempSync(join(tmpdir(), 'resonnx-examples-'));
  made.push(installed, folder);
  cpSync(join(root, 'examples'), folder, { recursive: true });
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(installed, join(folder, 'node_modules', 'resonnx'));
  copyFileSync(join(root, 'fixtures/models/ppocrv2_cls.onnx'), join(folder, 'model.onnx'));
}, 60_000);

afterAll(() => made.forEach(remove));

function run(cwd: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return stdout;
}

test.each(readdirSync(join(root, 'examples')))('the tests of examples/%s pass', (name) => {
  expect(run(join(folder, name), '--test')).toMatch(/# fail 0/);
});

/** Programs in a page of the documentation, in order. */
function programsOf(page: string): readonly string[] {
  const text = readFileSync(join(root, page), 'utf8');
  return [...text.matchAll(/^```js\n(.*?)^```$/gms)].map((match) => match[1]!);
}

test.each(['docs/api.md'])(
  'the programs of %s run',
  (page) => {
    const programs = programsOf(page);
    expect(programs.length).toBeGreaterThan(3);
    for (const [index, program] of programs.entries()) {
      const file = join(folder, `program-${index}.mjs`);
      writeFileSync(file, program);
      run(folder, file);
    }
  },
  120_000,
);
