import { createJiti } from 'jiti';

/**
 * The default export of a TypeScript or JavaScript module, read anew each time. `resonnx` is this package, wherever the module lies and
 * whatever is installed there.
 */
export async function importDefault(file: string): Promise<unknown> {
  const virtualModules = { resonnx: await import('./index.js') };
  return createJiti(file, { moduleCache: false, fsCache: false, virtualModules }).import(file, { default: true });
}
