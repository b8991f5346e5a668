import type { Command } from 'commander';
import { check, type CheckReport } from '../api/check.js';
import { collect, count, parseShapes } from './arguments.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

interface Options {
  readonly shape?: readonly string[];
  readonly maxWarnings?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `check`: lints and the proof of shape alignment. */
export function registerCheck(program: Command, streams: Streams): void {
  program
    .command('check')
    .description('look for defects in the residual structure and the shapes of models')
    .argument('<model...>', 'models to read; - reads standard input')
    .option(
      '--shape <name=dims>',
      'fix the size of an input, e.g. x=1,3,224,224 (? keeps a dim); may be repeated',
      collect,
    )
    .option('--max-warnings <n>', 'more warnings than this are an error as well')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (paths: readonly string[], options: Options) => {
      const output = new Output(streams, options);
      const shapes = options.shape && parseShapes(options.shape);
      const most = options.maxWarnings === undefined ? Infinity : count('max-warnings', options.maxWarnings);
      const files: CheckReport[] = [];
      for (const path of paths) {
        const report = check(await loadArgument(path, streams, output), shapes ? { shapes } : {});
        files.push(report);
        for (const { at, ...finding } of report.findings) {
          output.diagnostic({ ...finding, at: { ...at, file: at.file ?? report.file } });
        }
        const { errors, warnings, infos } = report;
        if (!options.json) output.say(`${report.file}: ${errors} errors, ${warnings} warnings, ${infos} infos`);
      }
      const [only] = files;
      output.object(files.length === 1 && only ? only : { schema: 'resonnx/check@1', files });
      const warnings = files.reduce((sum, file) => sum + file.warnings, 0);
      if (files.some((file) => file.errors > 0)) throw new Exit(EXIT.no);
      if (warnings > most) throw new Exit(EXIT.no, `error: ${warnings} warnings, ${most} are allowed`);
    });
}

const EXAMPLES = `
Example:
  resonnx check model.onnx
  resonnx check models/*.onnx --max-warnings 0 --json

Exit codes: 0 done, 1 a finding is an error, or there are too many warnings, 2 wrong usage, 3 a model cannot be read or is not valid ONNX`;
