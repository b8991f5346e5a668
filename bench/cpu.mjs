// Processor time of whole processes, ours as ratios to Python optimizers: start, imports, reading and writing included. The contestants
// take turns on each model, so that a busy machine slows all of them; the table has the geometric mean of ratios of medians.
// Build first (npm run build): node bench/cpu.mjs --python PYTHON [--runs N] [--verify] FILE_OR_FOLDER...
// PYTHON has onnxruntime, and onnxslim and onnxsim where they are to be compared.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string' },
    runs: { type: 'string', default: '5' },
    verify: { type: 'boolean', default: false },
  },
});
if (!values.python || positionals.length === 0) throw new Error('give --python PYTHON and files or folders');

const command = fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'resonnx-cpu-'));
const out = join(folder, 'out.onnx');

/** Runs a command; prints its processor seconds, children included, its peak of resident bytes, and its exit code. */
const USAGE = `
import json, os, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({'cpu': usage.ru_utime + usage.ru_stime, 'rss': usage.ru_maxrss * 1024, 'code': code}))`;

const BASIC = `
import sys, onnxruntime as ort
options = ort.SessionOptions()
options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
options.optimized_model_filepath = sys.argv[2]
options.log_severity_level = 3
ort.InferenceSession(sys.argv[1], options, providers=['CPUExecutionProvider'])`;
const SLIM = `
import sys, onnx, onnxslim
onnx.save(onnxslim.slim(onnx.load(sys.argv[1])), sys.argv[2])`;
const SIM = `
import sys, onnx, onnxsim
onnx.save(onnxsim.simplify(onnx.load(sys.argv[1]))[0], sys.argv[2])`;

const python = (name, text) => {
  const script = join(folder, `${name}.py`);
  writeFileSync(script, text);
  return (model) => [values.python, script, model, out];
};
const ours = (...flags) => {
  return (model) => [process.execPath, command, 'optimize', model, '-o', out, '--quiet', '--no-config', ...flags];
};

const contestants = {
  'resonnx --no-verify': ours('--no-verify'),
  ...(values.verify && { resonnx: ours() }),
  'onnxruntime BASIC': python('basic', BASIC),
  ...(has('onnxslim') && { onnxslim: python('slim', SLIM) }),
  ...(has('onnxsim') && { onnxsim: python('sim', SIM) }),
};

function has(module) {
  return spawnSync(values.python, ['-c', `import ${module}`]).status === 0;
}

function measure(args) {
  rmSync(out, { force: true });
  return JSON.parse(spawnSync(values.python, ['-c', USAGE, ...args], { encoding: 'utf8' }).stdout);
}

function* models(paths) {
  for (const path of paths) {
    if (!statSync(path).isDirectory()) yield path;
    else
      yield* readdirSync(path, { recursive: true })
        .filter((name) => name.endsWith('.onnx'))
        .sort()
        .map((name) => join(path, name));
  }
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];
const mean = (list) => Math.exp(list.reduce((sum, each) => sum + Math.log(each), 0) / list.length);

const names = Object.keys(contestants);
const ratios = Object.fromEntries(names.map((name) => [name, []]));
try {
  for (const model of models(positionals)) {
    const runs = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < Number(values.runs); round++) {
      for (const name of names) runs[name].push(measure(contestants[name](model)));
    }
    const failed = names.filter((name) => runs[name].some(({ code }) => code !== 0));
    const cpu = Object.fromEntries(names.map((name) => [name, median(runs[name].map((run) => run.cpu))]));
    for (const name of names) {
      if (!failed.includes(name) && !failed.includes(names[0])) ratios[name].push(cpu[names[0]] / cpu[name]);
    }
    const shown = names.map((name) => {
      const rss = Math.max(...runs[name].map((run) => run.rss)) / 2 ** 20;
      return `${name} ${failed.includes(name) ? 'failed' : `${cpu[name].toFixed(2)} s ${rss.toFixed(0)} MiB`}`;
    });
    console.log(`${basename(model)}: ${shown.join(', ')}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const name of names.slice(1)) {
  const list = ratios[name];
  if (list.length > 0)
    console.log(
      `${names[0]} / ${name}: ${mean(list).toFixed(3)} over ${list.length} models, at most ${Math.max(...list).toFixed(2)}`,
    );
}
