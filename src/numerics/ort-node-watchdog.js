// @ts-check
// A thread of the worker process: a run blocks the main thread, which then cannot see that the parent has gone.
import { rmSync } from 'node:fs';
import { workerData } from 'node:worker_threads';

const parent = process.ppid;

setInterval(() => {
  if (process.ppid === parent) return;
  rmSync(/** @type {string} */ (workerData), { recursive: true, force: true });
  process.kill(process.pid, 'SIGKILL');
}, 500);
