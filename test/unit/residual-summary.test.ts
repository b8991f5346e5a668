import { expect, test } from '@jest/globals';
import { inspect } from '../../src/api/inspect.js';
import { run } from '../../src/cli/run.js';
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesOf } from '../support/model.js';
import { Network } from '../support/network.js';

const D = 8;

function transformer(layers: number): Network {
  const net = new Network();
  let x = net.layerNorm(net.linear(net.input(`N,4,${D}`), D, D), D);
  for (let i = 0; i < layers; i++) {
    x = net.add(x, net.attention(net.layerNorm(x, D), D));
    x = net.add(x, net.mlp(net.layerNorm(x, D), D));
  }
  net.output(net.linear(net.layerNorm(x, D), D, 3));
  return net;
}

test('summary, stages, roles and paths of a pre-norm Transformer', () => {
  const { residual } = inspect(transformer(3).build());
  expect(residual.summary).toBe('pre-norm Transformer, LayerNorm, embedding norm, final norm');
  expect(residual.stages).toEqual([
    { stream: 's0', sites: ['r0', 'r1', 'r2', 'r3', 'r4', 'r5'], layer: ['attention', 'mlp'], repeats: 3 },
  ]);
  expect(residual.norms.map(({ role }) => role)).toEqual([
    'embedding',
    ...Array.from({ length: 6 }, () => 'pre'),
    'final',
  ]);
  expect(residual.paths).toEqual({ count: '64', expectedLength: 3, deviation: 1.225 });
  expect(residual.sites[1]?.description).toBe('adds an MLP over channels (pre-norm); the input passes unchanged');
});

test('parameters of a branch: norm, two layers with bias', () => {
  const { residual } = inspect(transformer(1).build());
  const mlp = 2 * D + (D * 4 * D + 4 * D) + (4 * D * D + D);
  expect(residual.sites[1]?.branch).toMatchObject({ parameters: mlp, norms: ['layer'], content: 'mlp' });
});

/** Runs a command line on a model in a file of its own. */
async function cli(net: Network, ...args: readonly string[]) {
  const path = join(mkdtempSync(join(tmpdir(), 'inspect-')), 'model.onnx');
  writeFileSync(path, bytesOf(net.build()));
  let [out, err] = ['', ''];
  const code = await run([args[0] as string, path, ...args.slice(1)], {
    out: { write: (text: string | Uint8Array) => (out += String(text)) },
    err: { write: (text: string) => (err += text) },
    in: (async function* () {})(),
  });
  return { code, out, err };
}

test('inspect prints one JSON object, or text for people', async () => {
  const json = await cli(transformer(2), 'inspect', '--json', '--values');
  expect(json.code).toBe(0);
  const report = JSON.parse(json.out) as ReturnType<typeof inspect>;
  expect(report.schema).toBe('resonnx/inspect@1');
  expect(report.residual.kinds).toEqual({ identity: 4 });
  expect(report.values?.length).toBeGreaterThan(20);
  const text = await cli(transformer(2), 'inspect');
  expect(text.out).toContain('residual sites: 4 (4 identity)');
  expect(text.out).toContain('2 × (attention, mlp)');
});

test('check ends with 1 when there are more warnings than allowed', async () => {
  const net = new Network();
  const x = net.linear(net.input(`N,4,${D}`), D, D);
  net.output(net.linear(net.add(x, x), D, 3));
  expect((await cli(net, 'check')).code).toBe(0);
  const strict = await cli(net, 'check', '--max-warnings', '0', '--json');
  expect(strict.code).toBe(1);
  expect(JSON.parse(strict.out)).toMatchObject({ schema: 'resonnx/check@1', warnings: 1, errors: 0 });
  expect((await cli(net, 'check', '--max-warnings', 'x')).code).toBe(2);
});
