// What verification costs, in processor time of all processes. Build first, then
//   node bench/verification.mjs               transformers of 6 and 24 layers and equal width, made here
//   node bench/verification.mjs model.onnx …  each of these, beside one run of it on one thread (batch 1, 128 positions)
import { readdirSync, readFileSync } from 'node:fs';
import { loadText } from '../dist/src/api/load-text.js';
import { optimizePipeline } from '../dist/passes/presets.js';
import { Attempts } from '../dist/src/api/attempt.js';
import { load } from '../dist/src/api/load.js';
import { optimize } from '../dist/src/api/optimize.js';
import { makeFeeds } from '../dist/src/numerics/inputs.js';
import { createEvaluator } from '../dist/src/numerics/evaluator.js';
import { createOrtRuntime } from '../dist/src/numerics/ort-node.js';
import { RegionVerifier } from '../dist/src/numerics/region-verify.js';
import { planModel } from '../dist/src/numerics/plan.js';

const WIDTH = 256;
const HEADS = 4;
const ROUNDS = 5;
const POSITIONS = 128;
const SIZES = new Map([
  ['batch', 3],
  ['seq', 7],
  ['sequence', 7],
]);

/** A transformer encoder spelled out as exporters do: norms of nine nodes, GELU of five, shapes computed at run time. */
function transformer(layers) {
  const [lines, weights] = [[], []];
  let last = 'x';
  const add = (text) => {
    lines.push(`v${lines.length} = ${text}`);
    return `v${lines.length - 1}`;
  };
  const weight = (...shape) => {
    const name = `w${weights.length}`;
    const fill = `["location": "fill:normal", "seed": "${weights.length}", "std": "0.05"]`;
    weights.push(`float[${shape.join()}] ${name} = ${fill}`);
    return name;
  };
  const linear = (x, from, to) => add(`Add (${add(`MatMul (${x}, ${weight(from, to)})`)}, ${weight(to)})`);
  const norm = (x) => {
    const centered = add(`Sub (${x}, ${add(`ReduceMean <axes = [-1]> (${x})`)})`);
    const variance = add(`ReduceMean <axes = [-1]> (${add(`Pow (${centered}, two)`)})`);
    const unit = add(`Div (${centered}, ${add(`Sqrt (${add(`Add (${variance}, eps)`)})`)})`);
    return add(`Add (${add(`Mul (${unit}, ${weight(WIDTH)})`)}, ${weight(WIDTH)})`);
  };
  const heads = (x, perm) => {
    const size = (axis) => add(`Unsqueeze (${add(`Gather (${add(`Shape (${x})`)}, i${axis})`)}, axis0)`);
    const shape = add(`Concat <axis = 0> (${size(0)}, ${size(1)}, headsize)`);
    return add(`Transpose <perm = [${perm}]> (${add(`Reshape (${x}, ${shape})`)})`);
  };
  for (let layer = 0; layer < layers; layer++) {
    const normed = norm(last);
    const [q, k, v] = ['0, 2, 1, 3', '0, 2, 3, 1', '0, 2, 1, 3'].map((p) => heads(linear(normed, WIDTH, WIDTH), p));
    const scores = add(`Div (${add(`MatMul (${q}, ${k})`)}, scale)`);
    const mixed = add(`MatMul (${add(`Softmax <axis = -1> (${scores})`)}, ${v})`);
    const joined = add(`Reshape (${add(`Transpose <perm = [0, 2, 1, 3]> (${mixed})`)}, width)`);
    last = add(`Add (${last}, ${linear(joined, WIDTH, WIDTH)})`);
    const wide = linear(norm(last), WIDTH, 4 * WIDTH);
    const gate = add(`Add (${add(`Erf (${add(`Div (${wide}, root2)`)})`)}, one)`);
    const active = add(`Mul (${add(`Mul (${wide}, ${gate})`)}, half)`);
    last = add(`Add (${last}, ${linear(active, 4 * WIDTH, WIDTH)})`);
  }
  const constants = `int64 i0 = {0}, int64 i1 = {1}, int64[1] axis0 = {0}, int64[2] headsize = {${HEADS}, ${WIDTH / HEADS}},
    int64[3] width = {0, 0, ${WIDTH}}, float two = {2}, float eps = {1e-5}, float scale = {${Math.sqrt(WIDTH / HEADS)}},
    float root2 = {${Math.SQRT2}}, float one = {1}, float half = {0.5}`;
  const head = `<ir_version: 9, opset_import: ["": 17]> m (float[batch,seq,${WIDTH}] x) => (float[batch,seq,${WIDTH}] ${last})`;
  return loadText(`${head} <${constants}, ${weights.join(', ')}> {\n${lines.join('\n')}\n}`);
}

/** Milliseconds of processor time of this process and of those that it started, as far as the system tells. */
function clock() {
  const { user, system } = process.cpuUsage();
  let children = 0;
  try {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      const fields = statOf(pid);
      if (fields?.[1] === String(process.pid)) children += 10 * (Number(fields[11]) + Number(fields[12]));
    }
  } catch {
    children = NaN;
  }
  return (user + system) / 1000 + children;
}

function statOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  } catch {
    return undefined;
  }
}

const runtime = createOrtRuntime();

async function timed(task) {
  const start = clock();
  await task();
  return clock() - start;
}

/** What verification takes: the whole of it, and its regions alone. The first round warms up. */
async function cost(model) {
  const [plain, whole, regions] = [[], [], []];
  const attempts = new Attempts(model, { evaluator: createEvaluator(() => runtime) });
  const { book } = await attempts.run({ pipeline: optimizePipeline, denied: new Set(), book: true });
  for (let round = 0; round <= ROUNDS; round++) {
    plain.push(await timed(() => optimize(model, { verify: false, runtime })));
    whole.push(await timed(() => optimize(model, { runtime })));
    regions.push(await timed(() => new RegionVerifier(runtime, { hint: SIZES }).check(book)));
  }
  const warm = (list) => Math.min(...list.slice(1));
  return { verification: warm(whole) - warm(plain), regions: warm(regions) };
}

/** One run on one thread, the runtime's optimizations off. */
async function inference(model) {
  const { form, plan } = planModel(model);
  const sizes = [...plan.symbols].map(([name, role]) => [name, role === 'batch' ? 1 : POSITIONS]);
  const feeds = makeFeeds(plan, new Map(sizes), 0);
  const session = await runtime.open(form, { optimization: 'disabled' });
  const runs = [];
  for (let round = 0; round <= ROUNDS; round++) runs.push(await timed(() => session.run(feeds)));
  await session.release();
  return Math.min(...runs.slice(1));
}

const show = (what, value) => console.log(`${what.padEnd(44)} ${value}`);
const paths = process.argv.slice(2);
for (const path of paths) {
  const model = await load(path);
  const [one, { verification, regions }] = [await inference(model), await cost(model)];
  show(`${path}: one inference`, `${one.toFixed(0)} ms`);
  show(
    '  verification',
    `${(verification / one).toFixed(2)} × an inference, of which regions ${(regions / one).toFixed(2)} ×`,
  );
}
if (paths.length === 0) {
  const small = await cost(transformer(6));
  const large = await cost(transformer(24));
  show('regions of 24 layers over those of 6', (large.regions / small.regions).toFixed(2));
  show('verification of 24 layers over that of 6', (large.verification / small.verification).toFixed(2));
}
await runtime.close();
