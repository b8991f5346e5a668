import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import * as api from '../../src/api/index.js';
import * as browser from '../../src/api/browser.js';
import { abortable } from '../../src/numerics/abortable.js';
import type { Runtime } from '../../src/numerics/runtime.js';

const REAL = fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url));
const TEXT = `<ir_version: 8, opset_import: ["": 17]>
g (float[N, 2] x) => (float[N, 2] y) <float[2, 2] w = {1, 2, 3, 4}> { same = Identity(x) r = Relu(same) f = MatMul(r, w) y = Relu(f) }`;
const SKIP = { operation: 'insert-residual', targets: { sites: [{ region_input: 'r', region_output: 'f' }] } };
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-api-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('what the interface promises is there, in browsers too where it needs no files', () => {
  const everywhere = [
    'load',
    'inspect',
    'check',
    'optimize',
    'rewrite',
    'verify',
    'diff',
    'emit',
    'explain',
    'definePass',
    'defineRecipe',
  ];
  for (const name of [...everywhere, 'defineConfig', 'doctor'])
    expect([name, typeof (api as never)[name]]).toEqual([name, 'function']);
  for (const name of everywhere) expect([name, typeof (browser as never)[name]]).toEqual([name, 'function']);
});

describe('sources and sinks', () => {
  const bytes = new Uint8Array(readFileSync(REAL));

  test('a path, a file URL, bytes, a buffer, a Blob, a stream and a message of onnx-proto are the same model', async () => {
    const first = await api.load(REAL);
    const message = await api.emit(first, { as: 'onnx-proto' });
    for (const source of [pathToFileURL(REAL), bytes, bytes.buffer, new Blob([bytes]), new Blob([bytes]).stream()]) {
      expect(Buffer.from(await api.emit(await api.load(source))).equals(bytes)).toBe(true);
    }
    expect(api.diff(first, await api.load(message)).same).toBe(true);
  });

  test('bytes, text, files with and without external data, and streams hold the same model', async () => {
    const model = await api.load(REAL);
    const chunks: Uint8Array[] = [];
    const stream = new WritableStream<Uint8Array>({ write: (chunk) => void chunks.push(chunk) });
    expect(await api.emit(model, stream)).toEqual({ bytes: bytes.length, files: [] });
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
    expect(Buffer.from(await api.emit(model, { as: 'bytes' })).equals(bytes)).toBe(true);
    expect(api.diff(model, api.loadText(await api.emit(model, { as: 'text' }))).same).toBe(true);
    const [whole, split] = [join(folder, 'whole.onnx'), pathToFileURL(join(folder, 'split.onnx'))];
    expect(await api.emit(model, whole)).toEqual({ bytes: bytes.length, files: [whole] });
    const { files } = await api.emit(model, split, { externalData: { kind: 'split', name: 'w', size: 100_000 } });
    expect(files.length).toBeGreaterThan(2);
    expect(api.diff(model, await api.load(split)).same).toBe(true);
    expect(await browser.emit(await browser.load(bytes))).toEqual(bytes);
  });

  test('external data in a folder beside the model goes along', async () => {
    const [from, to] = [join(folder, 'from'), join(folder, 'to')];
    await Promise.all(
      [from, to].map((each) =>
        import('node:fs').then(({ mkdirSync }) =>
          mkdirSync(join(each, each === from ? 'deep' : ''), { recursive: true }),
        ),
      ),
    );
    writeFileSync(join(from, 'deep', 'w.bin'), new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer));
    writeFileSync(join(from, 'm.onnxtxt'), TEXT.replace('{1, 2, 3, 4}', '["location": "deep/w.bin"]'));
    const model = await api.load(join(from, 'm.onnxtxt'));
    await api.emit(model, join(to, 'm.onnx'));
    expect(api.diff(model, await api.load(join(to, 'm.onnx'))).same).toBe(true);
  });
});

/** A runtime in which nothing ever comes to an end. */
function endless(): { readonly runtime: Runtime; readonly begun: Promise<void> } {
  let begin = (): void => undefined;
  const begun = new Promise<void>((done) => (begin = done));
  const never = <T>(): Promise<T> => {
    begin();
    return new Promise<T>(() => undefined);
  };
  return { runtime: { name: 'endless', version: '1', open: never, close: async () => undefined }, begun };
}

describe('everything that takes long can be stopped', () => {
  const runs: Readonly<Record<string, (runtime: Runtime, signal: AbortSignal) => Promise<unknown>>> = {
    optimize: (runtime, signal) => api.optimize(api.loadText(TEXT), { runtime, signal }),
    rewrite: (runtime, signal) =>
      api.rewrite(api.loadText(TEXT), SKIP, { runtime, signal, allow: ['changes-function'] }),
    verify: (runtime, signal) =>
      api.verify(api.loadText(TEXT), api.loadText(TEXT.replace('Relu(f)', 'Tanh(f)')), { runtime, signal }),
  };

  test.each(Object.entries(runs))('%s: while the runtime is at work', async (_, run) => {
    const { runtime, begun } = endless();
    const stop = new AbortController();
    const outcome = run(runtime, stop.signal).catch((cause: unknown) => cause);
    await begun;
    const reason = new Error('enough');
    stop.abort(reason);
    expect(await outcome).toBe(reason);
  });

  test.each(Object.entries(runs))('%s: before it begins', async (_, run) => {
    const { runtime } = endless();
    await expect(run(runtime, AbortSignal.abort(new Error('at once')))).rejects.toThrow('at once');
  });

  test('load: a stream that does not end is cancelled', async () => {
    let cancelled: unknown;
    const stream = new ReadableStream<Uint8Array>({ cancel: (reason) => void (cancelled = reason) });
    const stop = new AbortController();
    const outcome = api.load(stream, { signal: stop.signal }).catch((cause: unknown) => cause);
    stop.abort(new Error('enough'));
    expect(await outcome).toMatchObject({ message: 'enough' });
    expect(cancelled).toMatchObject({ message: 'enough' });
    await expect(api.load(REAL, { signal: stop.signal })).rejects.toThrow('enough');
  });

  test('a session is released without waiting for what nobody waits for any more', async () => {
    const stop = new AbortController();
    const session = {
      inputs: [],
      outputs: [],
      run: () => new Promise<never>(() => undefined),
      release: () => new Promise<never>(() => undefined),
    };
    const runtime = { ...endless().runtime, open: async () => session };
    const opened = await abortable(runtime, stop.signal).open(new Uint8Array(), { optimization: 'disabled' });
    const ran = opened.run({}).catch((cause: unknown) => cause);
    stop.abort(new Error('enough'));
    expect(await ran).toMatchObject({ message: 'enough' });
    await opened.release();
    expect(abortable(runtime, undefined)).toBe(runtime);
  });
});

test('progress is told by callbacks; calls side by side do not know of each other, and leave the model as it was', async () => {
  const model = api.loadText(TEXT);
  const before = await api.emit(model);
  const steps: string[] = [];
  const onProgress = (step: string): void => void steps.push(step);
  const options = [
    { only: ['eliminate-no-ops'], onProgress },
    { skip: ['eliminate-no-ops'] },
    { only: ['eliminate-no-ops'] },
  ];
  const nodes = (await Promise.all(options.map((each) => api.optimize(model, { ...each, verify: false })))).map(
    ({ report }) => report.nodes.after,
  );
  expect(nodes).toEqual([3, 4, 3]);
  expect(steps.length).toBeGreaterThan(0);
  await api.rewrite(model, SKIP, { verify: false, allow: ['changes-function'], onProgress });
  await api.verify(model, model, { onProgress });
  expect(steps).toContain('insert-residual');
  expect(steps).toContain('running the first model');
  expect(await api.emit(model)).toEqual(before);
});

test('nine open sizes: few of each are tried, not more elements than memory holds', async () => {
  const model = api.loadText(`<ir_version: 8, opset_import: ["": 17]>
    g (float[a, b, c, d, e, f, g, h, i] x, float[a, b, c, 1, 1, 1, g, h, i] bias) => (float[a, b, c, d, e, f, g, h, i] y) {
      s = Add(x, bias)
      y = Softmax<axis = 6>(s)
    }`);
  expect(await api.verify(model, model)).toMatchObject({ verification: { status: 'verified' } });
});
