import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

const DAMAGED = 'Export or download the model again: the file is damaged or is not an ONNX model.';

/** The source holds no bytes at all. */
export function emptyModel(at: Place): Diagnostic {
  return diagnostic('error', 'proto/empty', at, `${at.file ?? 'the model'} is empty (0 bytes)`, DAMAGED);
}

/** A length-delimited field, or a run of numbers, is longer than what memory is given for. */
export function fieldTooLarge(at: Place, offset: number, bytes: number, limit: number): Diagnostic {
  return diagnostic(
    'error',
    'proto/field-too-large',
    at,
    `${at.path} at byte ${offset} takes ${bytes} bytes in memory, more than ${limit}`,
    'Store large data in raw_data or as external data: only these may be of any length.',
  );
}

/** A packed run of numbers of fixed size whose length is not a multiple of that size. */
export function invalidRun(at: Place, offset: number, bytes: number, size: number): Diagnostic {
  const message = `${at.path} at byte ${offset} has ${bytes} bytes of packed numbers, not a multiple of ${size}`;
  return diagnostic('error', 'proto/invalid-run', at, message, DAMAGED);
}

/** Bytes where a field must begin that are no field tag: number 0, a wire type that ONNX does not use, or too long. */
export function invalidTag(at: Place, offset: number, reason: string): Diagnostic {
  return diagnostic(
    'error',
    'proto/invalid-tag',
    at,
    `${at.path} has no valid field at byte ${offset}: ${reason}`,
    DAMAGED,
  );
}

/** A variable-length integer that does not end within 10 bytes. */
export function invalidVarint(at: Place, offset: number): Diagnostic {
  const message = `${at.path} has an integer at byte ${offset} that does not end within 10 bytes`;
  return diagnostic('error', 'proto/invalid-varint', at, message, DAMAGED);
}

/** Messages inside messages beyond the limit, in bytes that are read (with their offset) or in a model that is written. */
export function nestingTooDeep(at: Place, limit: number, offset?: number): Diagnostic {
  const where = offset === undefined ? '' : ` at byte ${offset}`;
  const message = `messages are nested more than ${limit} deep${where}`;
  return diagnostic('error', 'proto/nesting-too-deep', at, message, 'Flatten the nested subgraphs or types.');
}

/** The bytes are something else than a model: `what` says what they look like. */
export function notAModel(at: Place, what: string, hint: string = DAMAGED): Diagnostic {
  return diagnostic('error', 'proto/not-a-model', at, `${at.file ?? 'the input'} is not an ONNX model: ${what}`, hint);
}

/** More messages than any model has: it is damaged, or made to take all memory. */
export function tooManyMessages(at: Place, offset: number, limit: number): Diagnostic {
  const message = `${at.path} at byte ${offset} is one of more than ${limit} messages`;
  return diagnostic('error', 'proto/too-many-messages', at, message, DAMAGED);
}

/** A field says that it goes on to `end`, beyond the end of the message that holds it or of the file. */
export function truncated(at: Place, offset: number, end: number, limit: number): Diagnostic {
  const message = `${at.path} at byte ${offset} goes on to byte ${end}, but what holds it ends at byte ${limit}`;
  return diagnostic('error', 'proto/truncated', at, message, DAMAGED);
}
