import { diagnostic } from '../build.js';
import type { Diagnostic, Place } from '../diagnostic.js';

/** A `#@` line that is not `#@ target field: json`, names no field of the target, or has a value of the wrong kind. */
export function badAnnotation(at: Place, why: string): Diagnostic {
  return diagnostic(
    'error',
    'text/bad-annotation',
    at,
    why,
    'Write "#@ target field: json" right before the element, or "# …" for a comment.',
  );
}

/** An attribute whose value is not of the type that its annotation, or the rest of its list, says. */
export function attributeTypeMismatch(at: Place, name: string, expected: string, found: string): Diagnostic {
  return diagnostic(
    'error',
    'text/attribute-type-mismatch',
    at,
    `attribute ${name} is ${expected}, its value ${found}`,
  );
}

/** A header key, attribute or function parameter that was given before. */
export function duplicateName(at: Place, what: string, name: string): Diagnostic {
  return diagnostic('error', 'text/duplicate-name', at, `${what} ${name} is given twice`, `Remove one ${name}.`);
}

/** Something else stands where the syntax wants `expected`. */
export function expectedSyntax(at: Place, expected: string, found: string, hint?: string): Diagnostic {
  return diagnostic('error', 'text/expected', at, `expected ${expected}, found ${found}`, hint);
}

/** Graphs, types or annotation values inside each other beyond the limit, in a text or in a model that is printed. */
export function nestedTooDeep(at: Place, limit: number): Diagnostic {
  const message = `graphs or types are nested more than ${limit} deep`;
  return diagnostic('error', 'text/nested-too-deep', at, message, 'Flatten the nested subgraphs or types.');
}

/** A file that is named as text holds bytes that no text has. */
export function notText(at: Place): Diagnostic {
  const message = `${at.file ?? 'the input'} is not ONNX text: it holds binary data`;
  return diagnostic('error', 'text/not-text', at, message, 'Give binary models the file name extension .onnx.');
}

/** A number that the element type or field cannot hold. */
export function numberOutOfRange(at: Place, number: string, type: string): Diagnostic {
  return diagnostic('error', 'text/number-out-of-range', at, `${number} is outside the range of ${type}`);
}

/** A tensor whose type is not an element type with numeric dims. */
export function tensorTypeExpected(at: Place, name: string): Diagnostic {
  const message = `the type of ${name === '' ? 'a tensor with values' : `${name}, which has values,`} is not an element type with numeric dims`;
  return diagnostic('error', 'text/tensor-type', at, message, 'Give every dim as a number, as in float[2, 3].');
}

/** The text is longer than a string can be. */
export function textTooLong(at: Place): Diagnostic {
  const message = 'the text of the model is longer than a string can be';
  return diagnostic('error', 'text/too-long', at, message, 'Keep large tensors as external data.');
}

/** A type name that ONNX text does not have. */
export function unknownType(at: Place, what: string, name: string): Diagnostic {
  return diagnostic('error', 'text/unknown-type', at, `${name} is not ${what}`);
}

/** A header key that models or functions do not have. */
export function unknownKey(at: Place, key: string, known: readonly string[]): Diagnostic {
  const hint = `Use one of ${known.join(', ')}.`;
  return diagnostic('error', 'text/unknown-key', at, `${key} is not a header key`, hint);
}

/** A string without its closing quote. */
export function unterminatedString(at: Place): Diagnostic {
  return diagnostic('error', 'text/unterminated-string', at, 'this string has no closing quote', 'Close it with ".');
}

/** A tensor whose number of values is not what its shape says. */
export function valueCountMismatch(at: Place, name: string, values: number, expected: string): Diagnostic {
  const message = `${name === '' ? 'the tensor' : name} has ${values} values, its shape ${expected}`;
  return diagnostic('error', 'text/value-count', at, message);
}
