import { duplicateName, textTooLong, unknownKey } from '../diagnostics/codes/text.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import { create } from '../proto/create.js';
import type {
  AttributeProto,
  FunctionProto,
  GraphProto,
  ModelProto,
  OperatorSetIdProto,
  ValueInfoProto,
} from '../proto/messages.js';
import { decodeUtf8 } from '../support/utf8.js';
import { PLAIN_DEFAULTS, readDefaults, type Defaults } from './defaults.js';
import { applyNotes } from './notes.js';
import { parseNamedAttribute, type Reading } from './parse-attribute.js';
import { parseGraph, parseNodes } from './parse-graph.js';
import { parseEntry } from './parse-tensor.js';
import { parseBareValue, parseList, parseSome, parseValue } from './parse-type.js';
import { Scanner } from './scanner.js';

/** Where a text comes from, for messages. */
export interface ParseOptions {
  readonly file?: string;
}

type Keys<T> = Readonly<Record<string, (scanner: Scanner, defaults: Defaults) => Partial<T>>>;

const MODEL_KEYS: Keys<ModelProto> = {
  ir_version: (scanner) => ({ irVersion: scanner.integer('an integer') }),
  opset_import: (scanner, defaults) => ({ opsetImport: parseImports(scanner, defaults) }),
  producer_name: (scanner) => ({ producerName: scanner.string('a string') }),
  producer_version: (scanner) => ({ producerVersion: scanner.string('a string') }),
  domain: (scanner) => ({ domain: scanner.string('a string') }),
  model_version: (scanner) => ({ modelVersion: scanner.integer('an integer') }),
  doc_string: (scanner) => ({ docString: scanner.string('a string') }),
  metadata_props: (scanner) => ({ metadataProps: parseList(scanner, '[', ']', () => parseEntry(scanner)) }),
};

const FUNCTION_KEYS: Keys<FunctionProto> = {
  opset_import: (scanner, defaults) => ({ opsetImport: parseImports(scanner, defaults) }),
  domain: (scanner) => ({ domain: scanner.string('a string') }),
  overload: (scanner) => ({ overload: scanner.string('a string') }),
  doc_string: (scanner) => ({ docString: scanner.string('a string') }),
};

/**
 * Reads a model in ONNX text syntax (docs/Syntax.md of onnx/onnx), with the annotations of docs/text.md.
 *
 * Whatever `onnx.parser` reads gives the same message, but that a node without a domain, and a tensor without a name, have none
 * instead of an empty one. Values are not looked up: that names are defined once and before use is for the loader to check.
 * O(length of the text).
 *
 * @throws ResonnxError with a code of the area `text`, line and column
 */
export function parseModelText(text: string, { file }: ParseOptions = {}): ModelProto {
  const scanner = new Scanner(text, file);
  const reading = beginReading(scanner);
  const notes = scanner.takeNotes('model');
  const header = parseHeader(scanner, reading.defaults, MODEL_KEYS);
  const graph = parseGraph(reading);
  const functions: FunctionProto[] = [];
  while (scanner.peek() !== '') functions.push(parseFunction(reading));
  scanner.expectEnd();
  return applyNotes(scanner, 'model', create('ModelProto', { ...header, graph, functions }), notes);
}

/** Longest string of the runtimes that have the least room: V8's, in UTF-16 units. */
const MAX_LENGTH = 2 ** 29 - 24;

/**
 * {@link parseModelText} of a file's bytes. Bytes that are not UTF-8 survive in names, as `encodeUtf8` writes them.
 *
 * @throws ResonnxError as {@link parseModelText}; text/too-long
 */
export function parseModelBytes(bytes: Uint8Array, options: ParseOptions = {}): ModelProto {
  const at = options.file === undefined ? { path: '' } : { path: '', file: options.file };
  if (bytes.byteLength > MAX_LENGTH) throw new ResonnxError([textTooLong(at)]);
  return parseModelText(decodeUtf8(bytes), options);
}

/** Reads a graph alone, as {@link parseModelText} reads that of a model. */
export function parseGraphText(text: string, { file }: ParseOptions = {}): GraphProto {
  const scanner = new Scanner(text, file);
  const graph = parseGraph(beginReading(scanner));
  scanner.expectEnd();
  return graph;
}

/** What reads with the defaults that stand first in the text. */
function beginReading(scanner: Scanner): Reading {
  const defaults = { ...PLAIN_DEFAULTS, ...readDefaults(scanner, scanner.takeNotes('defaults')) };
  return { scanner, defaults, graph: parseGraph };
}

/** `<key: value, …>`, or nothing. @throws ResonnxError text/unknown-key, text/duplicate-name */
function parseHeader<T>(scanner: Scanner, defaults: Defaults, keys: Keys<T>): Partial<T> {
  if (scanner.peek() !== '<') return {};
  const seen = new Set<string>();
  const entries = parseSome(scanner, '<', '>', () => {
    const start = scanner.offset;
    const key = scanner.name('a header key');
    const read = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (!read) return scanner.fail((at) => unknownKey(at, key, Object.keys(keys)), start);
    if (seen.has(key)) scanner.fail((at) => duplicateName(at, 'header key', key), start);
    seen.add(key);
    scanner.expect(':');
    return read(scanner, defaults);
  });
  return Object.assign({}, ...entries) as Partial<T>;
}

function parseImports(scanner: Scanner, defaults: Defaults): OperatorSetIdProto[] {
  return parseList(scanner, '[', ']', () => {
    const domain = scanner.string('a domain in quotes');
    scanner.expect(':');
    const version = scanner.integer('a version');
    return domain === '' && defaults.no_opset_domain ? { version } : { domain, version };
  });
}

/** `<header> name <parameters> (inputs) => (outputs) <values> { nodes }`; types of inputs and outputs become values. */
function parseFunction(reading: Reading): FunctionProto {
  const { scanner, defaults } = reading;
  const notes = scanner.takeNotes('function');
  const header = parseHeader(scanner, defaults, FUNCTION_KEYS);
  const name = scanner.name('the name of a function');
  const { attribute, attributeProto } = parseParameters(reading);
  const valueInfo: ValueInfoProto[] = [];
  const input = parseSlots(scanner, valueInfo);
  scanner.expectArrow();
  const output = parseSlots(scanner, valueInfo);
  if (scanner.peek() === '<') {
    for (const value of parseList(scanner, '<', '>', () => parseValue(scanner))) valueInfo.push(value);
  }
  const node = parseNodes(reading);
  const body = { ...header, name, attribute, attributeProto, input, output, valueInfo, node };
  return applyNotes(scanner, 'function', create('FunctionProto', body), notes);
}

/** Inputs or outputs of a function: their names; those with a type are values too. */
function parseSlots(scanner: Scanner, valueInfo: ValueInfoProto[]): string[] {
  return parseList(scanner, '(', ')', () => {
    const value = parseBareValue(scanner);
    if (value.type) valueInfo.push(value);
    return value.name ?? '';
  });
}

/** `<name, name : type = default, …>`: parameters, some with a default. @throws ResonnxError text/duplicate-name */
function parseParameters(reading: Reading): { attribute: string[]; attributeProto: AttributeProto[] } {
  const { scanner } = reading;
  const attribute: string[] = [];
  const attributeProto: AttributeProto[] = [];
  if (scanner.peek() !== '<') return { attribute, attributeProto };
  const seen = new Set<string>();
  parseSome(scanner, '<', '>', () => {
    const notes = scanner.takeNotes('attribute');
    const start = scanner.offset;
    const name = scanner.name('a parameter');
    if (seen.has(name)) scanner.fail((at) => duplicateName(at, 'parameter', name), start);
    seen.add(name);
    const hasDefault = scanner.peek() === ':' || scanner.peek() === '=';
    if (hasDefault) attributeProto.push(parseNamedAttribute(reading, name, notes));
    else attribute.push(name);
  });
  return { attribute, attributeProto };
}
