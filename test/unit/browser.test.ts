import { expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { chromiumPath, resultOfPage, withServer } from '../support/chromium.js';
import { bytesOf, graphOf } from '../support/model.js';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

const LAYER_NORM = `(float[N, 8] x) => (float[N, 8] y)
<float[8] scale = {1, 2, 3, 4, 5, 6, 7, 8}, float[8] bias = {1, 1, 1, 1, 2, 2, 2, 2}, float eps = {1e-5}, float two = {2}> {
  mean = ReduceMean<axes = [-1]>(x)
  centered = Sub(x, mean)
  square = Pow(centered, two)
  variance = ReduceMean<axes = [-1]>(square)
  shifted = Add(variance, eps)
  std = Sqrt(shifted)
  normal = Div(centered, std)
  scaled = Mul(normal, scale)
  y = Add(scaled, bias)
}`;

const SKIP = `(float[N, 4] x) => (float[N, 4] y)
<float[4, 4] w = {1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 2, 0, 0, 1}> {
  same = Identity(x)
  f = MatMul(same, w)
  act = Relu(f)
  y = Add(same, act)
}`;

/** What the page does with each model: all of it but verification, then all of it verified by the runtime that is given. */
const CLIENT = `
export async function use(resonnx, ort, models) {
  const results = [];
  for (const bytes of models) {
    const model = await resonnx.load(new Blob([bytes]));
    const { residual } = resonnx.inspect(model);
    const quick = await resonnx.optimize(model, { verify: false });
    const given = await resonnx.load(new Blob([bytes]).stream());
    const checked = await resonnx.optimize(given, { runtime: resonnx.createOrtWebRuntime(ort) });
    const emitted = await resonnx.load(resonnx.emitBytes(checked.model, { metadata: checked.metadata }));
    const without = await resonnx.optimize(model, {});
    results.push({
      blocks: residual.blocks,
      quick: quick.report.verification.status,
      nodes: [quick.report.nodes.before, checked.report.nodes.after, resonnx.inspect(emitted).model.nodes],
      checked: checked.report.verification.status,
      samples: checked.report.verification.samples > 0,
      without: without.report.verification.status,
    });
  }
  return results;
}`;

const EXPECTED = [
  { blocks: 0, quick: 'skipped', nodes: [9, 1, 1], checked: 'verified', samples: true, without: 'unverifiable' },
  { blocks: 1, quick: 'skipped', nodes: [4, 3, 3], checked: 'verified', samples: true, without: 'unverifiable' },
];

/** The browser's interface in one file: fails when any file of it imports from Node. */
async function bundle(outfile: string): Promise<void> {
  const alias = { '#core': join(root, 'src/core.ts'), '#platform': join(root, 'src/api/platform-browser.ts') };
  const entryPoints = [join(root, 'src/api/browser.ts')];
  const common = { bundle: true, format: 'esm', platform: 'browser', minify: true, write: true } as const;
  const { metafile } = await build({ ...common, entryPoints, outfile, alias, metafile: true, logLevel: 'silent' });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports.map(({ path }) => path));
  expect(imports.filter((path) => path.startsWith('node:'))).toEqual([]);
  expect(Object.values(metafile.outputs)[0]!.imports).toEqual([]);
}

async function withSite<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'resonnx-browser-'));
  try {
    await bundle(join(folder, 'resonnx.mjs'));
    writeFileSync(join(folder, 'client.mjs'), CLIENT);
    copyFileSync(join(root, 'fixtures/models/ppocrv2_cls.onnx'), join(folder, '2.onnx'));
    [LAYER_NORM, SKIP].forEach((text, index) => writeFileSync(join(folder, `${index}.onnx`), bytesOf(graphOf(text))));
    return await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('the core for browsers imports nothing from Node, stays small, and works with onnxruntime-web', async () => {
  await withSite(async (folder) => {
    expect(readFileSync(join(folder, 'resonnx.mjs')).byteLength).toBeLessThan(1_000_000);
    const script = `
      import { readFileSync } from 'node:fs';
      import * as ort from '${join(root, 'node_modules/onnxruntime-web/dist/ort.node.min.mjs')}';
      import * as resonnx from '${join(folder, 'resonnx.mjs')}';
      import { use } from '${join(folder, 'client.mjs')}';
      ort.env.wasm.numThreads = 1;
      const models = [0, 1].map((index) => readFileSync('${folder}/' + index + '.onnx'));
      console.log(JSON.stringify(await use(resonnx, ort, models)));`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(JSON.parse(run.stdout)).toEqual(EXPECTED);
  });
});

(chromiumPath === undefined ? test.skip : test)('the core runs in Chromium on three models', async () => {
  await withSite(async (folder) => {
    writeFileSync(
      join(folder, 'index.html'),
      `<!doctype html><link rel="icon" href="data:,"><script type="module">
        import * as ort from '/ort/ort.wasm.min.mjs';
        import * as resonnx from '/resonnx.mjs';
        import { use } from '/client.mjs';
        ort.env.wasm.numThreads = 1;
        const models = await Promise.all([0, 1, 2].map(async (index) => new Uint8Array(await (await fetch(index + '.onnx')).arrayBuffer())));
        use(resonnx, ort, models).then((result) => { globalThis.result = result; }, (error) => { globalThis.result = String(error.stack); });
      </script>`,
    );
    const mounts = { '/ort/': join(root, 'node_modules/onnxruntime-web/dist') };
    const result = (await withServer(folder, mounts, resultOfPage)) as readonly { readonly checked: string }[];
    expect(result.slice(0, 2)).toEqual(EXPECTED);
    expect(result[2]).toMatchObject({ blocks: 7, quick: 'skipped', checked: 'verified', without: 'unverifiable' });
  });
});
