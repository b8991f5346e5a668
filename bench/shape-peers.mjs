// Dims resolved per model: ours against ONNX's strict inference with data propagation and onnxruntime's symbolic shape script.
// Compile first (npx tsc -p .): node bench/shape-peers.mjs [--python PYTHON] [--list] FILE_OR_FOLDER...   Needs Python with onnx, onnxruntime and sympy.
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from '../dist/src/api/load.js';
import { inferTypes } from '../dist/src/shape/types.js';

const args = process.argv.slice(2);
const at = args.indexOf('--python');
const python = at < 0 ? 'python3' : args.splice(at, 2)[1];
const list = args.includes('--list');

function modelsIn(path) {
  if (!statSync(path).isDirectory()) return [path];
  const names = readdirSync(path, { recursive: true }).filter((name) => name.endsWith('.onnx'));
  return names.sort().map((name) => join(path, name));
}

/** Per value of the main graph: dims that are a number or an expression over the names of inputs, dims in all, numbers. */
async function ours(path) {
  const model = await load(path);
  model.graph.topo();
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) for (const value of node.outputs) graph.setType(value, undefined);
  }
  const start = performance.now();
  const types = inferTypes(model);
  const ms = performance.now() - start;
  const values = new Map();
  const note = (name, value) => {
    const shape = name === '' ? undefined : types.shape(value);
    if (!shape) return;
    const known = shape.filter((dim) => dim !== null && !types.isFresh(dim)).length;
    values.set(name, [known, shape.length, shape.filter((dim) => typeof dim === 'number').length]);
  };
  for (const node of model.graph.nodes.values()) for (const value of node.outputs) note(value.hint, value);
  for (const slot of model.graph.outputs) note(slot.name, slot.value);
  return { values, ms };
}

const files = args.filter((arg) => !arg.startsWith('--')).flatMap(modelsIn);
const script = join(dirname(fileURLToPath(import.meta.url)), 'shape_peers.py');
const run = spawnSync(python, [script], { input: files.join('\n'), encoding: 'utf8', maxBuffer: 1 << 30 });
if (run.error || run.stdout === '') {
  console.error(`no Python with onnx: ${run.error?.message ?? run.stderr.trim().split('\n').at(-1)}`);
  process.exit(4);
}

const totals = {
  ours: { dims: 0, fixed: 0, ms: 0 },
  onnx: { dims: 0, fixed: 0, ms: 0, failed: 0, ahead: 0 },
  script: { dims: 0, fixed: 0, ms: 0, failed: 0, ahead: 0 },
};
const sum = (values, index) => [...values].reduce((total, entry) => total + entry[index], 0);
for (const line of run.stdout.trim().split('\n')) {
  const result = JSON.parse(line);
  const mine = await ours(result.path).catch((error) => error);
  if (mine instanceof Error) {
    console.log(`${result.path}: ${mine.message}`);
    continue;
  }
  totals.ours.dims += sum(mine.values.values(), 0);
  totals.ours.fixed += sum(mine.values.values(), 2);
  totals.ours.ms += mine.ms;
  for (const peer of ['onnx', 'script']) {
    const { values, error, ms } = result[peer];
    const total = totals[peer];
    total.ms += ms;
    if (error) {
      total.failed++;
      if (list) console.log(`${result.path}: ${peer} failed: ${error}`);
      continue;
    }
    // Only numbers are compared value by value: a name that a peer makes up says nothing.
    const behind = Object.entries(values).filter(([name, [, , fixed]]) => fixed > (mine.values.get(name)?.[2] ?? 0));
    total.dims += sum(Object.values(values), 0);
    total.fixed += sum(Object.values(values), 2);
    if (behind.length > 0) {
      total.ahead++;
      const shown = behind
        .slice(0, 4)
        .map(([name, each]) => `${name} ${each} against ${mine.values.get(name) ?? 'nothing'}`);
      console.log(`${result.path}: ${peer} knows more of ${behind.length}: ${shown.join('; ')}`);
    }
  }
}
console.log(`${files.length} models`);
for (const [name, { dims, fixed, ms, failed = 0, ahead = 0 }] of Object.entries(totals)) {
  console.log(
    `${name.padEnd(7)} ${dims} dims, ${fixed} numbers, ${(ms / totals.ours.ms).toFixed(1)} × our time, ${failed} failed, ahead on ${ahead}`,
  );
}
