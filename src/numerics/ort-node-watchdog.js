// @ts-check
// A thread of the worker process: a run blocks the main thread, which then cannot see that the parent has gone.
const parent = process.ppid;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500);
