// What the README promises: the anatomy of a real model, then the optimized model, verified.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const model = 'fixtures/models/ppocrv2_cls.onnx';
const out = 'dist/demo/ppocrv2_cls.onnx';
mkdirSync(join(root, dirname(out)), { recursive: true });

for (const args of [
  ['inspect', model],
  ['optimize', model, '-o', out],
]) {
  const main = join('dist', 'src', 'cli', 'main.js');
  console.log(`\n$ resonnx ${args.join(' ')}\n`);
  const { status } = spawnSync(process.execPath, [relative(root, join(root, main)), ...args], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
}
