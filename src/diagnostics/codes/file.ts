import { diagnostic } from '../build.js';
import type { Diagnostic } from '../diagnostic.js';

/** The file changed while it was being read. */
export function fileChanged(file: string): Diagnostic {
  const message = `${file} changed while it was being read`;
  return diagnostic('error', 'file/changed', { file, path: '' }, message, 'Run again when nothing writes to the file.');
}

/** The file cannot be read. */
export function fileUnreadable(file: string, why: string): Diagnostic {
  return diagnostic(
    'error',
    'file/unreadable',
    { file, path: '' },
    `${file} cannot be read: ${why}`,
    'Check the path and its permissions.',
  );
}

/** The output cannot be written. */
export function fileUnwritable(file: string, why: string): Diagnostic {
  return diagnostic(
    'error',
    'file/unwritable',
    { file, path: '' },
    `${file} cannot be written: ${why}`,
    'Check that the folder exists and can be written to.',
  );
}

/** The output is larger than one protobuf file can be. */
export function tooLarge(file: string, bytes: number): Diagnostic {
  const message = `the model takes ${bytes} bytes; a single ONNX file holds at most 2147483647`;
  return diagnostic(
    'error',
    'file/too-large',
    { file, path: '' },
    message,
    'Write its weights beside it with --external-data FILE.',
  );
}
