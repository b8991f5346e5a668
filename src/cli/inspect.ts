import type { Command } from 'commander';
import { writeText } from '../api/files.js';
import { inspect, type Inspection } from '../api/inspect.js';
import { collect, parseShapes } from './arguments.js';
import { inspectionText } from './inspection-text.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

interface Options {
  readonly shape?: readonly string[];
  readonly values?: boolean;
  readonly html?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `inspect`: the anatomy of models. */
export function registerInspect(program: Command, streams: Streams): void {
  program
    .command('inspect')
    .description('show the residual streams, norms and types of a model')
    .argument('<model...>', 'models to read; - reads standard input')
    .option(
      '--shape <name=dims>',
      'fix the size of an input, e.g. x=1,3,224,224 (? keeps a dim); may be repeated',
      collect,
    )
    .option('--values', 'add every value with its inferred type')
    .option('--html <file>', 'write the report as one HTML file')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (paths: readonly string[], options: Options) => {
      const output = new Output(streams, options);
      const shapes = options.shape && parseShapes(options.shape);
      const files: Inspection[] = [];
      for (const path of paths) {
        const model = await loadArgument(path, streams, output);
        const report = inspect(model, { ...(shapes && { shapes }), values: options.values ?? false });
        files.push(report);
        if (!options.json) output.say(inspectionText(report, output.colors));
      }
      if (options.html !== undefined) {
        const { inspectPage } = await import('../report/inspect-page.js');
        writeText(options.html, inspectPage(files));
      }
      const [only] = files;
      output.object(files.length === 1 && only ? only : { schema: 'resonnx/inspect@1', files });
    });
}

const EXAMPLES = `
Example:
  resonnx inspect model.onnx
  resonnx inspect model.onnx --json --shape input_ids=1,128 --values
  resonnx inspect model.onnx --html report.html

Exit codes: 0 done, 2 wrong usage, 3 a model cannot be read or is not valid ONNX`;
