import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** An array is shorter or longer than its dtype and shape say. */
export function npyLength(file: string, path: string, expected: number, actual: number): Diagnostic {
  return diagnostic(
    'error',
    'npy/length',
    { file, path },
    `the array takes ${expected} bytes by its dtype and shape, the file has ${actual}`,
    'Save the array again; the file was cut or changed.',
  );
}

/** The bytes do not start like a NumPy array, or the header cannot be read; `why` says which. */
export function npyMalformed(file: string, path: string, why: string): Diagnostic {
  return diagnostic('error', 'npy/malformed', { file, path }, why, 'Write the array with numpy.save or numpy.savez.');
}

/** A dtype that ONNX has no counterpart of, or that NumPy has no name for. */
export function npyUnsupportedDtype(file: string, path: string, dtype: string): Diagnostic {
  return diagnostic(
    'error',
    'npy/unsupported-dtype',
    { file, path },
    `dtype ${dtype} has no counterpart`,
    'Convert the array to a boolean, integer, float, complex or string dtype of fixed size.',
  );
}

/** The archive has no `.npy` entry. */
export function npzEmpty(file: string): Diagnostic {
  return diagnostic(
    'error',
    'npz/empty',
    { file, path: '' },
    'the archive holds no arrays (no entry ends in .npy)',
    'Write it with numpy.savez, one keyword per array.',
  );
}

/** Not a ZIP archive, or one whose directory, entry or checksum is damaged, encrypted or of an unknown method. */
export function npzMalformed(file: string, path: string, why: string): Diagnostic {
  return diagnostic('error', 'npz/malformed', { file, path }, why, 'Write the archive again with numpy.savez.');
}
