import { constants } from 'node:os';

const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs what blocks and must not be left half done: a signal that comes meanwhile ends the process when it is done. */
export async function uninterrupted<T>(action: () => T): Promise<T> {
  const end = (signal: (typeof ENDING)[number]): never => process.exit(128 + constants.signals[signal]);
  for (const signal of ENDING) process.on(signal, end);
  try {
    return action();
  } finally {
    // Signals are delivered when the event loop has polled.
    await new Promise((resolve) => setTimeout(resolve, 1));
    for (const signal of ENDING) process.off(signal, end);
  }
}
