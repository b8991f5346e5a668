import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { PASSES } from '../passes/index.js';
import { OPERATIONS } from '../passes/operations.js';
import { optimizePipeline } from '../passes/presets.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

const HEADINGS = ['Purpose', 'Before/After', 'Preconditions', 'Guarantees', 'Numerics', 'Edge cases', 'Source'];

const names = PASSES.map((pass) => pass.name);

test('the registry is in order, and every pass is reached by the pipeline or by name', () => {
  expect(names).toEqual([...new Set(names)].sort());
  for (const name of optimizePipeline.names) expect(names).toContain(name);
});

test('every folder of a pass is registered, and every operation has a page with the usual headings', () => {
  const folders = readdirSync(join(root, 'passes'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const known = [...names, ...OPERATIONS.map(({ name }) => name), '_shared'].sort();
  expect(folders.map(({ name }) => name).sort()).toEqual(known);
  for (const { name } of OPERATIONS) {
    const page = readFileSync(join(root, 'passes', name, 'README.md'), 'utf8');
    expect(page.startsWith(`# ${name}\n`)).toBe(true);
    expect([...page.matchAll(/^## (.*)$/gm)].map((match) => match[1])).toEqual(HEADINGS);
  }
});

describe.each(PASSES.map((pass) => [pass.name, pass] as const))('%s', (name, pass) => {
  const folder = join(root, 'passes', name);
  const fixtures = join(root, 'fixtures/passes', name);

  test('is described', () => {
    expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(pass.summary).not.toMatch(/\.$|\n/);
    for (const [rule, summary] of Object.entries(pass.rules ?? {})) {
      expect(rule).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/);
      expect(summary).not.toBe('');
    }
  });

  test('has a page with the usual headings', () => {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    expect(page.startsWith(`# ${name}\n`)).toBe(true);
    expect([...page.matchAll(/^## (.*)$/gm)].map((match) => match[1])).toEqual(HEADINGS);
  });

  test('its page and its near misses name each other', () => {
    const page = readFileSync(join(folder, 'README.md'), 'utf8');
    const files = existsSync(fixtures) ? readdirSync(fixtures) : [];
    const misses = files
      .filter((file) => /^keep\..*\.onnxtxt$/.test(file))
      .map((file) => file.replace(/\.onnxtxt$/, ''));
    expect(misses).not.toEqual([]);
    expect(misses.filter((miss) => !page.includes(`\`${miss}\``))).toEqual([]);
    const named = [...page.matchAll(/`(keep\.[a-z0-9.-]+)`/g)].map((match) => match[1]!);
    expect(named.filter((miss) => !misses.includes(miss))).toEqual([]);
  });
});
