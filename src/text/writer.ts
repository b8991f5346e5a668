import { textTooLong } from '../diagnostics/codes/text.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { NotedText } from './print-type.js';

/** Longest list that stands on one line, in characters. */
const LINE = 100;
const INDENT = '  ';

/** Puts text together, line by line. */
export class Writer {
  readonly #parts: string[] = [];
  readonly #hasNotes: boolean;
  #indent = '';

  /** Without `hasNotes` annotations are left out. */
  constructor(hasNotes: boolean) {
    this.#hasNotes = hasNotes;
  }

  /** Everything that was written, with a line break at the end. @throws ResonnxError text/too-long */
  toText(): string {
    try {
      return `${this.#parts.join('')}\n`;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new ResonnxError([textTooLong({ path: '' })], { cause: error });
    }
  }

  /** Goes on with the line. */
  write(text: string): void {
    this.#parts.push(text);
  }

  /** Begins a new line. */
  line(text = ''): void {
    this.#parts.push(this.#parts.length === 0 ? '' : '\n', this.#indent, text);
  }

  /** The annotations that will be written. */
  shown(notes: readonly string[]): readonly string[] {
    return this.#hasNotes ? notes : [];
  }

  /** One line for each annotation. */
  notes(notes: readonly string[]): void {
    for (const note of this.shown(notes)) this.line(note);
  }

  /** Indents the lines that `body` begins. */
  indented(body: () => void): void {
    const before = this.#indent;
    this.#indent += INDENT;
    body();
    this.#indent = before;
  }

  /** Items between `open` and `close`: on this line when they are short and without annotations, else one a line. */
  list(open: string, close: string, items: readonly NotedText[]): void {
    const length = items.reduce((sum, item) => sum + item.text.length + 2, 0);
    if (length <= LINE && items.every(({ notes }) => this.shown(notes).length === 0)) {
      this.write(`${open}${items.map((item) => item.text).join(', ')}${close}`);
    } else {
      this.block(open, close, items, (item) => this.noted(item));
    }
  }

  /** Begins a line with the text, after those of its annotations. */
  noted({ notes, text }: NotedText): void {
    this.notes(notes);
    this.line(text);
  }

  /** Items between `open` and `close`, each on lines of its own that `print` begins. */
  block<T>(open: string, close: string, items: readonly T[], print: (item: T) => void): void {
    this.write(open);
    this.indented(() => {
      items.forEach((item, i) => {
        print(item);
        if (i < items.length - 1) this.write(',');
      });
    });
    this.line(close);
  }
}
