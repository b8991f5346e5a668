import pc from 'picocolors';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import { type Paint, renderDiagnostic } from '../diagnostics/render.js';

/** Where a command reads and writes; tests give their own. Data goes to `out`, everything else to `err`. */
export interface Streams {
  readonly out: { write(text: string | Uint8Array): unknown; readonly isTTY?: boolean };
  readonly err: { write(text: string): unknown; readonly isTTY?: boolean };
  readonly in: AsyncIterable<Uint8Array>;
}

/** Output of one command: data, messages for people, one JSON object. */
export class Output {
  readonly streams: Streams;
  readonly json: boolean;
  readonly quiet: boolean;
  /** For what {@link say} writes. */
  readonly colors: ReturnType<typeof pc.createColors>;
  readonly #paint: Paint;

  constructor(streams: Streams, options: { readonly json?: boolean; readonly quiet?: boolean }) {
    this.streams = streams;
    this.json = options.json ?? false;
    this.quiet = options.quiet ?? false;
    const colorsOf = ({ isTTY }: { readonly isTTY?: boolean }): ReturnType<typeof pc.createColors> =>
      pc.createColors(isColored(isTTY === true));
    this.colors = colorsOf(this.json ? streams.err : streams.out);
    const { red, yellow, cyan, dim } = colorsOf(streams.err);
    this.#paint = { error: red, warning: yellow, info: cyan, dim };
  }

  /** Text for people; with `--json` it goes to standard error, so that standard output holds the object alone. */
  say(text: string): void {
    if (this.quiet) return;
    if (this.json) this.streams.err.write(`${text}\n`);
    else this.streams.out.write(`${text}\n`);
  }

  /** A remark on standard error. */
  note(text: string): void {
    if (!this.quiet) this.streams.err.write(`${text}\n`);
  }

  /** A diagnostic on standard error; errors are shown even when quiet. */
  diagnostic(diagnostic: Diagnostic): void {
    if (this.quiet && diagnostic.severity !== 'error') return;
    this.streams.err.write(`${renderDiagnostic(diagnostic, this.#paint)}\n`);
  }

  /** The one JSON object of `--json`. Bigints become strings, NaN and infinities their names. */
  object(value: object): void {
    if (this.json) this.streams.out.write(`${JSON.stringify(value, jsonSafe)}\n`);
  }

  /** Progress on a terminal; nothing elsewhere. */
  progress(text: string): void {
    if (!this.quiet && this.streams.err.isTTY === true) this.streams.err.write(`\r\u001B[2K${text}`);
  }

  /** Wipes the line of {@link progress}. */
  endProgress(): void {
    if (!this.quiet && this.streams.err.isTTY === true) this.streams.err.write('\r\u001B[2K');
  }
}

/** Whether a stream gets colours: terminals do, unless `NO_COLOR` or `FORCE_COLOR` say otherwise. */
function isColored(isTerminal: boolean): boolean {
  const { NO_COLOR: no, FORCE_COLOR: force } = process.env;
  if (no !== undefined && no !== '') return false;
  return force === undefined || force === '' ? isTerminal : force !== '0' && force !== 'false';
}

function jsonSafe(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
}
