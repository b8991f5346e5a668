#!/usr/bin/env node
import { EXIT } from './exit.js';
import { run } from './run.js';

// Whoever reads the output may have seen enough of it, as head has.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(process.exitCode ?? EXIT.done);
    throw error;
  });
}

process.exitCode = await run(process.argv.slice(2));
