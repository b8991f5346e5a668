/** How bad it is. Errors end the work; warnings and infos do not. */
export type Severity = 'error' | 'warning' | 'info';

/** A place in the user's model; `path` names scopes and node as the user knows them: `main/encoder.3/If_7.then/Add_12`. */
export interface Place {
  readonly file?: string;
  readonly path: string;
  readonly op?: string;
  readonly slot?: string;
  /** 1-based, in a text file. */
  readonly line?: number;
  readonly col?: number;
}

/** One message about the user's model, with a stable code documented in docs/diagnostics.md. */
export interface Diagnostic {
  /** `area/kebab-name`, stable across versions. */
  readonly code: `${string}/${string}`;
  readonly severity: Severity;
  /** What is wrong, with the values that clash. */
  readonly message: string;
  readonly at: Place;
  readonly related?: readonly { readonly at: Place; readonly note: string }[];
  /** One imperative sentence that the user can carry out. */
  readonly hint?: string;
}

/** What every failing call of the public interface throws; `code` is that of the first error. */
export class ResonnxError extends Error {
  override readonly name = 'ResonnxError';
  readonly code: Diagnostic['code'];
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly [Diagnostic, ...Diagnostic[]], options?: { readonly cause?: unknown }) {
    super(`${diagnostics[0].code}: ${diagnostics[0].message}`, options);
    this.code = diagnostics[0].code;
    this.diagnostics = diagnostics;
  }
}
