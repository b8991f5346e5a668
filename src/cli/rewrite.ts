import type { Command } from 'commander';
import { fileSource } from '../api/files.js';
import { readRecipe } from '../api/recipe-file.js';
import { rewrite, type RewriteReport } from '../api/rewrite.js';
import type { ParameterReport } from '../api/report.js';
import { readNpz } from '../tensor/npy.js';
import { parseExternalData, writeModel } from './convert.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

interface Options {
  readonly out?: string;
  readonly recipe: string;
  readonly params?: string;
  readonly allow?: readonly string[];
  readonly dryRun?: boolean;
  readonly verify: boolean;
  readonly provenance?: boolean;
  readonly externalData?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds `rewrite`: residual and norm rewrites as a recipe says. */
export function registerRewrite(program: Command, streams: Streams): void {
  program
    .command('rewrite')
    .description('carry out a recipe: insert, remove, gate and move residual connections and norms')
    .argument('<model>', 'model to read; - reads standard input')
    .requiredOption('--recipe <file>', 'the recipe: JSON or a TypeScript module, one operation or a list')
    .option('-o, --out <file>', 'where to write; - writes standard output')
    .option('--params <file.npz>', 'tensors that the recipe needs')
    .option('--allow <what>', 'changes-function: the model may compute something else afterwards', collect)
    .option('--dry-run', 'show what would change and write nothing')
    .option('--no-verify', 'do not run the models to compare them')
    .option('--external-data <how>', 'FILE puts weights into that file, split=SIZE into several, none into the model')
    .option('--provenance', 'write into the metadata of new nodes where they come from')
    .option('--json', 'print one JSON object')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, options: Options) => {
      const output = new Output(streams, options);
      if (options.out === undefined && !options.dryRun) throw new Exit(EXIT.usage, 'error: give -o OUT, or --dry-run');
      const unknown = options.allow?.find((what) => what !== 'changes-function');
      if (unknown !== undefined) throw new Exit(EXIT.usage, `error: --allow ${unknown}: give changes-function`);
      const external = parseExternalData(options.externalData, options.out ?? '');
      const model = await loadArgument(path, streams, output);
      const {
        model: result,
        report,
        metadata,
      } = await rewrite(model, await readRecipe(options.recipe), {
        ...(options.params !== undefined && { parameters: readParameters(options.params) }),
        ...(options.allow && { allow: ['changes-function'] }),
        verify: options.verify,
        onProgress: (what) => output.progress(what),
        onDiagnostic: (diagnostic) => output.diagnostic(diagnostic),
      }).finally(() => output.endProgress());
      if (options.out !== undefined && !options.dryRun) {
        await writeModel(result, options.out, external, streams, { metadata, provenance: options.provenance ?? false });
      }
      if (options.out !== '-') summarize(path, report, options, output);
      output.object({ ...report, file: path, ...(options.out !== undefined && { out: options.out }) });
    });
}

const EXAMPLES = `
Example:
  resonnx rewrite model.onnx --recipe recipe.json --params params.npz -o out.onnx --allow changes-function

Exit codes: 0 done, 1 refused or not what it should be, 2 wrong usage, or the file is no recipe, 3 a file cannot be read or the model is not valid ONNX`;

function readParameters(path: string): ReturnType<typeof readNpz> {
  const source = fileSource(path);
  return readNpz(source.read(0, source.size), path);
}

function summarize(path: string, report: RewriteReport, options: Options, output: Output): void {
  const { nodes, parameters, operations } = report;
  output.say(options.dryRun || options.out === undefined ? `${path} (dry run)` : `${path} → ${options.out}`);
  output.say(`  nodes ${nodes.before} → ${nodes.after}, parameters ${parameters.before} → ${parameters.after}`);
  for (const { operation, semantics, sites, verification, equations, parameters: changes } of operations) {
    output.say(`  ${operation} (${semantics}): ${verification.status}`);
    output.say(`    ${equations.before}  →  ${equations.after}`);
    for (const site of sites) output.say(`    at ${site}`);
    for (const line of describe(changes.added)) output.say(`    + ${line}`);
    for (const line of describe(changes.removed)) output.say(`    − ${line}`);
  }
}

/** One line for each kind of parameter, with how many there are. */
function describe(parameters: readonly ParameterReport[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { name, dtype, shape } of parameters) {
    const line = `${name} ${dtype}[${shape.join(', ')}]`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  return [...counts].map(([line, count]) => (count === 1 ? line : `${line} ×${count}`));
}
