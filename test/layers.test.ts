import { expect, test } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Folders from the bottom up; a file imports from its own folder and from lower rows only. */
const LAYERS: readonly (readonly string[])[] = [
  ['src/support'],
  ['src/diagnostics'],
  ['src/proto', 'src/dim'],
  ['src/tensor'],
  ['src/ir'],
  ['src/schema'],
  ['src/onnx', 'src/text', 'src/shape'],
  ['src/evaluate'],
  ['src/analysis'],
  ['src/pattern'],
  ['src/rewrite'],
  ['src/residual'],
  ['src/recipe'],
  ['src/pass'],
  ['src/core'],
  ['passes', 'src/numerics'],
  ['src/bindings', 'src/diff'],
  ['src/api'],
  ['src/report'],
  ['src/cli', 'src/plugin'],
];

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

function sources(folder: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  const entries = readdirSync(join(root, folder), { withFileTypes: true, recursive: true });
  return entries
    .filter((entry) => entry.isFile() && /\.[jt]s$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

function layerOf(file: string): { readonly level: number; readonly folder: string } {
  for (const [level, folders] of LAYERS.entries()) {
    for (const folder of folders) {
      if (file === `${folder}.ts` || file.startsWith(`${folder}/`)) return { level, folder };
    }
  }
  throw new Error(`${file} is in no layer`);
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  return [
    ...text.matchAll(
      /^\s*(?:import|export)\b[^'"]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\b(?:import|require|resolve)\(\s*['"]([^'"]+)['"]\s*\)/gm,
    ),
  ].map((match) => (match[1] ?? match[2] ?? match[3])!);
}

const files = [...sources('src'), ...sources('passes')];

test('the table of the architecture page has these folders, in this order, and they exist', () => {
  const page = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+) \| (.*?) \|/gm)];
  const folders = rows.flatMap((row) =>
    [...row[2]!.matchAll(/`([^`]+)`/g)].map((match) => match[1]!.replace(/\/$|\.ts$/, '')),
  );
  expect(folders.filter((folder) => folder !== 'passes/_shared')).toEqual(LAYERS.flat());
  expect(
    LAYERS.flat().filter((folder) => sources(folder).length === 0 && !existsSync(join(root, `${folder}.ts`))),
  ).toEqual([]);
  const numbers = rows.map((row) => Number(row[1]));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
});

test('every file imports from its own layer or lower ones', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const from = layerOf(file);
    for (const name of importsOf(file)) {
      if (!name.startsWith('.')) continue;
      const target = relative(root, join(root, dirname(file), name)).replace(/\.js$/, '.ts');
      const to = layerOf(target);
      if (to.level > from.level || (to.level === from.level && to.folder !== from.folder))
        wrong.push(`${file} → ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('a pass imports #core, the shared vocabulary and its own files only', () => {
  const wrong: string[] = [];
  for (const file of files.filter((name) => name.startsWith('passes/'))) {
    const folder = file.split('/')[1]!;
    if (folder.endsWith('.ts')) continue; // the registry and the presets
    for (const name of importsOf(file)) {
      const target = name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name;
      const allowed = [`passes/${folder}/`, 'passes/_shared/'].some((prefix) => target.startsWith(prefix));
      if (!allowed && name !== '#core') wrong.push(`${file} → ${name}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('only the outer layers touch Node and the runtimes', () => {
  const wrong: string[] = [];
  const outer = /^src\/(cli|plugin)\/|^src\/api\/|^src\/numerics\/ort-/;
  for (const file of files) {
    for (const name of importsOf(file)) {
      if (/^(node:|onnxruntime)/.test(name) && !outer.test(file)) wrong.push(`${file} → ${name}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('the core makes no code at run time and knows no Buffer', () => {
  const outer = /^src\/(cli|plugin|api)\/|^src\/numerics\/ort-/;
  const inner = files.filter((file) => !outer.test(file));
  expect(inner.length).toBeGreaterThan(100);
  const made = /\bnew Function\(|\beval\(|\bBuffer\b/;
  expect(inner.filter((file) => made.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});
