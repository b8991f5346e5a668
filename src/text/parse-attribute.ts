import { attributeTypeMismatch, unknownType } from '../diagnostics/codes/text.js';
import { create } from '../proto/create.js';
import { AttributeType } from '../proto/enums.js';
import type { AttributeProto, GraphProto, TensorProto, TypeProto } from '../proto/messages.js';
import { assertNever } from '../support/invariant.js';
import { encodeUtf8 } from '../support/utf8.js';
import type { Defaults } from './defaults.js';
import { ATTRIBUTE_TYPES, attributeTypeName } from './names.js';
import { applyNotes, type Note } from './notes.js';
import { parseTensor } from './parse-tensor.js';
import { parseList, parseType } from './parse-type.js';
import { floatList, floatValue, isNegativeNaN, NEGATIVE_NAN } from './parse-values.js';
import type { NumberLiteral, Scanner } from './scanner.js';

/** What attributes are read with; graphs in them are read by whoever reads graphs. */
export interface Reading {
  readonly scanner: Scanner;
  readonly defaults: Defaults;
  readonly graph: (reading: Reading) => GraphProto;
}

/** A value as it stands in the text. */
type Value = { readonly offset: number } & (
  | { readonly kind: 'number'; readonly literal: NumberLiteral }
  | { readonly kind: 'string'; readonly s: Uint8Array }
  | { readonly kind: 'tensor'; readonly t: TensorProto }
  | { readonly kind: 'type'; readonly tp: TypeProto }
  | { readonly kind: 'graph'; readonly g: GraphProto }
);

/** Element types with the type of a list of them. */
const LISTS: readonly (readonly [element: number, list: number])[] = [
  [AttributeType.FLOAT, AttributeType.FLOATS],
  [AttributeType.INT, AttributeType.INTS],
  [AttributeType.STRING, AttributeType.STRINGS],
  [AttributeType.TENSOR, AttributeType.TENSORS],
  [AttributeType.GRAPH, AttributeType.GRAPHS],
  [AttributeType.SPARSE_TENSOR, AttributeType.SPARSE_TENSORS],
  [AttributeType.TYPE_PROTO, AttributeType.TYPE_PROTOS],
];

/**
 * `name = value`, `name : type = value` or `name : type = @parameter`, with its annotations.
 *
 * @throws ResonnxError text/attribute-type-mismatch, text/unknown-type, text/number-out-of-range, text/expected
 */
export function parseAttribute(reading: Reading): AttributeProto {
  const notes = reading.scanner.takeNotes('attribute');
  return parseNamedAttribute(reading, reading.scanner.name('an attribute name'), notes);
}

/** What follows the name of an attribute. */
export function parseNamedAttribute(reading: Reading, name: string, notes: readonly Note[]): AttributeProto {
  const { scanner } = reading;
  const declared = scanner.eat(':') ? parseAttributeType(scanner) : undefined;
  scanner.expect('=');
  const expectation = { name, declared, sparse: notes.some(({ field }) => field.startsWith('sparse_tensor')) };
  const fields = scanner.peek() === '[' ? parseValues(reading, expectation) : parseSingle(reading, expectation);
  return applyNotes(scanner, 'attribute', create('AttributeProto', { name, ...fields }), notes);
}

function parseAttributeType(scanner: Scanner): number {
  const start = scanner.offset;
  const word = scanner.word();
  if (word === '') scanner.failExpected('an attribute type');
  return ATTRIBUTE_TYPES.get(word) ?? scanner.fail((at) => unknownType(at, 'an attribute type', word), start);
}

/** What the text says of an attribute before its value; `sparse`: its sparse tensors are in annotations. */
interface Expectation {
  readonly name: string;
  readonly declared: number | undefined;
  readonly sparse: boolean;
}

function parseSingle(reading: Reading, expectation: Expectation): Partial<AttributeProto> {
  const { scanner } = reading;
  const { declared } = expectation;
  if (scanner.eat('@')) {
    const refAttrName = scanner.name('the name of a parameter');
    return declared === undefined ? { refAttrName } : { type: declared, refAttrName };
  }
  const value = parseValue(reading);
  const type = declared ?? typeOf(value);
  checkType(scanner, expectation, type, value);
  return { type, ...singleField(scanner, type, value) };
}

function parseValues(reading: Reading, expectation: Expectation): Partial<AttributeProto> {
  const { scanner } = reading;
  const start = scanner.offset;
  const values = parseList(scanner, '[', ']', () => parseValue(reading));
  const [first] = values;
  if (!first && expectation.declared === undefined) {
    return scanner.failFound('a type before the empty list, as in name : ints = []', '[]', start);
  }
  const type = expectation.declared ?? LISTS.find(([element]) => first && element === typeOf(first))?.[1];
  const row = LISTS.find(([, list]) => list === type);
  if (!row) return mismatch(scanner, expectation, type, 'a list', start);
  for (const value of values) checkType(scanner, expectation, row[0], value);
  return { type: row[1], ...listField(scanner, row[1], values) };
}

function parseValue(reading: Reading): Value {
  const { scanner } = reading;
  const offset = scanner.offset;
  if (scanner.peek() === '"') return { kind: 'string', s: encodeUtf8(scanner.string('a string')), offset };
  if (scanner.atType()) return parseTypeOrTensor(reading);
  const literal = scanner.findNumber();
  if (literal) return { kind: 'number', literal, offset };
  if (scanner.peekWord() === '') return scanner.failExpected('an attribute value');
  return { kind: 'graph', g: reading.graph(reading), offset };
}

/** A type alone is a value too; with a name, `=` or values after it, it is a tensor's. */
function parseTypeOrTensor({ scanner, defaults }: Reading): Value {
  const offset = scanner.offset;
  const notes = scanner.takeNotes('tensor');
  const tp = parseType(scanner);
  const name = scanner.findName() ?? (defaults.empty_tensor_name ? '' : undefined);
  const isTensor = scanner.eat('=') || name || scanner.peek() === '{';
  if (isTensor) return { kind: 'tensor', t: parseTensor(scanner, defaults, tp, name, notes), offset };
  scanner.rejectNotes(notes);
  return { kind: 'type', tp, offset };
}

function typeOf(value: Value): number {
  switch (value.kind) {
    case 'number':
      return value.literal.isFloat ? AttributeType.FLOAT : AttributeType.INT;
    case 'string':
      return AttributeType.STRING;
    case 'tensor':
      return AttributeType.TENSOR;
    case 'type':
      return AttributeType.TYPE_PROTO;
    case 'graph':
      return AttributeType.GRAPH;
    default:
      return assertNever(value);
  }
}

/** An integer may stand for a float; the type of a sparse tensor stands for what its annotation holds. */
function checkType(scanner: Scanner, expectation: Expectation, type: number, value: Value): void {
  const found = typeOf(value);
  if (found === type || (type === AttributeType.FLOAT && value.kind === 'number')) return;
  if (type === AttributeType.SPARSE_TENSOR && value.kind === 'type' && expectation.sparse) return;
  mismatch(scanner, expectation, type, attributeTypeName(found) ?? 'none', value.offset);
}

function mismatch(
  scanner: Scanner,
  { name }: Expectation,
  type: number | undefined,
  found: string,
  offset: number,
): never {
  return scanner.fail((at) => attributeTypeMismatch(at, name, attributeTypeName(type) ?? 'none', found), offset);
}

function singleField(scanner: Scanner, type: number, value: Value): Partial<AttributeProto> {
  switch (value.kind) {
    case 'number': {
      const { literal, offset } = value;
      if (type === AttributeType.INT) return { i: scanner.whole(literal, offset) };
      const f = floatValue(scanner, literal, true, offset);
      return isNegativeNaN(literal) ? { f, fBits: NEGATIVE_NAN } : { f };
    }
    case 'string':
      return { s: value.s };
    case 'tensor':
      return { t: value.t };
    case 'type':
      return type === AttributeType.TYPE_PROTO ? { tp: value.tp } : {};
    case 'graph':
      return { g: value.g };
    default:
      return assertNever(value);
  }
}

function listField(scanner: Scanner, type: number, values: readonly Value[]): Partial<AttributeProto> {
  switch (type) {
    case AttributeType.FLOATS: {
      const literals = values.filter(({ kind }) => kind === 'number') as readonly (Value & { kind: 'number' })[];
      return { floats: floatList(scanner, literals) };
    }
    case AttributeType.INTS:
      return { ints: values.flatMap((v) => (v.kind === 'number' ? [scanner.whole(v.literal, v.offset)] : [])) };
    case AttributeType.STRINGS:
      return { strings: values.flatMap((v) => (v.kind === 'string' ? [v.s] : [])) };
    case AttributeType.TENSORS:
      return { tensors: values.flatMap((v) => (v.kind === 'tensor' ? [v.t] : [])) };
    case AttributeType.GRAPHS:
      return { graphs: values.flatMap((v) => (v.kind === 'graph' ? [v.g] : [])) };
    case AttributeType.TYPE_PROTOS:
      return { typeProtos: values.flatMap((v) => (v.kind === 'type' ? [v.tp] : [])) };
    default:
      return {};
  }
}
