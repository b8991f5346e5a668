import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { createOrtRuntime, locateOrt } from './ort-node.js';
import { createOrtWebRuntime, type OrtModule } from './ort-web.js';
import type { Runtime } from './runtime.js';

/** A runtime that is installed. */
export interface InstalledRuntime {
  readonly name: 'onnxruntime-node' | 'onnxruntime-web';
  readonly version: string;
  /** Where it was found. */
  readonly path: string;
}

/** The runtimes that are installed, the preferred one first; none is started. */
export function findRuntimes(): readonly InstalledRuntime[] {
  const found: InstalledRuntime[] = [];
  try {
    found.push({ name: 'onnxruntime-node', ...locateOrt() });
  } catch (cause) {
    if (!(cause instanceof ResonnxError)) throw cause;
  }
  const web = findWeb();
  return web ? [...found, web] : found;
}

/**
 * The runtime that is installed: onnxruntime-node, which runs in a process of its own; else onnxruntime-web, which runs in this one.
 * @throws ResonnxError `runtime/missing` when neither is
 */
export function createInstalledRuntime(): Runtime {
  const [first] = findRuntimes();
  return first?.name === 'onnxruntime-web' ? lazyWeb(first.version) : createOrtRuntime();
}

function findWeb(): InstalledRuntime | undefined {
  try {
    const path = createRequire(import.meta.url).resolve('onnxruntime-web');
    const manifest = readFileSync(join(dirname(path), '..', 'package.json'), 'utf8');
    return { name: 'onnxruntime-web', version: (JSON.parse(manifest) as { version: string }).version, path };
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
