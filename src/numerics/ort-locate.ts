import { createRequire } from 'node:module';
import { runtimeMissing } from '../diagnostics/codes/runtime.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';

/** Where a package of onnxruntime-node lies, and its version. @throws ResonnxError `runtime/missing` */
export function locateOrt(specifier = 'onnxruntime-node'): { path: string; version: string } {
  const require = createRequire(import.meta.url);
  try {
    const { version } = require(`${specifier}/package.json`) as { version: string };
    return { path: require.resolve(specifier), version };
  } catch (cause) {
    throw new ResonnxError([runtimeMissing(`${specifier} is not installed`)], { cause });
  }
}
