import type { Command } from 'commander';
import { doctor, type DoctorReport } from '../api/doctor.js';
import { EXIT, Exit } from './exit.js';
import { Output, type Streams } from './io.js';

/** Adds `doctor`: runtimes and providers on this machine, and what each allows. */
export function registerDoctor(program: Command, streams: Streams): void {
  program
    .command('doctor')
    .description('show the runtimes, providers and versions on this machine, and what they allow')
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXAMPLES)
    .action(async (options: { readonly json?: boolean }) => {
      const output = new Output(streams, options);
      const report = await doctor();
      output.object(report);
      if (!options.json) output.say(textOf(report));
      if (!report.runs) throw new Exit(EXIT.lacking);
    });
}

const EXAMPLES = `
Example:
  resonnx doctor

Exit codes: 0 models can be run and compared here, 2 wrong usage, 4 no runtime works here`;

function textOf({ version, node, platform, runtimes, runs, why, config }: DoctorReport): string {
  const lines = [`resonnx ${version}, Node ${node}, ${platform}`];
  for (const { name, version: which, providers, path } of runtimes) {
    lines.push(`${name} ${which}: providers ${providers.join(', ') || 'unknown'}`, `  ${path}`);
  }
  const [used] = runtimes;
  if (used && runs) {
    lines.push(`verify, optimize with verification, rewrite with verification: yes, with ${used.name} on the CPU`);
    if (used.name === 'onnxruntime-web') lines.push('  onnxruntime-node is faster, and survives models that crash it');
  } else {
    lines.push(`rewrite with verification: no, ${why}`);
    lines.push('verify, optimize with verification: small models alone, evaluated in float64');
    lines.push('  hint: Run "npm install onnxruntime-node", or onnxruntime-web.');
  }
  lines.push('inspect, check, diff, convert, types, optimize --no-verify: yes');
  lines.push(config === null ? 'no configuration file' : `configuration: ${config}`);
  return lines.join('\n');
}
