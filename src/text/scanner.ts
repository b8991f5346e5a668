import {
  badAnnotation,
  expectedSyntax,
  nestedTooDeep,
  numberOutOfRange,
  unterminatedString,
} from '../diagnostics/codes/text.js';
import { ResonnxError, type Diagnostic, type Place } from '../diagnostics/diagnostic.js';
import { isTypeWord } from './names.js';
import type { Note, NoteTarget } from './notes.js';

/** How deep graphs and types may be nested. */
export const MAX_NESTING = 500;

const IDENTIFIER = /[A-Za-z_][A-Za-z0-9_]*/y;
const NUMBER = /-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?/y;
const SPECIAL = /-?(?:infinity|inf|nan)(?![A-Za-z0-9_])/iy;
/** Numbers that may fit 64 bits. */
const MAX_WHOLE = /^-?0*[0-9]{1,20}$/;
const NO_NOTES: readonly Note[] = [];
const NOTE = /^#@ ([a-z]+) ([a-z][a-z0-9_]*): ([\s\S]+)$/;

/** A number as it stands in the text. `-nan`, `inf` and what has a point or an exponent are floats. */
export interface NumberLiteral {
  readonly text: string;
  readonly isFloat: boolean;
}

/**
 * Reads ONNX text from left to right: white space and comments between any two tokens, `#@` notes kept for the element that
 * begins at the next token. Whatever does not fit is thrown as {@link ResonnxError} with the line and column.
 */
export class Scanner {
  readonly #text: string;
  readonly #file: string | undefined;
  #at = 0;
  #depth = 0;
  #notes: Note[] = [];
  /** Where the token begins that the pending notes stand before. */
  #anchor = 0;

  constructor(text: string, file?: string) {
    this.#text = text;
    this.#file = file;
    if (text.charCodeAt(0) === 0xfeff) this.#at = 1;
  }

  /** Where the next token begins, in UTF-16 units. */
  get offset(): number {
    this.#skip();
    return this.#at;
  }

  /** Line and column, both from 1; the column counts UTF-16 units. */
  place(offset: number): Place {
    let line = 1;
    let start = 0;
    for (let end = this.#text.indexOf('\n'); end >= 0 && end < offset; end = this.#text.indexOf('\n', start)) {
      line++;
      start = end + 1;
    }
    const at = { path: '', line, col: offset - start + 1 };
    return this.#file === undefined ? at : { ...at, file: this.#file };
  }

  /** @throws ResonnxError always */
  fail(build: (at: Place) => Diagnostic, offset = this.offset): never {
    throw new ResonnxError([build(this.place(offset))]);
  }

  /** @throws ResonnxError text/expected, always */
  failExpected(expected: string, hint?: string): never {
    const found = this.#describeNext();
    return this.fail((at) => expectedSyntax(at, expected, found, hint ?? this.#commentHint()));
  }

  /** As {@link failExpected} for what was taken already. */
  failFound(expected: string, found: string, offset: number): never {
    return this.fail((at) => expectedSyntax(at, expected, found), offset);
  }

  /** The next character, '' at the end. */
  peek(): string {
    this.#skip();
    return this.#text.charAt(this.#at);
  }

  /** Takes the character when it is next. */
  eat(character: string): boolean {
    if (this.peek() !== character) return false;
    this.#at++;
    return true;
  }

  expect(character: string): void {
    if (!this.eat(character)) this.failExpected(character);
  }

  /** `=>`, without a space between. */
  expectArrow(): void {
    if (this.peek() !== '=' || this.#text.charAt(this.#at + 1) !== '>') this.failExpected('=>');
    this.#at += 2;
  }

  /** @throws ResonnxError text/expected when anything is left */
  expectEnd(): void {
    if (this.peek() !== '') this.failExpected('the end of the text');
    this.rejectNotes();
  }

  /** The identifier that is next, without taking it; '' when there is none. */
  peekWord(): string {
    this.#skip();
    return this.#match(IDENTIFIER);
  }

  /** An identifier, '' when there is none. */
  word(): string {
    const word = this.peekWord();
    this.#at += word.length;
    return word;
  }

  /** An identifier or a string; `undefined` when neither is next. `what` names it in messages. */
  findName(): string | undefined {
    if (this.peek() === '"') return this.string('a name');
    const word = this.word();
    return word === '' ? undefined : word;
  }

  name(what: string): string {
    return this.findName() ?? this.failExpected(what);
  }

  /** A string literal; `\` makes the next character stand for itself. */
  string(what: string): string {
    if (this.peek() !== '"') this.failExpected(what);
    const start = this.#at;
    let end = start + 1;
    let escaped = false;
    for (; this.#text.charAt(end) !== '"'; end++) {
      if (this.#text.charAt(end) === '\\') {
        escaped = true;
        end++;
      }
      if (end >= this.#text.length) this.fail(unterminatedString, start);
    }
    this.#at = end + 1;
    const inside = this.#text.slice(start + 1, end);
    return escaped ? inside.replace(/\\([\s\S])/g, '$1') : inside;
  }

  /** The number that is next, `undefined` when none is. */
  findNumber(): NumberLiteral | undefined {
    this.#skip();
    const special = this.#match(SPECIAL);
    const text = special || this.#match(NUMBER);
    if (text === '') return undefined;
    this.#at += text.length;
    return { text, isFloat: special !== '' || /[.eE]/.test(text) };
  }

  /** An integer of `bits` bits, signed unless told. */
  integer(what: string, bits = 64, signed = true): bigint {
    const start = this.offset;
    const literal = this.findNumber();
    if (!literal || literal.isFloat) {
      this.#at = start;
      return this.failExpected(what);
    }
    return this.whole(literal, start, bits, signed);
  }

  /** The value of a literal that is no float and stands at `offset`. @throws ResonnxError text/number-out-of-range */
  whole({ text }: NumberLiteral, offset: number, bits = 64, signed = true): bigint {
    const value = MAX_WHOLE.test(text) ? BigInt(text) : undefined;
    if (value !== undefined && value === (signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)))
      return value;
    const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    return this.fail((at) => numberOutOfRange(at, shown, `${signed ? 'int' : 'uint'}${bits}`), offset);
  }

  /** Whether a type is next. */
  atType(): boolean {
    const word = this.peekWord();
    if (word !== 'undefined') return isTypeWord(word);
    return /^\s*(\[|"|{|=(?!>)|[A-Za-z_])/.test(this.#text.slice(this.#at + word.length, this.#at + word.length + 80));
  }

  /** Runs `body` one level of nesting deeper. @throws ResonnxError text/nested-too-deep */
  nested<T>(body: () => T): T {
    if (++this.#depth > MAX_NESTING) this.fail((at) => nestedTooDeep(at, MAX_NESTING));
    const result = body();
    this.#depth--;
    return result;
  }

  /** The notes before the next token that are for one of these targets; others stay for what begins there too. */
  takeNotes(...targets: readonly NoteTarget[]): readonly Note[] {
    this.#skip();
    if (this.#notes.length === 0) return NO_NOTES;
    const taken = this.#notes.filter((note) => targets.includes(note.target));
    if (taken.length > 0) this.#notes = this.#notes.filter((note) => !targets.includes(note.target));
    return taken;
  }

  /** @throws ResonnxError text/bad-annotation when there are any: what follows is not what they are for */
  rejectNotes(notes: readonly Note[] = this.#notes): void {
    const [note] = notes;
    if (note) this.fail((at) => badAnnotation(at, `no ${note.target} follows this annotation`), note.offset);
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    return pattern.test(this.#text) ? this.#text.slice(this.#at, pattern.lastIndex) : '';
  }

  #skip(): void {
    if (this.#notes.length > 0 && this.#at !== this.#anchor) this.rejectNotes();
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code === 0x23) this.#comment();
      else if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) this.#at++;
      else break;
    }
    this.#anchor = this.#at;
  }

  #comment(): void {
    const start = this.#at;
    const end = this.#text.indexOf('\n', start);
    this.#at = end < 0 ? this.#text.length : end;
    if (this.#text.charAt(start + 1) === '@') this.#notes.push(this.#note(this.#text.slice(start, this.#at), start));
  }

  #note(line: string, offset: number): Note {
    const [, target = '', field = '', json = ''] = NOTE.exec(line) ?? [];
    try {
      const value: unknown = JSON.parse(json);
      return { target: target as NoteTarget, field, value, offset };
    } catch {
      return this.fail((at) => badAnnotation(at, `${line.slice(0, 60)} is not "#@ target field: json"`), offset);
    }
  }

  #describeNext(): string {
    const next = this.peek();
    if (next === '') return 'the end of the text';
    const token = this.peekWord() || this.#match(NUMBER) || next;
    return token.length > 40 ? `${token.slice(0, 40)}…` : token;
  }

  #commentHint(): string | undefined {
    return this.#text.startsWith('//', this.#at) ? 'Comments begin with #.' : undefined;
  }
}
