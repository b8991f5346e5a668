import { nestedTooDeep } from '../diagnostics/codes/text.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { GraphProto, NodeProto, TensorProto } from '../proto/messages.js';
import { bareGraphName, quotable } from './names.js';
import { diffNotes } from './notes.js';
import { attributeText, type AttributePart, type AttributeText, type DataOptions } from './print-attribute.js';
import { tensorText } from './print-tensor.js';
import { dotted, valueText, type NotedText } from './print-type.js';
import { MAX_NESTING } from './scanner.js';
import type { Writer } from './writer.js';

/** Where and how graphs are printed. */
export interface Printing extends DataOptions {
  readonly writer: Writer;
  /** Graphs around the one that is printed. */
  readonly depth: number;
}

/**
 * Prints a graph, its name on the current line; the annotations are written by {@link graphNotes}. As an attribute's value
 * (`bare`) its name cannot be quoted.
 *
 * @throws ResonnxError text/nested-too-deep
 */
export function printGraphBody(printing: Printing, graph: GraphProto, bare: boolean): void {
  const { writer } = printing;
  if (printing.depth >= MAX_NESTING) throw new ResonnxError([nestedTooDeep({ path: '' }, MAX_NESTING)]);
  writer.write(`${bare ? bareGraphName(graph.name ?? '') : quotable(graph.name ?? '')} `);
  writer.list('(', ')', graph.input.map(valueText));
  writer.write(' => ');
  writer.list('(', ')', graph.output.map(valueText));
  const items = [
    ...graph.initializer.map((tensor) => initializerText(printing, tensor)),
    ...graph.valueInfo.map(valueText),
  ];
  if (items.length > 0) {
    writer.line();
    writer.block('<', '>', items, (item) => writer.noted(item));
    writer.line();
  } else {
    writer.write(' ');
  }
  printNodes({ ...printing, depth: printing.depth + 1 }, graph.node);
}

/** The annotations of a graph, to stand before its name. */
export function graphNotes(graph: GraphProto, bare: boolean): readonly string[] {
  const name = bare ? bareGraphName(graph.name ?? '') : (graph.name ?? '');
  return diffNotes('graph', graph, { name }, ['node', 'initializer', 'input', 'output', 'valueInfo']);
}

function initializerText({ defaults, elideAbove }: Printing, tensor: TensorProto): NotedText {
  const { name = '' } = tensor;
  const { type, data, notes } = tensorText(tensor, name, defaults, elideAbove);
  return { text: `${type} ${quotable(name)} = ${data}`.trimEnd(), notes };
}

/** `{`, the nodes, `}`. */
export function printNodes(printing: Printing, nodes: readonly NodeProto[]): void {
  const { writer } = printing;
  writer.write('{');
  writer.indented(() => {
    for (const node of nodes) printNodeLines(printing, node);
  });
  if (nodes.length > 0) writer.line('}');
  else writer.write('}');
}

/** A node on lines of its own: one, unless it has graphs or annotations. */
export function printNodeLines(printing: Printing, node: NodeProto): void {
  const { writer, defaults } = printing;
  const { name, output, input, domain, opType, overload, attribute } = node;
  const said = {
    name,
    overload,
    opType: opType ?? '',
    domain: domain || (defaults.empty_node_domain ? '' : undefined),
  };
  writer.notes(diffNotes('node', node, said, ['input', 'output', 'attribute']));
  const label = name === undefined ? '' : `[${quotable(name)}] `;
  const outputs = output.map(quotable).join(', ');
  const operator = `${domain ? `${dotted(domain)}.` : ''}${quotable(opType ?? '')}`;
  writer.line(`${label}${outputs}${outputs === '' ? '' : ' '}= ${operator}`);
  if (overload !== undefined) writer.write(`:${quotable(overload)}`);
  const inputs = ` (${input.map(quotable).join(', ')})`;
  const attributes = attribute.map((one) => attributeText(one, printing));
  if (attributes.some(({ parts }) => parts.some(isGraph))) {
    writer.write(inputs);
    printAttributes(printing, attributes);
  } else {
    printAttributes(printing, attributes);
    writer.write(inputs);
  }
}

function isGraph(part: AttributePart): part is GraphProto {
  return 'node' in part;
}

/** ` <…>`, nothing without attributes: on this line when there are no graphs and no annotations. */
export function printAttributes(printing: Printing, attributes: readonly AttributeText[]): void {
  const { writer } = printing;
  if (attributes.length === 0) return;
  const texts = attributes.map((attribute) => inlineText(writer, attribute));
  if (texts.includes(undefined)) {
    writer.block(' <', '>', attributes, (attribute) => printAttribute(printing, attribute));
  } else {
    writer.write(` <${texts.join(', ')}>`);
  }
}

/** `undefined` when it takes lines of its own. */
function inlineText(writer: Writer, { notes, head, isList, parts }: AttributeText): string | undefined {
  if (writer.shown(notes).length > 0) return undefined;
  const texts: string[] = [];
  for (const part of parts) {
    if (isGraph(part) || writer.shown(part.notes).length > 0) return undefined;
    texts.push(part.text);
  }
  return `${head}${isList ? `[${texts.join(', ')}]` : texts.join('')}`;
}

function printAttribute(printing: Printing, attribute: AttributeText): void {
  const { writer } = printing;
  const { notes, head, isList, parts } = attribute;
  writer.notes(notes);
  const [first] = parts;
  const inline = inlineText(writer, { ...attribute, notes: [] });
  if (inline !== undefined) {
    writer.line(inline);
  } else if (isList || !first) {
    writer.line(head);
    writer.block('[', ']', parts, (part) => printPart(printing, part));
  } else if (isGraph(first) && writer.shown(graphNotes(first, true)).length === 0) {
    writer.line(head);
    printGraphBody(printing, first, true);
  } else {
    writer.line(head.trimEnd());
    writer.indented(() => printPart(printing, first));
  }
}

/** A value on lines of its own, with its annotations. */
function printPart(printing: Printing, part: AttributePart): void {
  const { writer } = printing;
  if (!isGraph(part)) {
    writer.noted(part);
    return;
  }
  writer.notes(graphNotes(part, true));
  writer.line();
  printGraphBody(printing, part, true);
}
