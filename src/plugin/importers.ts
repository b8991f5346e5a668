import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/** A place in a file that imports a model; lines from 1, columns from 0. */
export interface ImportPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Remembers who imported what, so that errors can point there. */
export class Importers {
  readonly #seen = new Map<string, { readonly importer: string; readonly specifier: string }>();

  add(id: string, specifier: string, importer: string | undefined): void {
    if (importer !== undefined) this.#seen.set(id, { importer: importer.replace(/\?.*$/s, ''), specifier });
  }

  /** Where the model of this id is imported. */
  find(id: string): ImportPlace | undefined {
    const seen = this.#seen.get(id);
    if (!seen) return undefined;
    const { importer, specifier } = seen;
    const lines = readLines(importer);
    const line = lines.findIndex((text) => text.includes(specifier));
    if (line < 0) return { file: importer, line: 1, column: 0 };
    return { file: importer, line: line + 1, column: lines[line]!.indexOf(specifier) };
  }
}

function readLines(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}

/** `src/main.ts:3:19`, as editors and terminals link it. */
export function showPlace({ file, line, column }: ImportPlace, root: string): string {
  return `${relative(root, file)}:${line}:${column + 1}`;
}
