import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eliminateNoOps } from '../../passes/eliminate-no-ops/index.js';
import { run } from '../../src/cli/run.js';
import type { Pass } from '../../src/pass/pass.js';
import { encodeModel } from '../../src/proto/model.js';
import { parseModelText } from '../../src/text/parse.js';

/** The pass as it can be damaged, and as it was. */
const victim = eliminateNoOps as { run: Pass['run'] };
const sound = victim.run;
const home = process.cwd();
let folder = '';

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'resonnx-defect-')));
  process.chdir(folder);
});
afterEach(() => {
  victim.run = sound;
});
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

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

function model(name: string): string {
  const text = `<ir_version: 9, opset_import: ["": 17]>
    g (float[n, 4] X) => (float[n, 4] Y) <float[4, 4] W = {1, 2, 0, 0, 0, 1, 1, 0, 2, 0, 1, 0, 1, 1, 0, 1}>
    { m = MatMul (X, W) t = Tanh (m) i = Identity (t) s = Softmax (i) e = Exp (s) Y = Sqrt (e) }`;
  writeFileSync(name, encodeModel(parseModelText(text)).toBytes());
  return name;
}

const operators = (graph: Parameters<Pass['run']>[0]): string[] =>
  [...graph.graph.nodes.values()].map(({ opType }) => opType);

describe('a pass with a fault', () => {
  test('ends the command with 70 and the smallest model that shows it', async () => {
    victim.run = (graph, cx) => {
      if (operators(graph).includes('Softmax')) throw new TypeError('no such axis');
      return sound(graph, cx);
    };
    const { code, out, err } = await cli('optimize', model('throws.onnx'), '-o', 'out.onnx', '--json', '--no-config');
    expect(code).toBe(70);
    expect(out).toBe('');
    expect(err).toMatch(/internal error: pass eliminate-no-ops: no such axis/);
    expect(err).not.toMatch(/\n {4}at /); // no stack
    expect(existsSync('out.onnx')).toBe(false);

    const path = /To see it again: (.*)$/m.exec(err)![1]!;
    expect(path).toBe(join(folder, 'repro.onnxtxt'));
    const text = readFileSync(path, 'utf8');
    expect(text).toMatch(/^# pipeline: eliminate-no-ops\n/);
    expect(text).toMatch(/Softmax/);
    expect(text).not.toMatch(/MatMul|Tanh|Exp|Sqrt/);

    const again = await cli('optimize', path, '-o', 'again.onnx', '--only', 'eliminate-no-ops', '--no-config');
    expect([again.code, again.err]).toEqual([70, expect.stringMatching(/repro-2\.onnxtxt/)]);
    victim.run = sound;
    expect((await cli('optimize', path, '-o', 'again.onnx', '--no-config', '--quiet')).code).toBe(0);
  });

  test('is told apart from the passes around it when it leaves a broken model behind', async () => {
    victim.run = (graph, cx) => {
      const softmax = [...graph.graph.nodes.values()].find(({ opType }) => opType === 'Softmax');
      if (!softmax) return sound(graph, cx);
      const [input] = softmax.inputs;
      cx.rewrite('planted', softmax, (edit) => edit.replace(softmax.outputs[0]!, edit.node('Softmax', [input, input])));
    };
    const { code, err } = await cli('optimize', model('breaks.onnx'), '-o', 'out.onnx', '--no-config');
    expect([code, err]).toEqual([70, expect.stringMatching(/pass eliminate-no-ops: /)]);
    expect(existsSync('out.onnx')).toBe(false);
    const path = /To see it again: (.*)$/m.exec(err)![1]!;
    expect(readFileSync(path, 'utf8')).toMatch(/^# pipeline: eliminate-no-ops\n[\s\S]*Softmax/);
  });

  test('that does what it does not report changes nothing', async () => {
    victim.run = ({ graph }) => {
      const tanh = [...graph.nodes.values()].find(({ opType }) => opType === 'Tanh');
      if (tanh) graph.replaceAllUses(tanh.outputs[0]!, tanh.inputs[0]!);
    };
    const args = ['--only', 'eliminate-no-ops', '--no-config', '--json'];
    const { code, out } = await cli('optimize', model('silent.onnx'), '-o', 'silent.out.onnx', ...args);
    expect([code, JSON.parse(out).verification.method]).toEqual([0, 'unchanged']);
    expect(readFileSync('silent.out.onnx')).toEqual(readFileSync('silent.onnx'));
  });

  test('that computes something else is taken back: no defect, nothing wrong is written', async () => {
    victim.run = (graph, cx) => {
      for (const node of [...graph.graph.nodes.values()]) {
        if (node.opType !== 'Tanh') continue;
        cx.rewrite('planted', node, (edit) => edit.replace(node.outputs[0]!, edit.node('Sin', [node.inputs[0]])));
      }
    };
    const args = ['-o', 'kept.onnx', '--json', '--only', 'eliminate-no-ops', '--no-config'];
    const { code, out } = await cli('optimize', model('wrong.onnx'), ...args);
    expect(code).toBe(0);
    const { reverted, verification, operators: counts } = JSON.parse(out);
    expect(reverted).toEqual([{ pass: 'eliminate-no-ops', site: 'main/t', why: expect.stringMatching(/differs by/) }]);
    expect(verification.status).toBe('reverted');
    expect(counts.after).toMatchObject({ Tanh: 1 });
    const found = await cli('bisect', 'wrong.onnx', '--only', 'eliminate-no-ops', '-o', 'found.onnxtxt', '--json');
    expect([found.code, JSON.parse(found.out).rewrite]).toMatchObject([1, { number: 1, rule: 'planted' }]);
    expect(readFileSync('found.onnxtxt', 'utf8')).toMatch(/^# pipeline: eliminate-no-ops\n[\s\S]*Tanh/);
  });

  test('leaves nothing else behind', () => {
    expect(readdirSync('.').filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
