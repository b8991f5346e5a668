// Milliseconds per 100,000 operations of the size that shape inference asks for. Compile first (npx tsc -p .): node bench/dim.mjs
import {
  add,
  equal,
  floorDiv,
  format,
  isProven,
  key,
  min,
  mul,
  product,
  divideExact,
  symbol,
} from '../dist/src/dim/dim.js';

const RUNS = 100_000;
const [batch, past, sequence, height] = ['batch', 'past', 'sequence', 'height'].map(symbol);
const total = add(past, sequence);
const half = floorDiv(add(height, 1), 2);

const operations = {
  add: () => add(past, sequence),
  multiply: () => mul(total, batch),
  'elements of a shape': () => product([batch, total, 12, 64]),
  'split of a Reshape': () => divideExact(product([batch, total, 768]), mul(batch, 12)),
  'strided window': (i) => add(floorDiv(add(half, (i % 3) - 2), 2), 1),
  'equal, same': () => equal(total, add(sequence, past)),
  'equal, not proven': () => equal(total, batch),
  'proof of order': () => isProven(height, '>=', half),
  minimum: () => min(sequence, 512),
  key: () => key(add(past, sequence)),
  format: () => format(total),
};

let sum = 0;
for (const [name, operation] of Object.entries(operations)) {
  for (let i = 0; i < RUNS / 10; i++) operation(i);
  const start = performance.now();
  for (let i = 0; i < RUNS; i++) operation(i);
  const elapsed = performance.now() - start;
  sum += elapsed;
  console.log(`${name.padEnd(24)}${elapsed.toFixed(0).padStart(6)} ms`);
}
console.log(`${'mean'.padEnd(24)}${(sum / Object.keys(operations).length).toFixed(0).padStart(6)} ms`);
