import { create } from '../proto/create.js';
import type { FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto } from '../proto/messages.js';
import { chooseDefaults, defaultsLines, PLAIN_DEFAULTS, type Defaults } from './defaults.js';
import { quotable, quotableUntyped, quoted } from './names.js';
import { diffNotes } from './notes.js';
import { attributeText, type AttributeText } from './print-attribute.js';
import {
  graphNotes,
  printAttributes,
  printGraphBody,
  printNodeLines,
  printNodes,
  type Printing,
} from './print-graph.js';
import { entriesText, plainEntries } from './print-tensor.js';
import { valueText } from './print-type.js';
import { Writer } from './writer.js';

/** How a model is printed. By default everything is, and the text reads back as the same message. */
export interface PrintOptions {
  /** Tensors of more elements show `["location": "elided"]` instead of their data: for people, not for reading back. */
  readonly elideAbove?: number;
  /** `false` leaves the `#@` annotations out: for people. */
  readonly annotations?: boolean;
}

/**
 * The model in ONNX text syntax (docs/Syntax.md of onnx/onnx), with annotations where that has no place for something
 * (docs/text.md): `parseModelText` gives the same message back. One line a node, all data in full unless `elideAbove` is given.
 * Cost: O(model) with all its data.
 *
 * @throws ResonnxError text/too-long, text/nested-too-deep
 */
export function printModel(model: ModelProto, options: PrintOptions = {}): string {
  const graph = model.graph ?? create('GraphProto', { name: '' });
  const printing = begin(options, chooseDefaults([graph], model));
  const { writer, defaults } = printing;
  const { irVersion, producerName, producerVersion, domain, modelVersion, docString, metadataProps } = model;
  const said: Partial<ModelProto> = {
    irVersion,
    producerName,
    producerVersion,
    domain,
    modelVersion,
    docString,
    metadataProps: plainEntries(metadataProps),
    opsetImport: plainImports(model.opsetImport, defaults),
    graph,
  };
  writer.notes(diffNotes('model', model, said, ['functions']));
  printHeader(writer, [
    ['ir_version', irVersion],
    ['opset_import', importsText(model.opsetImport)],
    ['producer_name', producerName],
    ['producer_version', producerVersion],
    ['domain', domain],
    ['model_version', modelVersion],
    ['doc_string', docString],
    ['metadata_props', metadataProps.length > 0 ? { text: entriesText(metadataProps) } : undefined],
  ]);
  printOuterGraph(printing, graph);
  for (const one of model.functions) printFunction(printing, one);
  return writer.toText();
}

/** A graph alone, as {@link printModel} prints that of a model; `parseGraphText` gives it back. */
export function printGraph(graph: GraphProto, options: PrintOptions = {}): string {
  const printing = begin(options, chooseDefaults([graph]));
  printOuterGraph(printing, graph);
  return printing.writer.toText();
}

/** A node alone, for people: without annotations, tensors of more than 16 elements without data. No line break at the end. */
export function printNode(node: NodeProto, { elideAbove = 16 }: PrintOptions = {}): string {
  const writer = new Writer(false);
  printNodeLines({ writer, defaults: PLAIN_DEFAULTS, elideAbove, depth: 0 }, node);
  return writer.toText().trimEnd();
}

function begin({ annotations = true, elideAbove = Infinity }: PrintOptions, defaults: Defaults): Printing {
  const writer = new Writer(annotations);
  writer.notes(defaultsLines(defaults));
  return { writer, defaults, elideAbove, depth: 0 };
}

function printOuterGraph(printing: Printing, graph: GraphProto): void {
  printing.writer.notes(graphNotes(graph, false));
  printing.writer.line();
  printGraphBody(printing, graph, false);
}

/** A header value: an integer, a string to quote, or text as it is. */
type HeaderValue = bigint | string | { readonly text: string } | undefined;

function printHeader(writer: Writer, entries: readonly (readonly [key: string, value: HeaderValue])[]): void {
  const given = entries.filter(([, value]) => value !== undefined);
  if (given.length === 0) return;
  writer.line();
  writer.block('<', '>', given, ([key, value]) => {
    const text = typeof value === 'string' ? quoted(value) : typeof value === 'object' ? value.text : String(value);
    writer.line(`${key}: ${text}`);
  });
}

function importsText(imports: readonly OperatorSetIdProto[]): HeaderValue {
  if (imports.length === 0) return undefined;
  const texts = imports.map(({ domain = '', version = 0n }) => `${quoted(domain)} : ${version}`);
  return { text: `[${texts.join(', ')}]` };
}

function plainImports(imports: readonly OperatorSetIdProto[], defaults: Defaults): readonly OperatorSetIdProto[] {
  return imports.map(({ domain, version = 0n }) =>
    domain || !defaults.no_opset_domain ? { domain: domain ?? '', version } : { version },
  );
}

function printFunction(printing: Printing, one: FunctionProto): void {
  const { writer, defaults } = printing;
  const { name = '', domain, overload, docString, opsetImport } = one;
  const said = { name, domain, overload, docString, opsetImport: plainImports(opsetImport, defaults) };
  const skip = ['input', 'output', 'attribute', 'attributeProto', 'valueInfo', 'node'] as const;
  writer.write('\n');
  writer.notes(diffNotes('function', one, said, skip));
  printHeader(writer, [
    ['domain', domain],
    ['overload', overload],
    ['opset_import', importsText(opsetImport)],
    ['doc_string', docString],
  ]);
  writer.line(quotable(name));
  const parameters = one.attribute.map((parameter): AttributeText => {
    return { notes: [], head: quotable(parameter), isList: false, parts: [] };
  });
  printAttributes(printing, [...parameters, ...one.attributeProto.map((a) => attributeText(a, printing))]);
  const slots = (names: readonly string[]) => `(${names.map(quotableUntyped).join(', ')})`;
  writer.write(` ${slots(one.input)} => ${slots(one.output)}`);
  if (one.valueInfo.length > 0) {
    writer.line();
    writer.block('<', '>', one.valueInfo.map(valueText), (item) => writer.noted(item));
    writer.line();
  } else {
    writer.write(' ');
  }
  printNodes(printing, one.node);
}
