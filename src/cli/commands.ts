import type { Command } from 'commander';
import type { Streams } from './io.js';

type Register = (program: Command, streams: Streams) => void;

/**
 * Commands in the order in which help lists them, each loaded when it is needed: a command line starts without the code of the others.
 */
const COMMANDS: Readonly<Record<string, () => Promise<Register>>> = {
  inspect: async () => (await import('./inspect.js')).registerInspect,
  check: async () => (await import('./check.js')).registerCheck,
  convert: async () => (await import('./convert.js')).registerConvert,
  optimize: async () => (await import('./optimize.js')).registerOptimize,
  rewrite: async () => (await import('./rewrite.js')).registerRewrite,
  verify: async () => (await import('./verify.js')).registerVerify,
  diff: async () => (await import('./diff.js')).registerDiff,
  bisect: async () => (await import('./bisect.js')).registerBisect,
  explain: async () => (await import('./explain.js')).registerExplain,
  types: async () => (await import('./types.js')).registerTypes,
  passes: async () => (await import('./passes.js')).registerPasses,
  doctor: async () => (await import('./doctor.js')).registerDoctor,
  complete: async () => (await import('./complete.js')).registerComplete,
};

/** Adds the command that is asked for, or all of them when none is: for help, and to say what was meant. None for the version. */
export async function registerCommands(program: Command, streams: Streams, args: readonly string[]): Promise<void> {
  const asked = args.find((arg) => !arg.startsWith('-'));
  // Completion is about all of them.
  const known = asked === undefined || asked === 'complete' ? undefined : COMMANDS[asked];
  if (asked === undefined && args.some((arg) => arg === '-V' || arg === '--version')) return;
  for (const load of known ? [known] : Object.values(COMMANDS)) (await load())(program, streams);
}
