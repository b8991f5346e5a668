import { unknownType } from '../diagnostics/codes/text.js';
import { create } from '../proto/create.js';
import type { TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto } from '../proto/messages.js';
import { ELEMENT_TYPES } from './names.js';
import { applyNotes } from './notes.js';
import type { Scanner } from './scanner.js';

/** A type: `float[N, 3]`, `seq(…)`, `map(int64, …)`, `optional(…)`, `sparse_tensor(…)`, `opaque(domain, name)`. */
export function parseType(scanner: Scanner): TypeProto {
  return scanner.nested(() => {
    const start = scanner.offset;
    const word = scanner.word();
    const element = ELEMENT_TYPES.get(word);
    if (element !== undefined) return create('TypeProto', { tensorType: parseTensorType(scanner, element) });
    switch (word) {
      case 'seq':
        return { sequenceType: { elemType: inParentheses(scanner, () => parseType(scanner)) } };
      case 'optional':
        return { optionalType: { elemType: inParentheses(scanner, () => parseType(scanner)) } };
      case 'map':
        return { mapType: inParentheses(scanner, () => parseMap(scanner)) };
      case 'sparse_tensor':
        return {
          sparseTensorType: inParentheses(scanner, () => parseTensorType(scanner, parseElementType(scanner))),
        };
      case 'opaque':
        return { opaqueType: inParentheses(scanner, () => parseOpaque(scanner)) };
      case '':
        return scanner.failExpected('a type');
      default:
        return scanner.fail((at) => unknownType(at, 'a type', word), start);
    }
  });
}

function inParentheses<T>(scanner: Scanner, body: () => T): T {
  scanner.expect('(');
  const result = body();
  scanner.expect(')');
  return result;
}

function parseElementType(scanner: Scanner): number {
  const start = scanner.offset;
  const word = scanner.word();
  return ELEMENT_TYPES.get(word) ?? scanner.fail((at) => unknownType(at, 'an element type', word || 'this'), start);
}

/** What follows the element type: nothing for a scalar, `[]` for an unknown rank, else the dims. */
function parseTensorType(scanner: Scanner, elemType: number): TypeProtoTensor {
  if (!scanner.eat('[')) return { elemType, shape: create('TensorShapeProto', {}) };
  if (scanner.eat(']')) return { elemType };
  const dim: TensorShapeProto['dim'][number][] = [];
  do {
    dim.push(parseDim(scanner));
  } while (scanner.eat(','));
  scanner.expect(']');
  return { elemType, shape: create('TensorShapeProto', { dim }) };
}

function parseDim(scanner: Scanner): TensorShapeProto['dim'][number] {
  if (scanner.eat('?')) return {};
  const dimParam = scanner.findName();
  return dimParam === undefined ? { dimValue: scanner.integer('a dim: a number, a name or ?') } : { dimParam };
}

function parseMap(scanner: Scanner): NonNullable<TypeProto['mapType']> {
  const keyType = parseElementType(scanner);
  scanner.expect(',');
  return { keyType, valueType: parseType(scanner) };
}

/** `opaque()`, `opaque(name)` with dots in the name, `opaque(domain, name)` with dots in the domain. */
function parseOpaque(scanner: Scanner): NonNullable<TypeProto['opaqueType']> {
  if (scanner.peek() === ')') return {};
  let first = scanner.name('a name');
  while (scanner.eat('.')) first += `.${scanner.name('a name')}`;
  return scanner.eat(',') ? { domain: first, name: scanner.name('a name') } : { name: first };
}

/** `type name`, or a name alone for a value without a type; its notes are the caller's. */
export function parseBareValue(scanner: Scanner): ValueInfoProto {
  const type = scanner.atType() ? parseType(scanner) : undefined;
  const start = scanner.offset;
  const name = scanner.findName();
  if (name === undefined) return scanner.failExpected('a name');
  const after = scanner.peek();
  if (type === undefined && (after === '[' || isNameStart(after))) {
    scanner.fail((at) => unknownType(at, 'a type', name), start);
  }
  return create('ValueInfoProto', type === undefined ? { name } : { name, type });
}

function isNameStart(character: string): boolean {
  return /[A-Za-z_"]/.test(character);
}

/** {@link parseBareValue} with its annotations. */
export function parseValue(scanner: Scanner): ValueInfoProto {
  const notes = scanner.takeNotes('value');
  return applyNotes(scanner, 'value', parseBareValue(scanner), notes);
}

/** Items between `open` and `close`, separated by commas; none is fine, a comma at the end is not. */
export function parseList<T>(scanner: Scanner, open: string, close: string, item: () => T): T[] {
  scanner.expect(open);
  return scanner.eat(close) ? [] : parseRest(scanner, close, item);
}

/** As {@link parseList} where the syntax wants at least one item. */
export function parseSome<T>(scanner: Scanner, open: string, close: string, item: () => T): T[] {
  scanner.expect(open);
  return parseRest(scanner, close, item);
}

function parseRest<T>(scanner: Scanner, close: string, item: () => T): T[] {
  const items: T[] = [];
  do {
    items.push(item());
  } while (scanner.eat(','));
  scanner.expect(close);
  return items;
}
