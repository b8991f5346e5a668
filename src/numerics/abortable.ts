import type { Runtime, Session } from './runtime.js';

/**
 * The runtime with requests that fail with the signal's reason once it is aborted, those under way included; the runtime itself goes on
 * with them until it is closed.
 */
export function abortable(runtime: Runtime, signal: AbortSignal | undefined): Runtime {
  if (!signal) return runtime;
  const abort = <T>(task: () => Promise<T>): Promise<T> => untilAborted(signal, task);
  return {
    name: runtime.name,
    version: runtime.version,
    open: async (model, options) => {
      const session = await abort(() => runtime.open(model, options));
      return abortableSession(session, signal, abort);
    },
    close: () => runtime.close(),
  };
}

function abortableSession(
  session: Session,
  signal: AbortSignal,
  abort: <T>(task: () => Promise<T>) => Promise<T>,
): Session {
  return {
    inputs: session.inputs,
    outputs: session.outputs,
    run: (feeds, outputs) => abort(() => session.run(feeds, outputs)),
    async release() {
      const released = session.release();
      // It may stand behind a request that nobody waits for any more.
      if (signal.aborted) released.catch(() => undefined);
      else await released;
    },
  };
}

/** What the task gives; the signal's reason as an error as soon as it is aborted. */
async function untilAborted<T>(signal: AbortSignal, task: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([task(), aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
