import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** No runtime to execute models with: `why` says whether it is absent or cannot be loaded. The command line ends with 4. */
export function runtimeMissing(why: string): Diagnostic {
  return diagnostic(
    'error',
    'runtime/missing',
    { path: '' },
    `models cannot be run on this machine: ${why}`,
    'Run "npm install onnxruntime-node", or onnxruntime-web, which is smaller and slower; without access to the internet beyond npm, set ONNXRUNTIME_NODE_INSTALL=skip first.',
  );
}

/** No runtime to execute models with was given, and none is looked for here. */
export function runtimeNotGiven(): Diagnostic {
  return diagnostic(
    'error',
    'runtime/missing',
    { path: '' },
    'models cannot be run here: no runtime was given',
    'Give createOrtWebRuntime(ort) with the module onnxruntime-web as the option "runtime".',
  );
}

/** The runtime gives a result that the definitions of its operators do not: `site` is where the model has them, `why` how far it is off. */
export function runtimeWrongResult(site: string, runtime: string, operators: string, why: string): Diagnostic {
  return diagnostic(
    'warning',
    'runtime/wrong-result',
    { path: site },
    `${runtime} computes this wrong (${operators}): ${why}, as computed in float64`,
    'Report it to the makers of the runtime; the rewrite that came across it was taken back.',
  );
}
