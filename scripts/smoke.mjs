// Packs the package, installs the tarball in an empty folder, and runs the command there in bare Node.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'resonnx-smoke-'));

/** Entries that need nothing of their bundler until it calls them. */
const BUNDLERS = ['vite', 'rollup', 'rolldown', 'webpack', 'rspack', 'rsbuild', 'esbuild'];

function run(command, args, cwd, expected = 0) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (status !== expected) throw new Error(`${command} ${args.join(' ')}: exit ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

try {
  run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], root);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'smoke', private: true, type: 'module' }));
  run('npm', ['install', '--no-audit', '--no-fund', `./${tarball}`], folder);
  cpSync(join(root, 'fixtures/models/ppocrv2_cls.onnx'), join(folder, 'model.onnx'));
  const bin = join('node_modules', '.bin', 'resonnx');
  const { residual } = JSON.parse(run(bin, ['inspect', 'model.onnx', '--json'], folder));
  if (residual.kinds.identity !== 7)
    throw new Error(`inspect found ${JSON.stringify(residual.kinds)}, not 7 identity residuals`);
  const { verification } = JSON.parse(run(bin, ['optimize', 'model.onnx', '-o', 'out.onnx', '--json'], folder));
  if (verification.status !== 'verified') throw new Error(`optimize: ${JSON.stringify(verification)}`);
  run(
    process.execPath,
    ['-e', "import('resonnx').then((api) => { if (typeof api.load !== 'function') process.exit(1); })"],
    folder,
  );
  const entries = ['resonnx', 'resonnx/handle', ...BUNDLERS.map((name) => `resonnx/${name}`)];
  run(process.execPath, ['-e', `Promise.all(${JSON.stringify(entries)}.map((name) => import(name)))`], folder);
  run(bin, ['types', 'model.onnx'], folder);
  run(bin, ['types', 'model.onnx', '--check'], folder);
  for (const name of ['onnxruntime-node', 'onnxruntime-web'])
    rmSync(join(folder, 'node_modules', name), { recursive: true, force: true });
  run(bin, ['inspect', 'model.onnx', '--json'], folder);
  const without = JSON.parse(run(bin, ['optimize', 'model.onnx', '-o', 'without.onnx', '--json'], folder));
  if (without.verification.status !== 'unverifiable')
    throw new Error(`without a runtime: ${without.verification.status}`);
  run(bin, ['optimize', 'model.onnx', '-o', 'without.onnx', '--no-verify'], folder);
  run(bin, ['verify', 'model.onnx', 'out.onnx'], folder, 4);
  console.log('smoke: the packed package works');
} finally {
  rmSync(folder, { recursive: true, force: true });
}
