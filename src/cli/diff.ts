import type { Command } from 'commander';
import { diff } from '../api/diff.js';
import { writeText } from '../api/files.js';
import { diffText } from './diff-text.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

interface Options {
  readonly html?: string;
  readonly exitCode?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `diff`: what changed between two models. */
export function registerDiff(program: Command, streams: Streams): void {
  program
    .command('diff')
    .description('tell what changed between two models: operators, residual sites, norms, shapes, weights')
    .argument('<a>', 'the model before; - reads standard input')
    .argument('<b>', 'the model after')
    .option('--html <file>', 'write the report as one HTML file')
    .option('--exit-code', 'exit with 1 when the models differ in more than names')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (a: string, b: string, options: Options) => {
      const output = new Output(streams, options);
      const before = await loadArgument(a, streams, output);
      const report = diff(before, await loadArgument(b, streams, output));
      if (options.html !== undefined) {
        const { diffPage } = await import('../report/diff-page.js');
        writeText(options.html, diffPage(report));
      }
      if (!options.json) output.say(diffText(report, output.colors));
      output.object(report);
      if (options.exitCode && !report.same) throw new Exit(EXIT.no);
    });
}

const EXAMPLES = `
Models are matched by structure, never by the names of nodes and values.

Example:
  resonnx diff model.onnx model.opt.onnx
  resonnx diff before.onnx after.onnx --html diff.html --exit-code

Exit codes: 0 done, 1 they differ (with --exit-code), 2 wrong usage, 3 a model cannot be read or is not valid ONNX`;
