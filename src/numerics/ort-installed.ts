import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { locateOrt } from './ort-locate.js';
import type { OrtModule } from './ort-web.js';
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
  return [findNode(), findWeb()].filter((found) => found !== undefined);
}

/**
 * The runtime that is installed: onnxruntime-node, which runs in a process of its own; else onnxruntime-web, which runs in this one.
 * @throws ResonnxError `runtime/missing` when neither is
 */
export function createInstalledRuntime(): Runtime {
  const web = findNode() ? undefined : findWeb();
  return web
    ? lazyRuntime('onnxruntime-web', web.version, loadWeb)
    : lazyRuntime('onnxruntime', locateOrt().version, async () => (await import('./ort-node.js')).createOrtRuntime());
}

function findNode(): InstalledRuntime | undefined {
  try {
    return { name: 'onnxruntime-node', ...locateOrt() };
  } catch (cause) {
    if (!(cause instanceof ResonnxError)) throw cause;
    return undefined;
  }
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

/** A runtime that is loaded when the first model is opened: much of what is asked of this package runs none. */
export function lazyRuntime(name: string, version: string, create: () => Promise<Runtime>): Runtime {
  let loaded: Promise<Runtime> | undefined;
  return {
    name,
    version,
    async open(model, options) {
      loaded ??= create();
      return (await loaded).open(model, options);
    },
    async close() {
      await loaded?.then(
        (runtime) => runtime.close(),
        () => undefined, // `open` has said so
      );
    },
  };
}

async function loadWeb(): Promise<Runtime> {
  const { createOrtWebRuntime } = await import('./ort-web.js');
  const ort = (await import('onnxruntime-web')) as unknown as OrtModule & { env: { wasm: { numThreads?: number } } };
  ort.env.wasm.numThreads = 1; // so that sums have one order
  return createOrtWebRuntime(ort);
}
