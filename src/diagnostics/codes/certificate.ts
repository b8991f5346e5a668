import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** A model is not the one that the certificate is about. */
export function certificateHash(file: string, expected: string, found: string): Diagnostic {
  return diagnostic(
    'error',
    'certificate/hash',
    { file, path: '' },
    `the model has the hash ${found}, the certificate is about ${expected}`,
    'Give the models that the certificate was made for.',
  );
}

/** The file is no certificate. */
export function certificateMalformed(file: string, why: string): Diagnostic {
  return diagnostic(
    'error',
    'certificate/malformed',
    { file, path: '' },
    `the certificate cannot be read: ${why}`,
    'Make a new one with resonnx optimize --certificate FILE.',
  );
}
