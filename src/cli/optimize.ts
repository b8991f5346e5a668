import type { Command } from 'commander';
import { dirname, resolve } from 'node:path';
import { findConfig } from '../api/config-file.js';
import { optimize, type OptimizeOptions } from '../api/optimize.js';
import type { OptimizeReport } from '../api/report.js';
import type { Target } from '../pass/pass.js';
import { collect, count, parseShapes, usage } from './arguments.js';
import { parseExternalData, writeModel } from './convert.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';
import { writeReproducer } from './reproducer.js';

interface Options {
  readonly out: string;
  readonly target?: string;
  readonly opset?: string;
  readonly skip?: readonly string[];
  readonly only?: readonly string[];
  readonly maxGrowth?: string;
  readonly shape?: readonly string[];
  readonly verify: boolean;
  readonly config?: string | false;
  readonly samples?: string;
  readonly seed?: string;
  readonly certificate?: string;
  readonly time?: boolean;
  readonly printIrAfter?: string;
  readonly dumpDir?: string;
  readonly stopAfter?: string;
  readonly provenance?: boolean;
  readonly externalData?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `optimize`: the optimizing pipeline, verified. */
export function registerOptimize(program: Command, streams: Streams): void {
  program
    .command('optimize')
    .description('optimize a model and verify the result; what verification refutes is taken back')
    .argument('<model>', 'model to read; - reads standard input')
    .requiredOption('-o, --out <file>', 'where to write; - writes standard output')
    .option('--target <runtime>', 'standard (the default), ort-cpu, ort-web-wasm or ort-web-webgpu')
    .option('--opset <version>', 'keep, auto (the default: raised where that allows better operators), or a number')
    .option('--skip <pass>', 'leave this pass out; may be repeated', collect)
    .option('--only <pass>', 'run only this pass; may be repeated', collect)
    .option('--max-growth <bytes>', 'bytes by which the file may grow (default: 0)')
    .option(
      '--shape <name=dims>',
      'fix the size of an input, e.g. x=1,3,224,224 (? keeps a dim); may be repeated',
      collect,
    )
    .option('--no-verify', 'do not run the models to compare them')
    .option('--samples <n>', 'inputs to compare on')
    .option('--seed <n>', 'seed of the inputs')
    .option('--external-data <how>', 'FILE puts weights into that file, split=SIZE into several, none into the model')
    .option('--provenance', 'write into the metadata of new nodes where they come from')
    .option('--config <file>', 'configuration whose options hold where none is given (default: resonnx.config.ts)')
    .option('--no-config', 'read no configuration file')
    .option('--certificate <file.json>', 'write down what was verified and how, for verify --certificate')
    .option('--time', 'show the time of each pass')
    .option('--print-ir-after <pass>', 'print the model after this pass; all or changed for every one')
    .option('--dump-dir <folder>', 'write the model after every pass that changed it into this folder')
    .option('--stop-after <pass>', 'end the pipeline after this pass')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action((path: string, options: Options) => run(path, options, streams));
}

async function run(path: string, options: Options, streams: Streams): Promise<void> {
  const output = new Output(streams, options);
  const given = { ...(await configured(path, options)), ...readOptions(options) };
  const external = parseExternalData(options.externalData, options.out);
  const model = await loadArgument(path, streams, output);
  const optimized = await optimize(model, {
    ...given,
    ...(await instruments(options, output)),
    onProgress: (what) => output.progress(what),
    onDiagnostic: (diagnostic) => output.diagnostic(diagnostic),
    clock: () => performance.now(),
  }).finally(() => output.endProgress());
  for (const { reproducer } of optimized.runtimeFaults) {
    output.note(`  to see the wrong result of the runtime: ${writeReproducer(reproducer, 'onnxtxt')}`);
  }
  const { report, metadata } = optimized;
  const { verification } = report;
  if (verification.status === 'mismatch') throw new Exit(EXIT.no, `error: ${verification.why}`);
  const emit = { metadata, provenance: options.provenance ?? false };
  const { bytes } = await writeModel(optimized.model, options.out, external, streams, emit);
  if (options.certificate !== undefined) {
    const { writeCertificate } = await import('./certificate.js');
    const { out, provenance = false } = options;
    await writeCertificate(options.certificate, model, optimized, { out, provenance, options: given });
  }
  const written: OptimizeReport = { ...report, bytes: { ...report.bytes, after: bytes } };
  if (options.out !== '-') summarize(path, written, options, output);
  output.object(written);
}

const EXAMPLES = `
Example:
  resonnx optimize model.onnx -o model.opt.onnx
  resonnx optimize model.onnx -o small.onnx --shape x=1,3,224,224 --max-growth 65536 --json

Exit codes: 0 done, 1 the result differs, 2 wrong usage, 3 the model cannot be read or is not valid ONNX, 70 a defect of resonnx`;

const TARGETS: readonly string[] = ['standard', 'ort-cpu', 'ort-web-wasm', 'ort-web-webgpu'];

/** The options of the configuration file for this model. */
async function configured(path: string, { config: given }: Options): Promise<OptimizeOptions> {
  if (given === false || (given === undefined && findConfig(process.cwd()) === undefined)) return {};
  const { loadConfig, optimizeOptions, optionsFor } = await import('../api/config.js');
  const { config, file } = await loadConfig(process.cwd(), given);
  return optimizeOptions(optionsFor(config, resolve(path), dirname(file ?? process.cwd())));
}

function readOptions({ target, opset, maxGrowth, ...options }: Options): OptimizeOptions {
  if (target !== undefined && !TARGETS.includes(target))
    throw usage(`--target ${target}: give one of ${TARGETS.join(', ')}`);
  return {
    ...(target !== undefined && { target: target as Target }),
    ...(opset !== undefined && { opset: opset === 'keep' || opset === 'auto' ? opset : count('opset', opset) }),
    ...(maxGrowth !== undefined && { maxGrowth: count('max-growth', maxGrowth) }),
    ...(!options.verify && { verify: false }),
    ...(options.skip && { skip: options.skip }),
    ...(options.only && { only: options.only }),
    ...(options.shape && { shapes: parseShapes(options.shape) }),
    ...(options.samples !== undefined && { samples: count('samples', options.samples) }),
    ...(options.seed !== undefined && { seed: count('seed', options.seed) }),
  };
}

/** Observers of the pipeline, where any are asked for. */
async function instruments(options: Options, output: Output): Promise<Pick<OptimizeOptions, 'afterPass'>> {
  const { printIrAfter, dumpDir, stopAfter } = options;
  if (printIrAfter === undefined && dumpDir === undefined && stopAfter === undefined) return {};
  return (await import('./instruments.js')).instruments(options, output);
}

function summarize(path: string, report: OptimizeReport, options: Options, output: Output): void {
  const { nodes, bytes, passes, reverted, verification } = report;
  output.say(`${path} → ${options.out}`);
  output.say(`  nodes ${nodes.before} → ${nodes.after}, bytes ${bytes.before} → ${bytes.after}`);
  for (const { name, rewrites, ms } of passes) {
    if (rewrites > 0 || options.time) {
      output.say(`  ${name}: ${rewrites} rewrites${options.time ? `, ${ms.toFixed(1)} ms` : ''}`);
    }
  }
  for (const { pass, site, why } of reverted) output.say(`  taken back: ${pass} at ${site}: ${why}`);
  output.say(`  ${sentence(verification)}`);
}

function sentence(verification: OptimizeReport['verification']): string {
  const { status, why, samples, outputs } = verification;
  if (verification.method === 'unchanged') return 'nothing to do: the model is written as it was';
  const worst = outputs.reduce((most, { maxRel }) => Math.max(most, maxRel), 0);
  const noise = outputs.reduce((most, { noiseFloor }) => Math.max(most, noiseFloor ?? 0), 0);
  const compared = `${samples} inputs, largest difference ${worst === 0 ? '0' : worst.toExponential(1)}`;
  const floor = noise > 0 ? ` (${(worst / noise).toFixed(1)} × the model's own rounding noise)` : '';
  if (samples === 0) return why === undefined ? status : `${status}: ${why}`;
  return `${status}: ${compared}${floor}${why === undefined ? '' : `; ${why}`}`;
}
