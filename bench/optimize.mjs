// Processor time and peak memory of `optimize --no-verify` by number of nodes, as ratios to the smallest model: a chain of layers, one
// wide layer, and branches inside branches. Build first (npm run build): node bench/optimize.mjs [SIZE...]
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1000, 10_000];
const command = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'resonnx-bench-'));

const HEAD = '<ir_version: 8, opset_import: ["" : 17]>\n';
const WEIGHTS = '<float[4, 4] w = {1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1, 0, 2, 0, 0, 1}, float[4] b = {1, 2, 3, 4}>';
const layer = (from, i) =>
  `m${i} = MatMul(${from}, w) a${i} = Add(m${i}, b) r${i} = Relu(a${i}) x${i} = Add(${from}, r${i})`;

const SHAPES = {
  chain(nodes) {
    const layers = Array.from({ length: nodes / 4 }, (_, i) => layer(i === 0 ? 'x' : `x${i - 1}`, i));
    return `${HEAD}g (float[N, 4] x) => (float[N, 4] x${nodes / 4 - 1}) ${WEIGHTS} {\n${layers.join('\n')}\n}`;
  },
  wide(nodes) {
    const layers = Array.from({ length: nodes / 4 }, (_, i) => layer('x', i));
    const outputs = layers.map((_, i) => `x${i}`);
    return `${HEAD}g (float[N, 4] x) => (float[M, 4] y) ${WEIGHTS} {\n${layers.join('\n')}\ny = Concat<axis = 0>(${outputs})\n}`;
  },
  branches(nodes) {
    const ifs = Array.from({ length: nodes / 8 }, (_, i) => {
      const from = i === 0 ? 'x' : `y${i - 1}`;
      return `y${i} = If(c) <then_branch = t${i} () => (float[N, 4] x${i}) { ${layer(from, i)} },
        else_branch = e${i} () => (float[N, 4] n${i}) { q${i} = Neg(${from}) p${i} = Exp(q${i}) n${i} = Add(p${i}, b) }>`;
    });
    return `${HEAD}g (bool c, float[N, 4] x) => (float[N, 4] y${nodes / 8 - 1}) ${WEIGHTS} {\n${ifs.join('\n')}\n}`;
  },
};

/** Runs the command in a process that says at its end what it took. */
const MEASURED = `process.on('exit', () => { const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  console.error('USED ' + (userCPUTime + systemCPUTime) / 1e6 + ' ' + maxRSS / 1024); });`;

function measure(model, out) {
  const preload = pathToFileURL(join(folder, 'usage.mjs')).href;
  const args = ['--import', preload, command, 'optimize', model, '-o', out, '--no-verify', '--quiet', '--no-config'];
  const { stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const used = /^USED (\S+) (\S+)$/m.exec(stderr);
  if (status !== 0 || !used) throw new Error(stderr);
  return { seconds: Number(used[1]), megabytes: Number(used[2]) };
}

try {
  writeFileSync(join(folder, 'usage.mjs'), MEASURED);
  for (const [name, text] of Object.entries(SHAPES)) {
    let first;
    for (const size of sizes) {
      const path = join(folder, `${name}-${size}`);
      writeFileSync(`${path}.onnxtxt`, text(size));
      const run = spawnSync(process.execPath, [command, 'convert', `${path}.onnxtxt`, '-o', `${path}.onnx`], {
        encoding: 'utf8',
      });
      if (run.status !== 0) throw new Error(run.stderr);
      const used = measure(`${path}.onnx`, join(folder, 'out.onnx'));
      first ??= { size, ...used };
      const ratio = used.seconds / first.seconds;
      console.log(
        `${name} ${size}: ${used.seconds.toFixed(2)} s, ${used.megabytes.toFixed(0)} MiB, ${(size / first.size).toFixed(0)} × nodes, ${ratio.toFixed(1)} × time`,
      );
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
