import { duplicateName } from '../diagnostics/codes/text.js';
import { create } from '../proto/create.js';
import type { AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto } from '../proto/messages.js';
import { applyNotes } from './notes.js';
import { parseAttribute, type Reading } from './parse-attribute.js';
import { parseTensor } from './parse-tensor.js';
import { parseBareValue, parseList, parseSome, parseValue } from './parse-type.js';
import type { Scanner } from './scanner.js';

/**
 * `name (inputs) => (outputs) <initializers and values> { nodes }` with its annotations. Inputs may have a default
 * (`float x = {1}`), which makes an initializer too.
 */
export function parseGraph(reading: Reading): GraphProto {
  const { scanner } = reading;
  return scanner.nested(() => {
    const notes = scanner.takeNotes('graph');
    const name = scanner.name('the name of a graph');
    const initializer: TensorProto[] = [];
    const input = scanner.peek() === '(' ? parseItems(reading, '(', ')', initializer, true) : [];
    scanner.expectArrow();
    const output = parseList(scanner, '(', ')', () => parseValue(scanner));
    const valueInfo = scanner.peek() === '<' ? parseItems(reading, '<', '>', initializer, false) : [];
    const node = parseNodes(reading);
    return applyNotes(
      scanner,
      'graph',
      create('GraphProto', { name, input, output, valueInfo, initializer, node }),
      notes,
    );
  });
}

/** Values, some with data: those go to `initializer`, and only `both` makes them values too. */
function parseItems(
  reading: Reading,
  open: string,
  close: string,
  initializer: TensorProto[],
  both: boolean,
): ValueInfoProto[] {
  const { scanner, defaults } = reading;
  const values: ValueInfoProto[] = [];
  parseList(scanner, open, close, () => {
    const [valueNotes, tensorNotes] = [scanner.takeNotes('value'), scanner.takeNotes('tensor')];
    const value = parseBareValue(scanner);
    const hasData = scanner.eat('=');
    if (hasData) initializer.push(parseTensor(scanner, defaults, value.type ?? {}, value.name, tensorNotes));
    else scanner.rejectNotes(tensorNotes);
    if (both || !hasData) values.push(applyNotes(scanner, 'value', value, valueNotes));
    else scanner.rejectNotes(valueNotes);
  });
  return values;
}

/** `{ node node … }`. */
export function parseNodes(reading: Reading): NodeProto[] {
  const { scanner } = reading;
  const nodes: NodeProto[] = [];
  scanner.expect('{');
  while (!scanner.eat('}')) nodes.push(parseNode(reading));
  return nodes;
}

/** `[label] outputs = domain.Operator:overload <attributes> (inputs)`; the attributes may stand after the inputs. */
function parseNode(reading: Reading): NodeProto {
  const { scanner, defaults } = reading;
  const notes = scanner.takeNotes('node');
  const fields: { name?: string; overload?: string; domain?: string } = {};
  if (scanner.eat('[')) {
    fields.name = scanner.findName() ?? '';
    scanner.expect(']');
  }
  const output = parseNames(scanner);
  scanner.expect('=');
  const { domain, opType } = parseOperator(scanner);
  if (domain !== undefined) fields.domain = domain;
  else if (defaults.empty_node_domain) fields.domain = '';
  if (scanner.eat(':')) fields.overload = scanner.name('the overload of a function');
  const before = parseAttributes(reading);
  scanner.expect('(');
  const input = parseNames(scanner);
  scanner.expect(')');
  const attribute = before.length > 0 ? before : parseAttributes(reading);
  return applyNotes(scanner, 'node', create('NodeProto', { ...fields, opType, input, output, attribute }), notes);
}

/**
 * Names separated by commas up to what is no name. A missing name is the empty one and a comma at the end counts for nothing:
 * `(, x)` is two names, `(x,)` and `(,)` are one.
 */
function parseNames(scanner: Scanner): string[] {
  const first = scanner.findName();
  if (first === undefined && scanner.peek() !== ',') return [];
  const names = [first ?? ''];
  while (scanner.eat(',')) {
    const name = scanner.findName();
    if (name !== undefined) names.push(name);
    else if (scanner.peek() === ',') names.push('');
    else break;
  }
  return names;
}

/** `Operator`, `domain.Operator`, `a.b.Operator`; a part that is no identifier stands in quotes and is not split at dots. */
function parseOperator(scanner: Scanner): { readonly domain: string | undefined; readonly opType: string } {
  const parts = [scanner.peek() === '(' ? '' : scanner.name('an operator')];
  while (scanner.eat('.')) parts.push(scanner.name('an operator'));
  const opType = parts.pop() ?? '';
  return { domain: parts.length > 0 ? parts.join('.') : undefined, opType };
}

/** `<attribute, …>`, or nothing. @throws ResonnxError text/duplicate-name */
function parseAttributes(reading: Reading): readonly AttributeProto[] {
  const { scanner } = reading;
  if (scanner.peek() !== '<') return [];
  const names = new Set<string>();
  return parseSome(scanner, '<', '>', () => {
    const start = scanner.offset;
    const attribute = parseAttribute(reading);
    const name = attribute.name ?? '';
    if (names.has(name)) scanner.fail((at) => duplicateName(at, 'attribute', name), start);
    names.add(name);
    return attribute;
  });
}
