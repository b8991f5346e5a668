import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/cli/run.js';
import { encodeModel } from '../../src/proto/model.js';
import { writeNpz } from '../../src/tensor/npy.js';
import { parseModelText } from '../../src/text/parse.js';

const REAL = fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url));
/** Enough to do for a test. */
const ONLY = ['lift-constants', 'fold-constants', 'fold-batch-norm'].flatMap((name) => ['--only', name]);
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-verify-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string | Uint8Array) => (out += typeof text === 'string' ? text : '') },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {})(),
  };
  const code = await run(args, streams);
  return { code, out, err };
}

const at = (name: string): string => join(folder, name);

function model(name: string, body: string, head = '<ir_version: 9, opset_import: ["": 17, "custom": 1]>'): string {
  writeFileSync(at(name), encodeModel(parseModelText(`${head}\ng ${body}`)).toBytes());
  return at(name);
}

describe('optimize', () => {
  test('a real model: verified, smaller, with a certificate that holds for these two models only', async () => {
    const [out, certificate] = [at('real.onnx'), at('real.json')];
    const { code, out: text } = await cli('optimize', REAL, '-o', out, '--certificate', certificate, '--json', ...ONLY);
    expect(code).toBe(0);
    const report = JSON.parse(text);
    expect(report).toMatchObject({
      schema: 'resonnx/optimize@1',
      verification: { status: 'verified', method: 'whole+regions', samples: 4 },
      reverted: [],
    });
    expect(report.nodes.after).toBeLessThan(report.nodes.before / 2);
    expect(report.bytes.after).toBe(readFileSync(out).byteLength);
    expect(report.verification.distinctRegions).toBeLessThanOrEqual(report.verification.regions);
    const { coverage, kinds, samples } = JSON.parse(readFileSync(certificate, 'utf8'));
    expect(coverage).toEqual({ rewrites: coverage.rewrites, verified: coverage.rewrites, share: 1 });
    expect(kinds).toHaveLength(report.verification.distinctRegions);
    expect(samples).toHaveLength(4);
    const replay = await cli('verify', REAL, out, '--certificate', certificate, '--json');
    expect(replay.code).toBe(0);
    expect(JSON.parse(replay.out).verification).toMatchObject({ status: 'verified', samples: 4 });
    const other = await cli('verify', REAL, REAL, '--certificate', certificate);
    expect(other.code).toBe(1);
    expect(other.err).toMatch(/certificate\/hash/);
  }, 240_000);

  test('a model that cannot be run is still optimized where its rewrites can be verified by themselves', async () => {
    const path = model('custom.onnx', `(float[n, 4] X) => (float[n, 4] Y)
      { a = Identity (X) b = custom.Unknown (a) c = Relu (b) d = Identity (c) Y = Relu (d) }`); // prettier-ignore
    const { code, out } = await cli('optimize', path, '-o', at('custom.out.onnx'), '--json');
    expect(code).toBe(0);
    const { verification, nodes } = JSON.parse(out);
    expect(verification.status).toBe('regions');
    expect(verification.why).toMatch(/Unknown/);
    expect(nodes).toEqual({ before: 5, after: 2 }); // the last Relu has nothing left to do
  });

  test('what nothing can verify passes through as it was', async () => {
    const path = model(
      'opaque.onnx',
      `(float[n, 4] X) => (float[n, 4] Y) { a = custom.Unknown (X) Y = custom.Unknown (a) }`,
    );
    const { code, out } = await cli('optimize', path, '-o', at('opaque.out.onnx'), '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out).nodes).toEqual({ before: 2, after: 2 });
    expect(readFileSync(at('opaque.out.onnx'))).toEqual(readFileSync(path));
  });

  test('without verification the result says so of itself', async () => {
    const path = model('plain.onnx', '(float[n] X) => (float[n] Y) { a = Identity (X) Y = Relu (a) }');
    const { code, out } = await cli('optimize', path, '-o', at('plain.out.onnx'), '--no-verify', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out).verification.status).toBe('skipped');
    expect(readFileSync(at('plain.out.onnx')).toString('latin1')).toContain('resonnx.verification');
  });

  test('without verification no runtime is started, and constants are folded all the same', async () => {
    const path = model('sums.onnx', `(float[2] X) => (float[2] Y) <float[2] a = {1, 2}, float[2] b = {0.1, 0.5}>
      { c = Div (a, b) d = Sqrt (c) Y = Add (X, d) }`); // prettier-ignore
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = at('missing'); // the runtime starts with a folder there
    try {
      const { code, out } = await cli('optimize', path, '-o', at('sums.out.onnx'), '--no-verify', '--json');
      expect(code).toBe(0);
      expect(JSON.parse(out).operators.after).toEqual({ Add: 1 });
    } finally {
      if (before === undefined) delete process.env['TMPDIR'];
      else process.env['TMPDIR'] = before;
    }
  });

  test('outputs that are drawn anew in every run are left out of the comparison, and that is said', async () => {
    const path = model('random.onnx', `(float[n, 4] X) => (float[n, 4] Y, float[n, 4] Z)
      { r = RandomNormalLike (X) i = Identity (r) Z = Add (X, i) Y = Relu (X) }`); // prettier-ignore
    const { out } = await cli('optimize', path, '-o', at('random.out.onnx'), '--json');
    const { verification } = JSON.parse(out);
    expect(verification.status).toBe('verified');
    const excluded = verification.outputs.filter(
      (output: { excluded?: string }) => output.excluded === 'nondeterministic',
    );
    expect(excluded.map((output: { name: string }) => output.name)).toEqual(['Z']);
  });

  test('sizes that are given become part of the model', async () => {
    const path = model('shape.onnx', `(float[n, m] X) => (float[a] Y) <int64 one = {1}, int64[1] two = {2}>
      { s = Shape (X) w = Gather (s, one) k = Mul (w, two) f = Flatten (X) c = Concat <axis = 1> (f, f) r = Reshape (c, k) Y = Relu (r) }`); // prettier-ignore
    const { code, out } = await cli('optimize', path, '-o', at('shape.out.onnx'), '--shape', 'X=2,5', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out).nodes.after).toBeLessThan(JSON.parse(out).nodes.before);
    const refused = await cli('optimize', path, '-o', at('shape.bad.onnx'), '--shape', 'X=2,5,7');
    expect(refused.code).not.toBe(0);
    expect(existsSync(at('shape.bad.onnx'))).toBe(false);
  });

  test.each([
    [['--target', 'gpu'], /standard, ort-cpu/],
    [['--max-growth', 'much'], /whole number/],
    [['--shape', 'X'], /NAME=/],
    [['--skip', 'no-such-pass'], /no-such-pass/],
  ])('%s is wrong usage', async (args, message) => {
    const { code, err } = await cli('optimize', REAL, '-o', at('never.onnx'), ...args);
    expect([1, 2]).toContain(code);
    expect(err).toMatch(message);
    expect(existsSync(at('never.onnx'))).toBe(false);
  });
});

describe('verify', () => {
  const right = '(float[n, 4] X) => (float[n, 4] Y) { a = Sqrt (X) Y = Mul (a, a) }';

  test('two ways to compute the same agree within the noise', async () => {
    const a = model('a.onnx', '(float[n, 64] X) => (float[n, 1] Y) { Y = ReduceMean <axes = [-1]> (X) }');
    const b = model('b.onnx', `(float[n, 64] X) => (float[n, 1] Y) <float k = {64}>
      { axes = Constant <value = int64[1] {-1}> () s = ReduceSum (X, axes) Y = Div (s, k) }`); // prettier-ignore
    const { code, out } = await cli('verify', a, b, '--json', '--check-levels');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ schema: 'resonnx/verify@1', verification: { status: 'verified' } });
    expect(JSON.parse(out).levels.map((level: { result: string }) => level.result)).toEqual([
      'match',
      'match',
      'match',
    ]);
  });

  test.each([
    [
      'another epsilon',
      '(float[n, 4] X) => (float[n, 4] Y) <float e = {0.0001}> { a = Sqrt (X) b = Mul (a, a) Y = Add (b, e) }',
    ],
    [
      'another shape',
      '(float[n, 4] X) => (float[n, 2, 2] Y) { s = Constant <value = int64[3] {0, 2, 2}> () Y = Reshape (X, s) }',
    ],
    ['another name', '(float[n, 4] X) => (float[n, 4] Z) { a = Sqrt (X) Z = Mul (a, a) }'],
    ['another type', '(float[n, 4] X) => (double[n, 4] Y) { a = Sqrt (X) b = Mul (a, a) Y = Cast <to = 11> (b) }'],
    ['NaN', '(float[n, 4] X) => (float[n, 4] Y) { l = Neg (X) a = Sqrt (l) Y = Mul (a, a) }'],
  ])('%s is found', async (_what, wrong) => {
    const { code, out } = await cli('verify', model('right.onnx', right), model('wrong.onnx', wrong), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out).verification.status).toBe('mismatch');
  });

  test('inputs may be given', async () => {
    const a = model('given-a.onnx', '(float[n] X) => (float[n] Y) { Y = Relu (X) }');
    const b = model('given-b.onnx', '(float[n] X) => (float[n] Y) { Y = Identity (X) }');
    const npz = (values: number[]): string => {
      const array = { dtype: 'float32' as const, shape: [values.length], data: Float32Array.from(values) };
      writeFileSync(at('given.npz'), writeNpz([['in:X', array]]));
      return at('given.npz');
    };
    expect((await cli('verify', a, b, '--inputs', npz([1, 2, 3]))).code).toBe(0);
    expect((await cli('verify', a, b, '--inputs', npz([1, -2, 3]))).code).toBe(1);
  });

  test('what cannot be run here is no verdict', async () => {
    const path = model('unknown.onnx', '(float[n] X) => (float[n] Y) { Y = custom.Unknown (X) }');
    const { code, out } = await cli('verify', path, path, '--json');
    expect(code).toBe(4);
    expect(JSON.parse(out).verification.status).toBe('unverifiable');
  });
});

test('bisect runs the passes that a reproducer names', async () => {
  const text = `# pipeline: eliminate-no-ops\n<ir_version: 9, opset_import: ["": 17]>\ng (float[n] X) => (float[n] Y) { a = Identity (X) Y = Relu (a) }`;
  writeFileSync(at('repro.onnxtxt'), text);
  const { code, out } = await cli('bisect', at('repro.onnxtxt'), '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ found: false, rewrites: 1 });
});

test('passes lists the registry, and one pass in full', async () => {
  const { passes } = JSON.parse((await cli('passes', '--json')).out);
  expect(passes.length).toBeGreaterThan(5);
  expect((await cli('passes', 'fold-constants')).out).toMatch(/semantics: /);
  expect((await cli('passes', 'nothing')).err).toMatch(/optimize\/unknown-pass/);
});
