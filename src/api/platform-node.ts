import { ResonnxError } from '../diagnostics/diagnostic.js';
import { createInstalledRuntime, lazyRuntime } from '../numerics/ort-installed.js';
import { FLOAT64, type Runtime } from '../numerics/runtime.js';

/** What optimizing and verifying need of their surroundings, in Node; `#platform` of package.json chooses. */
export { createInstalledRuntime } from '../numerics/ort-installed.js';

/** The runtime of this machine; where it has none the evaluator, which computes small models in float64. */
export function startRuntime(): Runtime | undefined {
  try {
    return createInstalledRuntime();
  } catch (cause) {
    if (!(cause instanceof ResonnxError && cause.code === 'runtime/missing')) throw cause;
    return lazyRuntime(FLOAT64, '1', async () => {
      const { createFloat64Runtime } = await import('../numerics/float64.js');
      return createFloat64Runtime();
    });
  }
}
