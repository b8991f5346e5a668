import type { Command } from 'commander';
import { existsSync, readFileSync } from 'node:fs';
import { declareModel } from '../api/bindings.js';
import { writeText } from '../api/files.js';
import { typesStale } from '../diagnostics/codes/types.js';
import { usage } from './arguments.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

interface Options {
  readonly out?: string;
  readonly check?: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `types`: typed bindings beside models. */
export function registerTypes(program: Command, streams: Streams): void {
  program
    .command('types')
    .description(
      'write TypeScript declarations for importing a model: exact names and element types of inputs and outputs',
    )
    .argument('<model...>', 'models to read; - reads standard input')
    .option('-o, --out <file>', 'where to write (default: MODEL.d.onnx.ts beside the model); - writes standard output')
    .option('--check', 'write nothing; fail when the declarations are stale')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (paths: readonly string[], options: Options) => {
      if (options.out !== undefined && paths.length > 1) throw usage('--out takes one model');
      const output = new Output(streams, options);
      const files: { readonly file: string; readonly out: string; readonly stale: boolean }[] = [];
      for (const path of paths) {
        const out = options.out ?? sidecarOf(path);
        const text = await declareModel(await loadArgument(path, streams, output));
        files.push({ file: path, out, stale: place(text, path, out, options, output) });
      }
      output.object({ schema: 'resonnx/types@1', files });
      if (options.check && files.some(({ stale }) => stale)) throw new Exit(EXIT.no);
    });
}

const EXAMPLES = `
Example:
  resonnx types src/models/*.onnx
  resonnx types src/models/*.onnx --check

TypeScript finds the declarations with "allowArbitraryExtensions": true in tsconfig.json.

Exit codes: 0 done, 1 stale declarations, 2 wrong usage, 3 a model cannot be read or is not valid ONNX`;

/** `a/model.d.onnx.ts` for `a/model.onnx`, which is where TypeScript looks. */
function sidecarOf(path: string): string {
  const [, stem, extension] = /^(.*)\.(onnx(?:txt)?)$/.exec(path) ?? [];
  if (stem === undefined)
    throw usage(`${path}: its name does not end in .onnx; say with --out where the declarations go`);
  return `${stem}.d.${extension}.ts`;
}

/** Writes or checks one file; gives whether what was there was stale. */
function place(text: string, path: string, out: string, options: Options, output: Output): boolean {
  if (out === '-') {
    output.streams.out.write(text);
    return false;
  }
  const before = existsSync(out) ? readFileSync(out, 'utf8').replaceAll('\r\n', '\n') : undefined;
  const stale = before !== text;
  if (stale && options.check) output.diagnostic(typesStale(out, path, before !== undefined));
  if (stale && !options.check) writeText(out, text);
  if (!options.check) output.say(`${path} → ${out}${stale ? '' : ' (as it was)'}`);
  return stale;
}
