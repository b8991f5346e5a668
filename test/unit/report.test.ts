import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { diff } from '../../src/api/diff.js';
import { inspect } from '../../src/api/inspect.js';
import { run } from '../../src/cli/run.js';
import { diffPage } from '../../src/report/diff-page.js';
import { inspectPage } from '../../src/report/inspect-page.js';
import { groupReplaced, real } from '../../src/report/words.js';
import { graphOf } from '../support/model.js';

const MODEL = fileURLToPath(new URL('../../fixtures/models/ppocrv2_cls.onnx', import.meta.url));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'resonnx-report-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function cli(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ['', ''];
  const streams = {
    out: { write: (text: string | Uint8Array) => (out += String(text)) },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {})(),
  };
  return { code: await run(args, streams), out, err };
}

/** Names that would be markup, were they not escaped. */
const HOSTILE = ['</table><script>alert(1)</script>', '" onload="x', "'><img src=x>", '&lt;', '\u202Eevil'];

/** A residual layer whose input, nodes and values have such names. */
function hostile(op: string): ReturnType<typeof graphOf> {
  const model = graphOf(`(float[N, 4] x) => (float[N, 4] y) <float[4, 4] w = ["location": "fill:normal", "seed": "1"]>
    { h = MatMul (x, w) r = ${op} (h) o = MatMul (r, w) y = Add (x, o) }`);
  model.source = { ...model.source, name: HOSTILE[0]! };
  let index = 0;
  for (const node of model.graph.nodes.values())
    for (const value of node.outputs) model.graph.setHint(value, HOSTILE[index++ % HOSTILE.length]!);
  return model;
}

/** Elements that are open at the end, or closed without having been opened. */
function unbalanced(page: string): readonly string[] {
  const open: string[] = [];
  for (const [, slash, name, self] of page.matchAll(/<(\/?)([a-z][a-z0-9]*)\b[^>]*?(\/?)>/g)) {
    if (self === '/' || /^(meta|br|line|path|rect|circle)$/.test(name!)) continue;
    if (slash === '') open.push(name!);
    else if (open.pop() !== name) return [name!];
  }
  return open;
}

describe.each([
  ['inspect', () => inspectPage([inspect(hostile('Relu'), { values: true })])],
  ['diff', () => diffPage(diff(hostile('Relu'), hostile('Tanh')))],
])('the page of %s', (_, make) => {
  const page = make();

  test('holds nothing of the model but as text', () => {
    expect(page).toContain('&lt;/table&gt;&lt;script&gt;');
    expect(page).not.toMatch(/<script|<img|" onload|\u202E/);
    expect(unbalanced(page)).toEqual([]);
  });

  test('asks for nothing from a network, and says so', () => {
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`);
    expect(page).not.toMatch(/https?:|url\(|@import|<link|<[^>]*\b(?:src|href)=/);
  });

  test('has a language, a title, one main heading, and heads of columns', () => {
    expect(page).toMatch(/<html lang="en">[^]*<title>[^<]+<\/title>[^]*<main>/);
    expect(page.match(/<h1>/g)).toHaveLength(1);
    expect(page).toMatch(/<table>\s*<caption>[^<]+<\/caption>\s*<thead>\s*<tr>\s*<th scope="col"/);
    for (const [svg] of page.matchAll(/<svg[^>]*>/g)) expect(svg).toMatch(/role="img"\s+aria-label="[^"]+"/);
  });
});

test('a stage is drawn once, with how often it is repeated', () => {
  const layer = (i: number): string =>
    `h${i} = MatMul (s${i}, w) n${i} = LayerNormalization (h${i}, g) s${i + 1} = Add (s${i}, n${i})`;
  const model =
    graphOf(`(float[N, 4] x) => (float[N, 4] y) <float[4] g = {1, 1, 1, 1}, float[4, 4] w = ["location": "fill:normal", "seed": "1"]>
    { s0 = Identity (x) ${Array.from({ length: 30 }, (_, i) => layer(i)).join(' ')} y = Identity (s30) }`);
  const page = inspectPage([inspect(model)]);
  expect(page.match(/<circle/g)).toHaveLength(1);
  expect(page).toContain('× 30');
  expect(page.match(/<rect\s+class="norm"/g)).toHaveLength(1);
});

test('inspect --html and diff --html write whole files; --exit-code tells whether models differ', async () => {
  const [one, two] = [join(folder, 'inspect.html'), join(folder, 'diff.html')];
  expect(await cli('inspect', MODEL, '--html', one, '--quiet')).toEqual({ code: 0, out: '', err: '' });
  expect(readFileSync(one, 'utf8')).toContain('Residual structure');
  const other = join(folder, 'other.onnx');
  await cli('optimize', MODEL, '-o', other, '--no-verify', '--only', 'lift-constants', '--only', 'fold-batch-norm');
  const { code, out } = await cli('diff', MODEL, other, '--html', two);
  expect(code).toBe(0);
  expect(out).toContain('35 × - BatchNormalization');
  expect(out).toContain('7 post-branch → 7 none');
  expect(readFileSync(two, 'utf8')).toContain('BatchNormalization');
  expect((await cli('diff', MODEL, other, '--exit-code', '--quiet')).code).toBe(1);
  expect(await cli('diff', MODEL, MODEL, '--exit-code')).toMatchObject({
    code: 0,
    out: expect.stringContaining('the same model'),
  });
  const nowhere = join(folder, 'no', 'such.html');
  expect(await cli('diff', MODEL, other, '--html', nowhere)).toMatchObject({
    code: 2,
    err: expect.stringContaining('file/unwritable'),
  });
  expect(existsSync(nowhere)).toBe(false);
});

test('replacements that are alike are one line', () => {
  const add = { removed: [], added: [{ node: 'main/a', op: 'Cast' }] };
  const more = {
    removed: [
      { node: 'main/b', op: 'Mul' },
      { node: 'main/c', op: 'Mul' },
    ],
    added: [{ node: 'main/d', op: 'Gemm' }],
  };
  expect(groupReplaced([add, more, add])).toEqual([
    { kind: 'added', before: '', after: 'Cast', places: ['main/a', 'main/a'] },
    { kind: 'replaced', before: '2 Mul', after: 'Gemm', places: ['main/d'] },
  ]);
  expect([real(0), real(12.3456), real(1e-5), real(3e7)]).toEqual(['0', '12.3', '1.0e-5', '3.0e+7']);
});
