import type { Command } from 'commander';
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import { bisect, type BisectReport } from '../api/bisect.js';
import { pipelineLine } from '../api/defect.js';
import { readBinary } from '../api/files.js';
import { collect, count } from './arguments.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

interface Options {
  readonly skip?: readonly string[];
  readonly only?: readonly string[];
  readonly seed?: string;
  readonly out?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `bisect`: which rewrite breaks a model, or where two versions part. */
export function registerBisect(program: Command, streams: Streams): void {
  program
    .command('bisect')
    .description('find the rewrite of the pipeline that breaks a model, or the value at which two models part')
    .argument('<model>', 'the model; a reproducer (.onnxtxt) names its own passes')
    .argument('[other]', 'another version of it, with the same names where they agree')
    .option('--skip <pass>', 'leave this pass out; may be repeated', collect)
    .option('--only <pass>', 'run only this pass; may be repeated', collect)
    .option('--seed <n>', 'seed of the inputs')
    .option('-o, --out <file.onnxtxt>', 'where to write a small model on which the pass at fault shows it')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, other: string | undefined, options: Options) => {
      const output = new Output(streams, options);
      const model = await loadArgument(path, streams, output);
      const second = other === undefined ? undefined : await loadArgument(other, streams, output);
      const only = options.only ?? passesNamed(path);
      const { report, reproducer } = await bisect(model, second, {
        ...(options.skip && { skip: options.skip }),
        ...(only && { only }),
        ...(options.seed !== undefined && { seed: count('seed', options.seed) }),
        onProgress: (what) => output.progress(what),
      }).finally(() => output.endProgress());
      show(report, output);
      if (reproducer !== undefined && options.out !== undefined) {
        writeFileSync(options.out, reproducer);
        output.say(`  reproducer: ${options.out}`);
      }
      output.object(report);
      if (report.found) throw new Exit(EXIT.no);
    });
}

const EXAMPLES = `
Example:
  resonnx bisect model.onnx
  resonnx bisect before.onnx after.onnx --json

Exit codes: 0 nothing is wrong, 1 the place was found, 2 wrong usage, 3 a model cannot be read or is not valid ONNX,
4 models cannot be run on this machine`;

function passesNamed(path: string): readonly string[] | undefined {
  if (extname(path) !== '.onnxtxt') return undefined;
  return pipelineLine(new TextDecoder().decode(readBinary(path).subarray(0, 4096)));
}

function show({ found, rewrites, runs, rewrite, value, why }: BisectReport, output: Output): void {
  if (rewrite) {
    const { number, pass, rule, at } = rewrite;
    output.say(`rewrite ${number} of ${rewrites} is wrong: ${pass} (${rule}) at ${at}`);
  } else if (value) output.say(`they part at ${value.name}, made by ${value.node} (${value.op})`);
  else output.say(found ? 'they differ' : 'nothing is wrong');
  if (why !== undefined) output.say(`  ${why}`);
  if (value) output.say(`  relative difference ${value.maxRel.toExponential(2)}`);
  output.say(`  ${runs} comparisons`);
}
