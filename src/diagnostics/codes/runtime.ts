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
