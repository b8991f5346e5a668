// Packs the package, installs the tarball in an empty folder, and runs the command there in bare Node.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const place = mkdtempSync(join(tmpdir(), 'resonnx-smoke-'));
const folder = join(place, 'whole');
const bare = join(place, 'bare');
mkdirSync(folder);
mkdirSync(bare);

/** Entries that need nothing of their bundler until it calls them. */
const BUNDLERS = ['vite', 'rollup', 'rolldown', 'webpack', 'rspack', 'rsbuild', 'esbuild'];

/** Several at a time, in other languages and time zones: the same bytes. */
async function compareWorlds(bin) {
  const worlds = [
    {},
    {},
    { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    { TZ: 'Pacific/Chatham', UV_THREADPOOL_SIZE: '1' },
  ];
  const outcomes = worlds.map(async (env, index) => {
    const out = join(folder, `world-${index}.onnx`);
    const options = { cwd: folder, env: { ...process.env, ...env }, stdio: 'ignore' };
    const child = spawn(bin, ['optimize', 'model.onnx', '-o', out, '--no-verify'], options);
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`optimize with ${JSON.stringify(env)}: exit ${code}`);
    return readFileSync(out);
  });
  const [first, ...others] = await Promise.all(outcomes);
  if (others.some((bytes) => !bytes.equals(first))) throw new Error('the same model gave different bytes');
}

function run(command, args, cwd, expected = 0) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  });
  if (status !== expected) throw new Error(`${command} ${args.join(' ')}: exit ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Without the optional dependency small models are verified all the same, and what needs a runtime says which to install. */
function checkWithoutRuntime(tarball) {
  writeFileSync(join(bare, 'package.json'), JSON.stringify({ name: 'bare', private: true, type: 'module' }));
  run('npm', ['install', '--omit=optional', '--no-audit', '--no-fund', `../whole/${tarball}`], bare);
  if (existsSync(join(bare, 'node_modules/onnxruntime-node'))) throw new Error('--omit=optional installed a runtime');
  for (const name of ['model.onnx', 'out.onnx']) cpSync(join(folder, name), join(bare, name));
  const bin = join('node_modules', '.bin', 'resonnx');
  run(bin, ['inspect', 'model.onnx', '--json', '--html', 'report.html'], bare);
  run(bin, ['diff', 'model.onnx', 'out.onnx', '--json'], bare);
  run(bin, ['types', 'model.onnx'], bare);
  const { verification } = JSON.parse(run(bin, ['optimize', 'model.onnx', '-o', 'same.onnx', '--json'], bare));
  if (!/onnxruntime-node.*float64/.test(verification.why))
    throw new Error(`without a runtime: ${JSON.stringify(verification)}`);
  if (!/npm install onnxruntime-node/.test(run(bin, ['doctor'], bare, 4))) throw new Error('doctor names no runtime');
  run(bin, ['optimize', 'model.onnx', '-o', 'small.onnx', '--no-verify'], bare);
  run(bin, ['verify', 'model.onnx', 'out.onnx', '--check-levels'], bare, 4);
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
  const entries = [
    'resonnx',
    'resonnx/core',
    'resonnx/testing',
    'resonnx/report',
    'resonnx/handle',
    ...BUNDLERS.map((name) => `resonnx/${name}`),
  ];
  run(process.execPath, ['-e', `Promise.all(${JSON.stringify(entries)}.map((name) => import(name)))`], folder);
  run(bin, ['types', 'model.onnx'], folder);
  run(bin, ['types', 'model.onnx', '--check'], folder);
  await compareWorlds(bin);
  checkWithoutRuntime(tarball);
  console.log('smoke: the packed package works');
} finally {
  rmSync(place, { recursive: true, force: true });
}
