import { runtimeNotGiven } from '../diagnostics/codes/runtime.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { runtimeForm } from '../numerics/runtime-form.js';
import type { ModelSource, Runtime } from '../numerics/runtime.js';
import { encodeWhole } from '../onnx/bytes.js';

/** No runtime is looked for in a browser: it has to be given. @throws ResonnxError `runtime/missing` */
export function createInstalledRuntime(): Runtime {
  throw new ResonnxError([runtimeNotGiven()]);
}

/** Makes models readable for a runtime, in memory. */
export class Workbench {
  asRead(model: Model): ModelSource {
    return this.asItIs(model);
  }

  asItIs(model: Model): ModelSource {
    return encodeWhole(runtimeForm(model)).toBytes();
  }

  close(): void {}
}
