import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Certificate } from '../../src/api/certificate.js';
import { hashModel } from '../../src/api/certificate.js';
import { load } from '../../src/api/load.js';
import { run } from '../../src/cli/run.js';
import { encodeModel } from '../../src/proto/model.js';
import { parseModelText } from '../../src/text/parse.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-certificate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(folder, name);

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string | Uint8Array) => (out += typeof text === 'string' ? text : '') },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {})(),
  };
  const code = await run([...args, ...(args[0] === 'optimize' ? ['--no-config'] : [])], streams);
  return { code, out, err };
}

function model(name: string, body: string): string {
  const head = '<ir_version: 9, opset_import: ["": 17, "custom": 1]>';
  writeFileSync(at(name), encodeModel(parseModelText(`${head}\ng ${body}`)).toBytes());
  return at(name);
}

/** Two norms with weights of their own, spelled out. */
const NORMS = `(float[n, m, 9] X) => (float[n, m, 9] Y)
  <float[9] s1 = {1, 2, 3, 4, 5, 6, 7, 8, 9}, float[9] b1 = {0.5, 0, 1, 2, 0, 0, 0, 0, 0},
   float[9] s2 = {4, 3, 2, 1, 1, 1, 1, 1, 1}, float[9] b2 = {1, 1, 0, 3, 0, 0, 0, 0, 0}, float two = {2}, float eps = {1e-5}> {
  m1 = ReduceMean <axes = [-1]> (X) d1 = Sub (X, m1) p1 = Pow (d1, two) v1 = ReduceMean <axes = [-1]> (p1)
  e1 = Add (v1, eps) r1 = Sqrt (e1) n1 = Div (d1, r1) t1 = Mul (n1, s1) y1 = Add (t1, b1)
  a = Tanh (y1)
  m2 = ReduceMean <axes = [-1]> (a) d2 = Sub (a, m2) p2 = Pow (d2, two) v2 = ReduceMean <axes = [-1]> (p2)
  e2 = Add (v2, eps) r2 = Sqrt (e2) n2 = Div (d2, r2) t2 = Mul (n2, s2) Y = Add (t2, b2) }`;

interface Case {
  readonly a: string;
  readonly b: string;
  readonly file: string;
  readonly certificate: Certificate;
}

async function certified(name: string, body: string, ...options: string[]): Promise<Case> {
  const [a, b, file] = [model(`${name}.onnx`, body), at(`${name}.out.onnx`), at(`${name}.json`)];
  const { code, err } = await cli('optimize', a, '-o', b, '--certificate', file, '--quiet', ...options);
  expect([code, err]).toEqual([0, '']);
  return { a, b, file, certificate: JSON.parse(readFileSync(file, 'utf8')) as Certificate };
}

/** A certificate that was changed by somebody who knows how its integrity is made. */
function forged(name: string, certificate: Certificate, change: Partial<Certificate>): string {
  const content = { ...certificate, ...change, integrity: undefined };
  const integrity = bytesToHex(sha256(new TextEncoder().encode(JSON.stringify(content))));
  writeFileSync(at(name), JSON.stringify({ ...content, integrity }));
  return at(name);
}

describe('a certificate', () => {
  test('says for every rewrite how it was verified, and is replayed', async () => {
    const { a, b, file, certificate } = await certified('norms', NORMS, '--seed', '5');
    const { rewrites, kinds, coverage, samples, options, versions } = certificate;
    expect(options).toEqual({ seed: 5 });
    expect(versions.runtime).toMatch(/^onnxruntime-node \d/);
    expect(samples[0]).toMatchObject({ seed: 5, binding: { n: expect.any(Number), m: expect.any(Number) } });
    expect(rewrites.map(({ number }) => number)).toEqual(rewrites.map((_, i) => i + 1));
    expect(coverage).toEqual({ rewrites: rewrites.length, verified: rewrites.length, share: 1 });
    const norms = kinds.filter(({ pass }) => pass === 'fuse-layer-norm');
    expect(norms.map((kind) => kind.rewrites)).toEqual([2]); // weights make no other kind
    expect(norms[0]).toMatchObject({ method: 'runtime', context: 0 });
    expect(norms[0]!.runs).toBeGreaterThan(5);
    expect(Object.keys(norms[0]!.binding)).toHaveLength(2);

    const { code, out } = await cli('verify', a, b, '--certificate', file, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      verification: { status: 'verified', samples: samples.length },
      certificate: { rewrites: rewrites.length, replayed: rewrites.length, share: 1 },
    });
  });

  test('holds with sizes, passes and metadata that were asked for', async () => {
    const options = ['--shape', 'X=2,k,9', '--skip', 'fuse-gemm', '--provenance', '--opset', 'keep'];
    const { a, b, file, certificate } = await certified('options', NORMS, ...options);
    expect(certificate.options).toEqual({
      opset: 'keep',
      skip: ['fuse-gemm'],
      shapes: { X: [2, 'k', 9] },
      provenance: true,
    });
    const { code, out } = await cli('verify', a, b, '--certificate', file, '--json');
    expect([code, JSON.parse(out).certificate.replayed]).toEqual([0, certificate.rewrites.length]);
  });

  test('of a model that cannot be run covers what stands around the unknown operator', async () => {
    const body = `(float[n, 4] X) => (float[n, 4] Y, float[n, 4] Z)
      { a = Identity (X) b = custom.Unknown (a) c = Relu (b) d = Identity (c) Y = Relu (d)
        r = RandomNormalLike (X) i = Identity (r) Z = Add (X, i) }`; // prettier-ignore
    const { a, b, file, certificate } = await certified('custom', body);
    expect(certificate.verification.status).toMatch(/^(regions|reverted)$/);
    expect(certificate.samples).toEqual([]);
    expect(certificate.coverage.share).toBe(certificate.coverage.verified / certificate.coverage.rewrites);
    expect(certificate.coverage.verified).toBeGreaterThanOrEqual(2);
    const { code, out } = await cli('verify', a, b, '--certificate', file, '--json');
    expect(code).toBe(0);
    const report = JSON.parse(out);
    expect(report.verification.why).toMatch(/Unknown/);
    expect(report.certificate.replayed).toBe(certificate.rewrites.length);
  });

  test('of another version is compared on its inputs, and says that no rewrite was replayed', async () => {
    const { a, b, certificate } = await certified('version', NORMS);
    const old = forged('old.json', certificate, { versions: { ...certificate.versions, resonnx: '0.0.0-other' } });
    const { code, out } = await cli('verify', a, b, '--certificate', old, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      verification: { status: 'verified' },
      certificate: { replayed: 0, why: expect.stringMatching(/0\.0\.0-other/) },
    });
  });
});

describe('what was tampered with is found', () => {
  let given: Case;
  beforeAll(async () => {
    given = await certified('given', NORMS);
  });

  test('a certificate that somebody edited', async () => {
    const text = readFileSync(given.file, 'utf8').replace('"share": 1', '"share": 0.5');
    writeFileSync(at('edited.json'), text);
    const { code, err } = await cli('verify', given.a, given.b, '--certificate', at('edited.json'));
    expect([code, err]).toEqual([2, expect.stringMatching(/certificate\/malformed.*changed/s)]);
  });

  const lies: [string, (certificate: Certificate) => Partial<Certificate>, RegExp][] = [
    ['a rewrite left out', ({ rewrites }) => ({ rewrites: rewrites.slice(1) }), /lists \d+ rewrites, there are/],
    [
      'a rewrite of another rule',
      ({ rewrites: [first, ...rest] }) => ({ rewrites: [{ ...first!, rule: 'other' }, ...rest] }),
      /rewrite 1 is/,
    ],
    ['a kind left out', ({ kinds }) => ({ kinds: kinds.slice(1) }), /leaves out kinds/],
    [
      'a smaller difference',
      ({ kinds }) => ({ kinds: kinds.map((kind) => ({ ...kind, maxRel: -1 })) }),
      /differ by .*, not -1/,
    ],
    ['another coverage', ({ coverage }) => ({ coverage: { ...coverage, verified: 0 } }), /its coverage is/],
    [
      'another status',
      ({ verification }) => ({ verification: { ...verification, status: 'regions' } }),
      /the model is verified/,
    ],
  ];
  test.each(lies)('%s', async (name, change, why) => {
    const file = forged(`${name}.json`, given.certificate, change(given.certificate));
    const { code, out } = await cli('verify', given.a, given.b, '--certificate', file, '--json');
    expect([code, JSON.parse(out).verification.status]).toEqual([1, 'mismatch']);
    expect(JSON.parse(out).certificate).toMatchObject({ replayed: 0, why: expect.stringMatching(why) });
  });

  test('a model with another weight, also when the certificate has its hash', async () => {
    const bytes = readFileSync(given.b);
    const found = bytes.indexOf(Buffer.from(Float32Array.from([1, 2, 3, 4]).buffer));
    expect(found).toBeGreaterThan(0);
    bytes.writeFloatLE(1 + 2 ** -23, found);
    writeFileSync(at('other.onnx'), bytes);
    const honest = await cli('verify', given.a, at('other.onnx'), '--certificate', given.file);
    expect([honest.code, honest.err]).toEqual([1, expect.stringMatching(/certificate\/hash/)]);
    const file = forged('weight.json', given.certificate, { result: hashModel(await load(at('other.onnx'))) });
    const { code, out } = await cli('verify', given.a, at('other.onnx'), '--certificate', file, '--json');
    expect([code, JSON.parse(out).verification.why]).toEqual([1, expect.stringMatching(/make a model with the hash/)]);
  });
});
