import type { Diagnostic, Place } from './diagnostic.js';

/** Colours a piece of text; the identity where colour is off. */
export interface Paint {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly info: (text: string) => string;
  readonly dim: (text: string) => string;
}

const PLAIN: Paint = { error: (t) => t, warning: (t) => t, info: (t) => t, dim: (t) => t };

/** The place in one line: `model.onnx: main/encoder/Add_12 (Add)`. */
export function renderPlace(at: Place): string {
  const position = at.line === undefined ? '' : `:${at.line}:${at.col ?? 1}`;
  const file = at.file === undefined ? '' : `${at.file}${position}`;
  const op = at.op === undefined ? '' : ` (${at.op})`;
  return [file, `${at.path}${op}`.trim()].filter((part) => part !== '').join(': ');
}

/** A diagnostic for people: severity, code and message, then place, related places and hint, each on a line of its own. */
export function renderDiagnostic(diagnostic: Diagnostic, paint: Paint = PLAIN): string {
  const { severity, code, message, at, related, hint } = diagnostic;
  const lines = [`${paint[severity](severity)} ${code}: ${message}`];
  const place = renderPlace(at);
  if (place !== '') lines.push(paint.dim(`  at ${place}`));
  for (const other of related ?? []) lines.push(paint.dim(`  ${other.note} at ${renderPlace(other.at)}`));
  if (hint !== undefined) lines.push(`  hint: ${hint}`);
  return lines.join('\n');
}
