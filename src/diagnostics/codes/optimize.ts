import { diagnostic, useOneOf } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** A pass that is named does not exist. */
export function unknownPass(name: string, known: readonly string[]): Diagnostic {
  return diagnostic(
    'error',
    'optimize/unknown-pass',
    { path: '' },
    `there is no pass "${name}"`,
    useOneOf(name, known),
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

/** No node, and no value that a node makes, has the name that was given. */
export function noSuchNode(name: string): Diagnostic {
  return diagnostic(
    'error',
    'optimize/unknown-node',
    { path: '' },
    `no node and no value is named "${name}"`,
    'Give the name of a node, of one of its outputs, or its place as messages show it.',
  );
}
