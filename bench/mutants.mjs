// Damages models in every way of test/mutants and asks verify of each; prints kind × caught, survived, and the survivors.
// Build first: node bench/mutants.mjs FOLDER_OR_FILE... [--per N] [--seed N] [--kind TEXT] [--limit N] [--share N] [--list]
// Survivors that are shown to be the same function (see equivalent.ts) are counted apart, with the reason.
// With --limit at most N models, evenly spread; with --share each kind at every Nth model only.
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import esbuild from 'esbuild';
import { load } from '../dist/src/api/load.js';
import { verify } from '../dist/src/api/verify.js';
import { createOrtRuntime } from '../dist/src/numerics/ort-node.js';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    per: { type: 'string', default: '1' },
    seed: { type: 'string', default: '1' },
    kind: { type: 'string', default: '' },
    limit: { type: 'string', default: 'Infinity' },
    share: { type: 'string', default: '1' },
    list: { type: 'boolean', default: false },
  },
});

/** The generator is TypeScript beside the tests; its imports of the sources become those of the build. */
async function loadMutations() {
  const dist = fileURLToPath(new URL('../dist/', import.meta.url));
  const toBuild = {
    name: 'to-build',
    setup(build) {
      build.onResolve({ filter: /^\.\.\/\.\.\/src\// }, ({ path }) => ({
        path: pathToFileURL(join(dist, path.slice('../../'.length))).href,
        external: true,
      }));
    },
  };
  const { outputFiles } = await esbuild.build({
    entryPoints: [fileURLToPath(new URL('../test/mutants/index.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'node',
    write: false,
    plugins: [toBuild],
  });
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
  const file = join(folder, 'mutants.mjs');
  writeFileSync(file, outputFiles[0].contents);
  try {
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function models(path) {
  if (!statSync(path).isDirectory()) return [path];
  const found = readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.onnx'))
    .map((entry) => join(entry.parentPath, entry.name));
  return found.sort();
}

const { equivalence, mutations, mutate } = await loadMutations();
const runtime = createOrtRuntime({ limitMs: 30_000 });
const table = new Map();
let [ms, runs] = [0, 0];
const files = positionals.flatMap(models);
const step = Math.max(1, Math.ceil(files.length / Number(given.limit)));
const chosen = files.filter((_, i) => i % step === 0);
for (const [number, file] of chosen.entries()) {
  let original;
  try {
    original = await load(file);
  } catch {
    continue;
  }
  for (const [place, mutation] of mutations.entries()) {
    if (!mutation.kind.includes(given.kind) || (place + number) % Number(given.share) !== 0) continue;
    for (let each = 0; each < Number(given.per); each++) {
      const mutant = mutate(original, mutation, Number(given.seed) + each);
      if (!mutant) continue;
      const start = performance.now();
      let outcome;
      try {
        outcome = (await verify(original, mutant.model, { runtime })).verification;
      } catch (cause) {
        outcome = { status: 'error', why: cause.stack.split('\n').slice(0, 3).join(' ') };
      }
      ms += performance.now() - start;
      runs++;
      const same = outcome.status === 'verified' ? equivalence(original, mutant.model) : undefined;
      const unsound = outcome.status === 'mismatch' && (outcome.why ?? '').startsWith('the runtime refuses it');
      const status = unsound ? 'unsound' : outcome.status;
      const row = table.get(mutation.kind) ?? { caught: 0, survived: 0, equivalent: 0, other: 0 };
      table.set(mutation.kind, row);
      if (status === 'mismatch') row.caught++;
      else if (same !== undefined) row.equivalent++;
      else if (status === 'verified') row.survived++;
      else row.other++;
      if (same !== undefined) console.log(`EQUIVALENT  ${mutation.kind}  ${file}  ${mutant.at}  ${same}`);
      else if (status === 'verified' || status === 'error') {
        console.log(
          `${status === 'error' ? 'ERROR' : 'SURVIVED'}  ${mutation.kind}  ${file}  ${mutant.at}  ${outcome.why ?? ''}`,
        );
      } else if (given.list) console.log(`${status}  ${mutation.kind}  ${file}  ${mutant.at}  ${outcome.why ?? ''}`);
    }
  }
  if ((number + 1) % 10 === 0)
    console.error(`${number + 1} of ${chosen.length} models, ${runs} mutants, ${(ms / 1000).toFixed(0)} s`);
}
const width = Math.max(...[...table.keys()].map((kind) => kind.length));
console.log(`\n${'kind'.padEnd(width)}  caught  survived  equivalent  not run`);
const sum = { caught: 0, survived: 0, equivalent: 0, other: 0 };
for (const [kind, row] of table) {
  for (const key of Object.keys(sum)) sum[key] += row[key];
  console.log(
    `${kind.padEnd(width)}  ${String(row.caught).padStart(6)}  ${String(row.survived).padStart(8)}  ${String(row.equivalent).padStart(10)}  ${String(row.other).padStart(7)}`,
  );
}
const share = (100 * sum.caught) / (sum.caught + sum.survived);
console.log(
  `${table.size} kinds; ${chosen.length} models; ${sum.caught} caught, ${sum.survived} survived, ${sum.equivalent} equivalent, ${sum.other} not run: ${share.toFixed(2)} %; ${(ms / runs).toFixed(0)} ms each`,
);
await runtime.close();
