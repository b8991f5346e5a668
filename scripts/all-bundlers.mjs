// Tests the build plugin with every bundler and development server, installing those that are no dependencies into a temporary folder.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PACKAGES = [
  'rolldown@1',
  '@rspack/core@2',
  '@rspack/dev-server@2',
  '@rsbuild/core@2',
  'webpack@5',
  'webpack-dev-server@5',
];
const folder = mkdtempSync(join(tmpdir(), 'resonnx-bundlers-'));

function run(command, args, cwd, env = {}) {
  const { status } = spawnSync(command, args, { cwd, stdio: 'inherit', env: { ...process.env, ...env } });
  if (status !== 0) process.exitCode = 1;
}

try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  run('npm', ['install', '--no-audit', '--no-fund', ...PACKAGES], folder);
  const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', 'test/unit/plugin.test.ts'];
  run(process.execPath, jest, join(import.meta.dirname, '..'), { RESONNX_BUNDLERS: folder });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
