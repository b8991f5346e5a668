import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** What the application does: runs the model as it was, optimized, and in pieces, and leaves what each gives. */
const MAIN = `
import before from './model.onnx?optimize=false';
import model from './model.onnx';
import split from './model.onnx?split=200KB';
const input = Float32Array.from({ length: 3 * 48 * 192 }, (_, index) => Math.sin(index));
async function run(handle) {
  const ort = await globalThis.ort;
  const session = await handle.create(ort, { executionProviders: ['wasm'] });
  const results = await session.run({ [handle.inputs[0].name]: new ort.Tensor('float32', input, [1, 3, 48, 192]) });
  const { data } = results[handle.outputs[0].name];
  await session.release();
  const { url, externalData, report } = handle;
  return { output: [...data], url, externalData, nodes: report.nodes.after, verification: report.verification };
}
async function runAll() {
  return [await run(before), await run(model), await run(split)];
}
runAll().then((result) => { globalThis.result = result; }, (error) => { globalThis.result = String(error.stack); });
`;

/** What one import of the application gives. */
export interface Ran {
  readonly output: readonly number[];
  readonly url: string;
  readonly externalData: readonly { readonly path: string; readonly url: string }[];
  readonly nodes: number;
  readonly verification: string;
}

const PAGE = `<!doctype html><html><head><link rel="icon" href="data:,"></head><body>
<script>
  const place = '/ort/ort.wasm.min.mjs';
  globalThis.ort = import(place).then((ort) => { ort.env.wasm.numThreads = 1; return ort; });
</script>
<script type="module" src="SCRIPT"></script></body></html>`;

/** A copy of the package as it would be installed, built from the sources. */
export function installPackage(): string {
  const folder = mkdtempSync(join(tmpdir(), 'resonnx-package-'));
  const flags = ['--noCheck', '--declaration', 'false'];
  const args = ['-p', root, '--outDir', join(folder, 'dist'), ...flags];
  const tsc = spawnSync(join(root, 'node_modules/.bin/tsc'), args, { encoding: 'utf8' });
  if (tsc.status !== 0) throw new Error(tsc.stdout);
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** An application that imports a model; `installed` is the package that it uses. */
export function createApp(installed: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'resonnx-app-'));
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(installed, join(folder, 'node_modules', 'resonnx'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
  writeFileSync(join(folder, 'src/main.js'), MAIN);
  writeFileSync(join(folder, 'index.html'), PAGE.replace('SCRIPT', '/src/main.js'));
  copyFileSync(join(root, 'fixtures/models/ppocrv2_cls.onnx'), join(folder, 'src/model.onnx'));
  return folder;
}

/** What a build said, and how long it took. */
export interface Outcome {
  readonly status: number | null;
  readonly stderr: string;
  readonly ms: number;
}

/** Builds an application with a bundler in a process of its own. */
export function buildApp(bundler: string, app: string, options: object = {}): Promise<Outcome> {
  const start = performance.now();
  const child = spawn(process.execPath, [join(root, 'test/support/build-app.mjs'), bundler, app], {
    cwd: app,
    env: { ...process.env, PLUGIN_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return new Promise((done) => {
    child.on('close', (status) => {
      if (existsSync(join(app, 'dist')) && !existsSync(join(app, 'dist/index.html'))) {
        writeFileSync(join(app, 'dist/index.html'), PAGE.replace('SCRIPT', '/main.js'));
      }
      done({ status, stderr, ms: performance.now() - start });
    });
  });
}

/** Serves an application with a bundler's development server while `use` runs. */
export async function serveApp<T>(
  bundler: string,
  app: string,
  options: object,
  use: (url: string) => Promise<T>,
): Promise<T> {
  // webpack and Rspack serve the page as it is, with their own file.
  if (bundler !== 'vite') writeFileSync(join(app, 'index.html'), PAGE.replace('SCRIPT', '/main.js'));
  const child = spawn(process.execPath, [join(root, 'test/support/build-app.mjs'), bundler, app, '--dev'], {
    cwd: app,
    env: { ...process.env, PLUGIN_OPTIONS: JSON.stringify(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
  try {
    const url = await new Promise<string>((done, fail) => {
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const [found] = /http:\/\/127\.0\.0\.1:\d+\//.exec(text) ?? [];
        if (found !== undefined) done(found);
      });
      child.on('close', () => fail(new Error(output)));
    });
    return await use(url);
  } catch (cause) {
    throw new Error(`${String(cause)}\n${output}`, { cause });
  } finally {
    child.kill('SIGKILL');
  }
}

/** Removes a folder. */
export function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
