import type { Command } from 'commander';
import { findPass, PASSES } from '../../passes/index.js';
import { optimizePipeline } from '../../passes/presets.js';
import { unknownPass } from '../diagnostics/codes/optimize.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { OptionSpec } from '../pass/pass.js';
import type { AnyPass } from '../pass/run.js';
import { Output, type Streams } from './io.js';

/** Adds `passes`: the registry. */
export function registerPasses(program: Command, streams: Streams): void {
  program
    .command('passes')
    .description('list the passes, or show one in full')
    .argument('[name]', 'a pass')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action((name: string | undefined, options: { readonly json?: boolean }) => {
      const output = new Output(streams, options);
      const chosen = name === undefined ? PASSES : [getPass(name)];
      if (!options.json) for (const pass of chosen) output.say(name === undefined ? line(pass) : full(pass));
      output.object({ schema: 'resonnx/passes@1', passes: chosen.map(describe), optimize: optimizePipeline.names });
    });
}

const EXAMPLES = `
Example:
  resonnx passes fold-constants

Exit codes: 0 done, 2 wrong usage, or there is no such pass`;

function getPass(name: string): AnyPass {
  const pass = findPass(name);
  if (pass) return pass;
  throw new ResonnxError([
    unknownPass(
      name,
      PASSES.map((each) => each.name),
    ),
  ]);
}

function line({ name, semantics, summary }: AnyPass): string {
  return `${name.padEnd(36)} ${semantics.padEnd(16)} ${summary}`;
}

function full(pass: AnyPass): string {
  const { options, rules } = describe(pass);
  const lines = [pass.name, `  ${pass.summary}`, `  semantics: ${pass.semantics}`];
  for (const [rule, what] of Object.entries(rules)) lines.push(`  rule ${rule}: ${what}`);
  for (const option of options)
    lines.push(`  option ${option.name} (${option.type}, ${option.default}): ${option.summary}`);
  return lines.join('\n');
}

function describe({ name, semantics, summary, options = {}, rules = {} }: AnyPass) {
  const list = Object.entries(options as Readonly<Record<string, OptionSpec>>);
  return { name, semantics, summary, rules, options: list.map(([option, spec]) => ({ name: option, ...spec })) };
}
