import type { Command } from 'commander';
import { verify, type VerifyReport } from '../api/verify.js';
import { readBinary } from '../api/files.js';
import { readNpz } from '../tensor/npy.js';
import type { Feeds } from '../numerics/inputs.js';
import type { Model } from '../ir/model.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';
import { collect, count, parseShapes, usage } from './arguments.js';

interface Options {
  readonly inputs?: string;
  readonly certificate?: string;
  readonly samples?: string;
  readonly seed?: string;
  readonly shape?: readonly string[];
  readonly checkLevels?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `verify`: numeric comparison of two models. */
export function registerVerify(program: Command, streams: Streams): void {
  program
    .command('verify')
    .description('run two models on the same inputs and compare what they give')
    .argument('<a>', 'the model that is right')
    .argument('<b>', 'the model to compare with it')
    .option('--inputs <file>', '.npz with one array for each input, named X or in:X')
    .option('--certificate <file.json>', 'check that these are its models, and do again what it says')
    .option('--samples <n>', 'inputs to make and compare on')
    .option('--seed <n>', 'seed of the inputs')
    .option(
      '--shape <name=dims>',
      'size of an input, e.g. x=1,3,224,224 (? leaves a dim open); may be repeated',
      collect,
    )
    .option('--check-levels', "compare also with the runtime's own optimizations")
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, options: Options) => {
      const output = new Output(streams, options);
      const first = await loadArgument(a, streams, output);
      const second = await loadArgument(b, streams, output);
      const report = await compare(first, second, options, (what) => output.progress(what)).finally(() =>
        output.endProgress(),
      );
      show(report, output);
      output.object(report);
      const { status } = report.verification;
      if (status === 'mismatch') throw new Exit(EXIT.no);
      if (status === 'unverifiable') throw new Exit(EXIT.lacking);
    });
}

async function compare(
  first: Model,
  second: Model,
  options: Options,
  onProgress: (what: string) => void,
): Promise<VerifyReport> {
  const { certificate, inputs, checkLevels = false } = options;
  if (certificate !== undefined) {
    if (inputs !== undefined) throw usage('--inputs: a certificate has its own');
    const { readCertificate, versions } = await import('./certificate.js');
    const { replay } = await import('../api/replay.js');
    return replay(readCertificate(certificate), first, second, { versions: versions(), checkLevels, onProgress });
  }
  return verify(first, second, {
    ...(inputs !== undefined && { feeds: [readFeeds(inputs, first)] }),
    ...(options.samples !== undefined && { samples: count('samples', options.samples) }),
    ...(options.seed !== undefined && { seed: count('seed', options.seed) }),
    ...(options.shape && { shapes: parseShapes(options.shape) }),
    checkLevels,
    onProgress,
  });
}

const EXAMPLES = `
Example:
  resonnx verify model.onnx model.opt.onnx
  resonnx verify a.onnx b.onnx --inputs given.npz --check-levels
  resonnx verify model.onnx model.opt.onnx --certificate model.json

Exit codes: 0 they agree, 1 they differ, 2 wrong usage, 3 a model cannot be read or is not valid ONNX, 4 a model cannot be run here`;

/** Arrays for the inputs of the model, named as they are or with `in:` before. */
function readFeeds(path: string, model: Model): Feeds {
  const arrays = readNpz(readBinary(path), path);
  const feeds: [string, Feeds[string]][] = [];
  for (const { name } of model.graph.inputs) {
    const array = arrays.get(`in:${name}`) ?? arrays.get(name);
    if (array) feeds.push([name, array]);
  }
  return Object.fromEntries(feeds);
}

function show({ verification, levels, certificate }: VerifyReport, output: Output): void {
  const { status, why, samples, outputs } = verification;
  output.say(`${status}${why === undefined ? '' : `: ${why}`}`);
  for (const { name, maxAbs, maxRel, noiseFloor, excluded } of outputs) {
    const noise = noiseFloor === null ? '' : `, rounding noise ${noiseFloor.toExponential(1)}`;
    output.say(
      excluded
        ? `  ${name}: not compared, it differs between two runs of the first model`
        : `  ${name}: largest difference ${maxAbs.toExponential(1)}, relative ${maxRel.toExponential(1)}${noise}`,
    );
  }
  if (samples > 0) output.say(`  ${samples} inputs`);
  if (certificate) {
    const { rewrites, replayed, share, why: reason } = certificate;
    const alone = `${Math.floor(100 * share)} % of them by themselves`;
    output.say(`  ${replayed} of ${rewrites} rewrites replayed, ${alone}${reason === undefined ? '' : `: ${reason}`}`);
  }
  for (const { level, original, result } of levels ?? []) {
    output.say(
      `  optimization level ${level}: ${result}${original === 'match' ? '' : ' (the first model is wrong there too)'}`,
    );
  }
}
