// Processor time of inference by number of nodes, as ratios to the smallest model. Compile first (npx tsc -p .): node bench/shape-speed.mjs
import { importModel } from '../dist/src/onnx/import.js';
import { inferTypes } from '../dist/src/shape/types.js';
import { parseModelText } from '../dist/src/text/parse.js';

/** A chain of `count` nodes: elementwise operators, products, and reshapes by computed sizes. */
function chain(count) {
  const lines = [];
  let last = 'x';
  const add = (text) => {
    lines.push(`v${lines.length} = ${text}`);
    return `v${lines.length - 1}`;
  };
  while (lines.length < count) {
    const sum = add(`Add (${last}, x)`);
    const size = add(`Shape (${sum})`);
    const shaped = add(`Reshape (${sum}, ${size})`);
    const product = add(`MatMul (${shaped}, w)`);
    last = add(`Relu (${product})`);
  }
  const head = '<ir_version: 9, opset_import: ["": 17]> m (float[batch,seq,8] x, float[8,8] w)';
  const model = importModel(parseModelText(`${head} => (float[i,j,k] ${last}) {\n${lines.join('\n')}\n}`));
  model.graph.topo();
  return model;
}

/** Milliseconds of processor time of one call, the machine being busy or not. */
function once(model) {
  const start = process.cpuUsage();
  inferTypes(model);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

const measure = (model) => Math.min(...Array.from({ length: 5 }, () => once(model)));

const first = chain(3000);
console.log(`3000 nodes, first call of the process: ${once(first).toFixed(0)} ms`);
for (let i = 0; i < 4; i++) measure(first);
const base = measure(first);
for (const count of [3000, 10_000, 30_000, 100_000]) {
  const time = measure(chain(count));
  console.log(
    `${count} nodes: ${time.toFixed(0)} ms, ${(time / base).toFixed(1)} × for ${(count / 3000).toFixed(1)} × the nodes`,
  );
}
