import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { createOrtRuntime } from './ort-node.js';
import { createOrtWebRuntime, type OrtModule } from './ort-web.js';
import type { Runtime } from './runtime.js';

/**
 * The runtime that is installed: onnxruntime-node, which runs in a process of its own; else onnxruntime-web, which runs in this one.
 * @throws ResonnxError `runtime/missing` when neither is
 */
export function createInstalledRuntime(): Runtime {
  try {
    return createOrtRuntime();
  } catch (cause) {
    const web = cause instanceof ResonnxError && cause.code === 'runtime/missing' ? findWeb() : undefined;
    if (web !== undefined) return lazyWeb(web);
    throw cause;
  }
}

/** The version of the onnxruntime-web that is installed. */
function findWeb(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve('onnxruntime-web');
    const manifest = readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8');
    return (JSON.parse(manifest) as { version: string }).version;
  } catch {
    return undefined;
  }
}

/** onnxruntime-web, loaded when the first model is opened. */
function lazyWeb(version: string): Runtime {
  let loaded: Promise<Runtime> | undefined;
  return {
    name: 'onnxruntime-web',
    version,
    async open(model, options) {
      loaded ??= loadWeb();
      return (await loaded).open(model, options);
    },
    close: async () => undefined,
  };
}

async function loadWeb(): Promise<Runtime> {
  const ort = (await import('onnxruntime-web')) as unknown as OrtModule & { env: { wasm: { numThreads?: number } } };
  ort.env.wasm.numThreads = 1; // so that sums have one order
  return createOrtWebRuntime(ort);
}
