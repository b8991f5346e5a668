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
let installed = '';
let folder = '';

beforeAll(() => {
  installed = installPackage();
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

/** Blocks of a language in a page of the documentation, in order. */
function blocksOf(page: string, language: string): readonly string[] {
  return [...read(page).matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'gms'))].map((match) => match[1]!);
}

const read = (page: string): string => readFileSync(join(root, page), 'utf8');

test.each([
  ['README.md', 1],
  ['docs/api.md', 7],
  ['docs/recipes.md', 1],
])(
  'the programs of %s run',
  (page, count) => {
    const programs = blocksOf(page, 'js');
    expect(programs).toHaveLength(count);
    for (const [index, program] of programs.entries()) {
      const file = join(folder, `program-${index}.mjs`);
      writeFileSync(file, program);
      run(folder, file);
    }
  },
  120_000,
);

const TSC = join(root, 'node_modules/.bin/tsc');
const TYPED = ['README.md', 'docs/api.md', 'docs/plugin.md', 'docs/recipes.md'];
const STRICT = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023', 'dom'],
  types: ['resonnx/client'],
  skipLibCheck: true,
};

test('what is written in TypeScript compiles', () => {
  const project = join(folder, 'typed');
  const modules = join(project, 'node_modules');
  mkdirSync(join(modules, 'resonnx'), { recursive: true });
  for (const name of ['onnxruntime-web', 'onnxruntime-common', 'vite', 'unplugin', 'onnx-proto', 'zod'])
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  const out = ['--outDir', join(modules, 'resonnx/dist'), '--emitDeclarationOnly', '--noCheck'];
  expect(spawnSync(TSC, ['-p', root, ...out], { encoding: 'utf8' }).stdout).toBe('');
  for (const name of ['package.json', 'client.d.ts']) copyFileSync(join(root, name), join(modules, 'resonnx', name));
  const blocks = TYPED.flatMap((page) => blocksOf(page, 'ts'));
  expect(blocks.length).toBeGreaterThan(6);
  for (const [index, block] of blocks.entries())
    writeFileSync(join(project, `block-${index}.ts`), `${block}\nexport {};\n`);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions: STRICT, include: ['*.ts'] }));
  const tsc = spawnSync(TSC, ['-p', project], { encoding: 'utf8' });
  expect(tsc.stdout).toBe('');
});

test.each(['README.md', 'docs/recipes.md'])(
  'what the sessions of %s show is what is printed (npm run docs brings it up to date)',
  (page) => {
    const main = join(installed, 'dist/src/cli/main.js');
    const args = [join(root, 'scripts/sessions.mjs'), join(root, page), main];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(stdout).toBe(read(page));
  },
  180_000,
);

test('the commands of README.md do what they say', () => {
  const work = join(folder, 'commands');
  mkdirSync(join(work, 'models'), { recursive: true });
  for (const name of ['model.onnx', 'broken.onnx', 'models/one.onnx'])
    copyFileSync(join(folder, 'model.onnx'), join(work, name));
  const commands = [...read('README.md').matchAll(/^resonnx (.*?)(?:\s+#.*)?$/gm)].map((match) => match[1]!);
  expect(commands.length).toBeGreaterThan(8);
  const main = join(installed, 'dist/src/cli/main.js');
  for (const command of commands) {
    const { status, stderr } = spawnSync('sh', ['-c', `"${process.execPath}" "${main}" ${command}`], {
      cwd: work,
      encoding: 'utf8',
    });
    expect([command, status, /^error/m.test(stderr)]).toEqual([command, 0, false]);
  }
}, 180_000);
