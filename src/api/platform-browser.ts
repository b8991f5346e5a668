import { runtimeNotGiven } from '../diagnostics/codes/runtime.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Runtime } from '../numerics/runtime.js';

/** No runtime is looked for in a browser: it has to be given. @throws ResonnxError `runtime/missing` */
export function createInstalledRuntime(): Runtime {
  throw new ResonnxError([runtimeNotGiven()]);
}

/** A page that gives no runtime is not kept from its work by evaluating models. */
export function startRuntime(): Runtime | undefined {
  return undefined;
}
