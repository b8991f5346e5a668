#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { setFlagsFromString } from 'node:v8';
import { EXIT } from './exit.js';

/** Code keeps its compiled form between runs where Node can do that (22.1 and later). */
const { enableCompileCache } = nodeModule as { readonly enableCompileCache?: () => void };

// A command is over in a second: most of what V8 would optimize in the default time is never run often enough to pay for it.
if (Number.parseInt(process.versions.v8, 10) < 15) setFlagsFromString('--interrupt-budget=1000000');
enableCompileCache?.();

// Whoever reads the output may have seen enough of it, as head has.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done);
    throw error;
  });
}

const { run } = await import('./run.js');
process.exitCode = await run(process.argv.slice(2));
