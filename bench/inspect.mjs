// Time of residual detection by number of nodes, as ratios to the smallest model. Compile first (npx tsc -p .):
// node bench/inspect.mjs
import { importModel } from '../dist/src/onnx/import.js';
import { anatomyOf } from '../dist/src/residual/anatomy.js';
import { inferTypes } from '../dist/src/shape/types.js';
import { parseModelText } from '../dist/src/text/parse.js';

/** One pre-norm layer in primitives, as exporters write it: layer norm, one head of attention, layer norm, MLP; 33 nodes. */
function layer(lines, x, at) {
  const add = (text) => {
    lines.push(`v${lines.length} = ${text}`);
    return `v${lines.length - 1}`;
  };
  const norm = (input) => {
    const centred = add(`Sub (${input}, ${add(`ReduceMean <axes = [-1]> (${input})`)})`);
    const variance = add(`ReduceMean <axes = [-1]> (${add(`Mul (${centred}, ${centred})`)})`);
    const scaled = add(`Div (${centred}, ${add(`Sqrt (${add(`Add (${variance}, eps)`)})`)})`);
    return add(`Add (${add(`Mul (${scaled}, g)`)}, b)`);
  };
  const linear = (input, weight) => add(`Add (${add(`MatMul (${input}, ${weight})`)}, b)`);
  const normed = norm(x);
  const [q, k, v] = [linear(normed, 'w'), linear(normed, 'w'), linear(normed, 'w')];
  const scores = add(`Softmax (${add(`MatMul (${q}, ${add(`Transpose <perm = [0, 2, 1]> (${k})`)})`)})`);
  const attended = add(`Add (${x}, ${linear(add(`MatMul (${scores}, ${v})`), 'w')})`);
  const hidden = add(`Relu (${linear(norm(attended), 'w')})`);
  return add(`Add (${attended}, ${linear(hidden, `w${at % 2}`)})`);
}

/** A Transformer of at least `count` nodes. */
function transformer(count) {
  const lines = [];
  let last = 'x';
  for (let at = 0; lines.length < count; at++) last = layer(lines, last, at);
  const row = (values) => `{${values.join(', ')}}`;
  const square = row(Array.from({ length: 64 }, (_, i) => i / 64));
  const head = `<ir_version: 9, opset_import: ["": 17]> m (float[batch,seq,8] x) => (float[i,j,k] ${last})`;
  const constants = [
    ...['w', 'w0', 'w1'].map((name) => `float[8,8] ${name} = ${square}`),
    ...['g', 'b'].map((name) => `float[8] ${name} = ${row(Array.from({ length: 8 }, (_, i) => i + 1))}`),
    'float eps = {0.00001}',
  ];
  return importModel(parseModelText(`${head} <${constants.join(', ')}> {\n${lines.join('\n')}\n}`));
}

/** Milliseconds of one detection, types being there. */
function once(model) {
  const types = inferTypes(model);
  const start = performance.now();
  const { sites } = anatomyOf(model, types);
  return { ms: performance.now() - start, sites: sites.length };
}

const first = once(transformer(3000));
console.log(`3000 nodes, first call of the process: ${first.ms.toFixed(0)} ms, ${first.sites} sites`);
let base;
for (const count of [3000, 10_000, 30_000, 100_000]) {
  const runs = Array.from({ length: 3 }, () => once(transformer(count)));
  const ms = Math.min(...runs.map((run) => run.ms));
  base ??= ms;
  const [time, times] = [ms.toFixed(0), (ms / base).toFixed(1)];
  console.log(
    `${count} nodes: ${time} ms, ${times} × for ${(count / 3000).toFixed(1)} × the nodes, ${runs[0].sites} sites`,
  );
}
