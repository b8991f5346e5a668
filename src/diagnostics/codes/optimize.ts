import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** A pass that is named does not exist. */
export function unknownPass(name: string, known: readonly string[]): Diagnostic {
  return diagnostic(
    'error',
    'optimize/unknown-pass',
    { path: '' },
    `there is no pass "${name}"`,
    `Use one of ${known.join(', ')}.`,
  );
}

/** The model cannot be brought to the opset that was asked for. */
export function opsetUnsupported(wanted: string, have: number | undefined): Diagnostic {
  return diagnostic(
    'error',
    'optimize/opset',
    { path: '' },
    `the model imports opset ${have ?? 'none'}; converting it to ${wanted} is not supported`,
    'Leave --opset out, or give keep.',
  );
}
