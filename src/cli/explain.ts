import type { Command } from 'commander';
import { explain, type ExplainReport, type MissReport } from '../api/explain.js';
import { count } from './arguments.js';
import { Output, type Streams } from './io.js';
import { loadArgument } from './model.js';

/** Misses that are shown when none is asked for by name. */
const SHOWN = 20;

interface Options {
  readonly pass: string;
  readonly node?: string;
  readonly all?: boolean;
  readonly maxGrowth?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Adds `explain`: why a pass did not fire. */
export function registerExplain(program: Command, streams: Streams): void {
  program
    .command('explain')
    .description('tell why a pass did not fire: the nearest miss, and the condition that failed')
    .argument('<model>', 'the model; - reads it from standard input')
    .requiredOption('--pass <name>', 'the pass')
    .option('--node <name>', 'a node, one of its outputs, or its place')
    .option('--max-growth <bytes>', 'as for optimize')
    .option('--all', 'every miss, not only the nearest')
    .option('--json', 'print one JSON object with all of them')
    .option('--quiet', 'print nothing but errors')
    .addHelpText('after', EXAMPLES)
    .action(async (path: string, options: Options) => {
      const output = new Output(streams, options);
      const model = await loadArgument(path, streams, output);
      const report = await explain(model, {
        pass: options.pass,
        ...(options.node !== undefined && { node: options.node }),
        ...(options.maxGrowth !== undefined && { maxGrowth: count('max-growth', options.maxGrowth) }),
        onProgress: (what) => output.progress(what),
      }).finally(() => output.endProgress());
      if (!options.json) show(report, options, output);
      output.object(report);
    });
}

const EXAMPLES = `
Example:
  resonnx explain model.onnx --pass fuse-layer-norm --node /encoder/norm/Add_1

Exit codes: 0 done, 1 there is no such node, 2 wrong usage, or there is no such pass, 3 the model cannot be read or is not valid ONNX`;

function show(report: ExplainReport, { node, all }: Options, output: Output): void {
  const { pass, rewrites, misses } = report;
  if (node === undefined) output.say(`${pass}: ${rewrites.length} rewrites`);
  else for (const each of rewrites) output.say(`rewritten by ${each.pass} (${each.rule}) at ${each.at}`);
  const near = all || node !== undefined ? misses : nearest(misses);
  if (near.length > 0) output.say('did not fire:');
  for (const { rule, at, op, reason, matched } of near) {
    output.say(`  ${at} (${op}), ${rule}: ${reason}${matched > 0 ? `, after ${matched} nodes that fit` : ''}`);
  }
  if (misses.length > near.length) output.say(`  ${misses.length - near.length} more that are further off: --all`);
  if (misses.length === 0 && (node === undefined || rewrites.length === 0))
    output.say('nothing in this model is near it');
}

/** The nearest misses, one for each node. */
function nearest(misses: readonly MissReport[]): readonly MissReport[] {
  const places = new Set<string>();
  const found: MissReport[] = [];
  for (const miss of misses) {
    if (found.length === SHOWN || miss.matched < 2) break;
    if (places.has(miss.at)) continue;
    places.add(miss.at);
    found.push(miss);
  }
  return found;
}
