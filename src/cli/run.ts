import { Command, CommanderError } from 'commander';
import { createRequire } from 'node:module';
import type { PassDefect } from '../api/defect.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { registerCommands } from './commands.js';
import { EXIT, Exit, type ExitCode } from './exit.js';
import { Output, type Streams } from './io.js';
import { writeReproducer } from './reproducer.js';

const PROCESS: Streams = { out: process.stdout, err: process.stderr, in: process.stdin };

/** Codes of diagnostics that mean that this machine lacks something. */
const LACKING = /^runtime\//;
/** Codes of diagnostics that mean that the command was told something wrong. */
const USAGE =
  /^(?:config|npy|npz)\/|^(?:file\/unwritable|shape\/binding|optimize\/unknown-pass|certificate\/malformed|recipe\/(?:malformed|operation-unknown))$/;
/** Areas of diagnostics that mean that the model cannot be read or is not valid. */
const INVALID = /^(file|proto|text|onnx)\//;

/** Runs one command line and gives its exit code. Never throws: whatever happens is told on standard error. */
export async function run(args: readonly string[], streams: Streams = PROCESS): Promise<ExitCode> {
  try {
    const program = await buildProgram(streams, args);
    await program.parseAsync([...args], { from: 'user' });
    return EXIT.done;
  } catch (cause) {
    return explain(cause, streams, args);
  }
}

function packageVersion(): string {
  return (createRequire(import.meta.url)('resonnx/package.json') as { version: string }).version;
}

async function buildProgram(streams: Streams, args: readonly string[]): Promise<Command> {
  const program = new Command('resonnx')
    .description('Inspect, verify, optimize and rewrite the residual structure of ONNX models.')
    .version(versionFor(args), '-V, --version')
    .configureOutput({ writeOut: (text) => streams.out.write(text), writeErr: (text) => streams.err.write(text) })
    .exitOverride()
    .showHelpAfterError('(resonnx --help shows the commands)');
  await registerCommands(program, streams, args);
  return program;
}

/** The path of a file that shows a defect again: the model on which a pass fails, else the command line and where it failed. */
function reproduce(error: Error, args: readonly string[]): string {
  if (isPassDefect(error)) return writeReproducer(error.reproducer, 'onnxtxt');
  const command = ['resonnx', ...args].map((each) => JSON.stringify(each)).join(' ');
  const where = `resonnx ${packageVersion()}, Node ${process.version}, ${process.platform}-${process.arch}`;
  return writeReproducer(`${command}\n${where}\n${error.stack ?? error.message}\n`, 'txt');
}

/** The version of this package where something could ask for it; other command lines need not read it. */
function versionFor(args: readonly string[]): string {
  if (!args.some((arg) => arg === '-V' || arg === '--version')) return '';
  return packageVersion();
}

function explain(cause: unknown, streams: Streams, args: readonly string[]): ExitCode {
  const output = new Output(streams, {});
  if (cause instanceof Exit) {
    if (cause.message !== '') streams.err.write(`${cause.message}\n`);
    return cause.exitCode;
  }
  if (cause instanceof CommanderError) return cause.exitCode === 0 ? EXIT.done : EXIT.usage;
  if (cause instanceof ResonnxError) {
    for (const diagnostic of cause.diagnostics) output.diagnostic(diagnostic);
    if (LACKING.test(cause.code)) return EXIT.lacking;
    if (USAGE.test(cause.code)) return EXIT.usage;
    return INVALID.test(cause.code) ? EXIT.invalid : EXIT.no;
  }
  const error = cause instanceof Error ? cause : new Error(String(cause));
  streams.err.write(
    `internal error: ${error.message}\n  This is a defect of resonnx, not of your model; please report it.\n`,
  );
  streams.err.write(`  To see it again: ${reproduce(error, args)}\n`);
  if (args.includes('--debug') || process.env['RESONNX_DEBUG']) streams.err.write(`${error.stack}\n`);
  return EXIT.defect;
}

/** Told by what it carries: its class would load what only a failure needs. */
function isPassDefect(error: Error): error is PassDefect {
  return error.name === 'InvariantError' && 'reproducer' in error;
}
