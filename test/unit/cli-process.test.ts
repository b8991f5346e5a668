import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { Output } from '../../src/cli/io.js';
import { run } from '../../src/cli/run.js';
import { uninterrupted } from '../../src/cli/signals.js';
import { nearestName } from '../../src/support/nearest.js';
import { installPackage, remove } from '../support/app.js';

const MODEL = fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url));
let folder = '';
let installed = '';
let main = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-process-'));
  installed = installPackage();
  main = join(installed, 'dist/src/cli/main.js');
}, 120_000);
afterAll(() => [folder, installed].forEach(remove));

async function cli(args: readonly string[], input = ''): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string | Uint8Array) => (out += String(text)) },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {
      yield new TextEncoder().encode(input);
    })(),
  };
  return { code: await run(args, streams), out, err };
}

const latin = (text: string): Buffer => Buffer.from(text, 'latin1');

describe('files that are no models say what they are: exit 3', () => {
  test.each([
    ['page.onnx', latin('<!DOCTYPE html><html>'), 'HTML page'],
    ['picture.onnx', latin('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), 'PNG image'],
    ['photo.onnx', latin('\xff\xd8\xff\xe0\0\x10JFIF'), 'JPEG image'],
    ['array.onnx', latin('\x93NUMPY\x01\0v\0{}'), 'NumPy array'],
    ['lfs.onnx', latin('version https://git-lfs.github.com/spec/v1\n'), 'git lfs pull'],
    ['checkpoint.onnx', latin('PK\x03\x04\x14\0'), 'zip archive'],
    ['weights.onnx', latin('\x10\0\0\0\0\0\0\0{"w": {}}'), 'safetensors'],
    ['notes.onnx', latin('{"a": 1}'), 'it is text'],
    ['nothing.onnx', latin(''), 'is empty'],
    ['binary.onnxtxt', readFileSync(MODEL), 'text/not-text'],
    ['json.onnxtxt', latin('{"a": 1}'), 'text/expected'],
  ])('%s', async (name, bytes, expected) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    for (const args of [
      ['inspect', path],
      ['diff', MODEL, path],
      ['verify', path, MODEL],
      ['types', path, '-o', join(folder, 'x.ts')],
    ]) {
      const { code, out, err } = await cli(args);
      expect([code, out]).toEqual([3, '']);
      expect(err).toContain(expected);
    }
    expect(existsSync(join(folder, 'x.ts'))).toBe(false);
  });

  test('damaged models: a diagnostic, never a defect', async () => {
    const bytes = readFileSync(MODEL);
    const path = join(folder, 'damaged.onnx');
    const damage = fc.record({
      at: fc.nat(4000),
      value: fc.integer({ min: 0, max: 255 }),
      cut: fc.option(fc.nat(bytes.length)),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, value, cut }) => {
        const copy = Buffer.from(bytes.subarray(0, cut ?? bytes.length));
        if (at < copy.length) copy[at] = value;
        writeFileSync(path, copy);
        const { code, err } = await cli(['check', path]);
        expect([0, 1, 3]).toContain(code);
        expect(err).not.toMatch(/internal error|\n\s+at .*\.[jt]s/);
      }),
      { numRuns: 60 },
    );
  });
});

describe('wrong usage: exit 2', () => {
  test.each([
    [['inspect', MODEL, '--shape', 'nothing=1'], 'shape/binding'],
    [['optimize', MODEL, '-o', 'x.onnx', '--skip', 'fuse-gemmm'], 'Did you mean "fuse-gemm"?'],
    [['passes', 'fold-batchnorm'], 'Did you mean "fold-batch-norm"?'],
    [['explain', MODEL, '--pass', 'zzz'], 'Use one of'],
    [['convert', MODEL, '-o', join(MODEL, 'x.onnx')], 'file/unwritable'],
    [['verify', '-', '-'], 'standard input'],
    [['inspect', MODEL, '--vlues'], 'Did you mean --values?'],
    [['verify', MODEL, MODEL, '--inputs', MODEL], 'npz/'],
  ])('%j', async (args, expected) => {
    const text = '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Neg(x) }';
    const { code, err } = await cli(args, text);
    expect(err).toContain(expected);
    expect(code).toBe(2);
  });
});

test('- reads ONNX text as well', async () => {
  const text = '<ir_version: 8, opset_import: ["": 17]> g (float[2] x) => (float[2] y) { y = Neg(x) }';
  const { code, out } = await cli(['inspect', '-', '--json'], text);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ file: '<stdin>', model: { operators: { Neg: 1 } } });
});

test('every command has an example and its exit codes in its help', async () => {
  const { out } = await cli(['--help']);
  const names = [...out.matchAll(/^ {2}(\w+) /gm)].map((match) => match[1]!).filter((name) => name !== 'help');
  expect(names).toContain('diff');
  expect(names.length).toBeGreaterThan(12);
  for (const name of names) {
    const help = (await cli([name, '--help'])).out;
    expect(help).toMatch(new RegExp(`Usage: resonnx ${name} `));
    expect(help).toMatch(/Example:\n {2}\S.*resonnx|Example:\n {2}resonnx/);
    expect(help).toMatch(/Exit codes: 0 /);
  }
});

test('colours go to terminals alone, each stream by itself; NO_COLOR and FORCE_COLOR decide first', () => {
  const { NO_COLOR: no, FORCE_COLOR: force } = process.env;
  const colored = (env: Readonly<Record<string, string>>, out: boolean, err: boolean): readonly boolean[] => {
    for (const name of ['NO_COLOR', 'FORCE_COLOR']) delete process.env[name];
    Object.assign(process.env, env);
    let written = '';
    const streams = {
      out: { write: () => true, isTTY: out },
      err: { write: (text: string) => (written += text), isTTY: err },
      in: (async function* () {})(),
    };
    const output = new Output(streams, {});
    output.diagnostic({ code: 'a/b', severity: 'error', message: 'm', at: { path: '' } });
    return [output.colors.bold('x') !== 'x', written.includes('\u001B')];
  };
  try {
    expect(colored({}, false, true)).toEqual([false, true]);
    expect(colored({}, true, false)).toEqual([true, false]);
    expect(colored({ NO_COLOR: '1', FORCE_COLOR: '1' }, true, true)).toEqual([false, false]);
    expect(colored({ FORCE_COLOR: '1' }, false, false)).toEqual([true, true]);
    expect(colored({ FORCE_COLOR: '0' }, true, true)).toEqual([false, false]);
  } finally {
    for (const name of ['NO_COLOR', 'FORCE_COLOR']) delete process.env[name];
    if (no !== undefined) process.env['NO_COLOR'] = no;
    if (force !== undefined) process.env['FORCE_COLOR'] = force;
  }
});

test('nearest names', () => {
  const names = ['fold-pad', 'fold-affine', 'fuse-gelu'];
  expect(nearestName('fold-pda', names)).toBe('fold-pad');
  expect(nearestName('fuse-glu', names)).toBe('fuse-gelu');
  expect(nearestName('prune', names)).toBeUndefined();
});

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly err: string;
}

/** Runs the command as a process; `during` may do something to it. */
function start(
  args: readonly string[],
  during: (child: ReturnType<typeof spawn>) => void,
  temporary = folder,
): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TMPDIR: temporary },
  });
  let err = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  during(child);
  return new Promise((done) => child.on('close', (code, signal) => done({ code, signal, err })));
}

describe('as a process', () => {
  test('a reader that has seen enough is no error', async () => {
    const ended = await start(['inspect', MODEL, '--values', '--json', MODEL, MODEL], (child) =>
      child.stdout!.once('data', () => child.stdout!.destroy()),
    );
    expect(ended).toEqual({ code: 0, signal: null, err: '' });
  });

  test('an interrupt leaves neither a half-written file nor temporary ones', async () => {
    for (const delay of [200, 700, 1200]) {
      const [out, temporary] = [join(folder, `out-${delay}`), join(folder, `tmp-${delay}`)];
      for (const each of [out, temporary]) mkdirSync(each);
      const model = join(out, 'out.onnx');
      let pending = true;
      const { signal } = await start(
        ['optimize', MODEL, '-o', model, '--samples', '50'],
        (child) => void sleep(delay).then(() => pending && child.kill('SIGINT')),
        temporary,
      );
      pending = false;
      expect(signal).toBe('SIGINT');
      for (let i = 0; i < 40 && readdirSync(temporary).length > 0; i++) await sleep(100); // a worker sees its parent's end
      expect(readdirSync(temporary)).toEqual([]);
      expect(readdirSync(out)).toEqual([]);
    }
  }, 60_000);

  test('what must not be left half done ends before a signal does', async () => {
    const script = `import { uninterrupted } from ${JSON.stringify(join(main, '../signals.js'))};
      import { writeFileSync } from 'node:fs';
      await uninterrupted(() => { process.kill(process.pid, 'SIGTERM'); writeFileSync(process.argv[2], 'whole'); });
      writeFileSync(process.argv[2], 'too late');`;
    const [path, written] = [join(folder, 'script.mjs'), join(folder, 'written.txt')];
    writeFileSync(path, script);
    const child = spawn(process.execPath, [path, written], { stdio: 'ignore' });
    const code = await new Promise((done) => child.on('close', done));
    expect([code, readFileSync(written, 'utf8')]).toEqual([143, 'whole']);
    expect(await uninterrupted(() => 7)).toBe(7);
  });

  test('paths with spaces and letters of other languages', async () => {
    const place = join(folder, 'mañana ⌘ [x]');
    mkdirSync(place);
    cpSync(MODEL, join(place, 'модель 1.onnx'));
    const out = join(place, 'split #1.onnx');
    const ended = await start(
      ['convert', join(place, 'модель 1.onnx'), '-o', out, '--external-data', 'split=100KB', '--quiet'],
      () => undefined,
    );
    expect(ended).toMatchObject({ code: 0, err: '' });
    const back = join(place, 'back.onnx');
    expect(
      (await start(['convert', out, '-o', back, '--external-data', 'none', '--quiet'], () => undefined)).code,
    ).toBe(0);
    expect((await cli(['diff', MODEL, back, '--exit-code'])).code).toBe(0);
  });
});
