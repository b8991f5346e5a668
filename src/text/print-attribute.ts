import { AttributeType } from '../proto/enums.js';
import { LAYOUTS } from '../proto/fields.js';
import type { AttributeProto, GraphProto, SparseTensorProto, TensorProto, TypeProto } from '../proto/messages.js';
import { decodeUtf8, hasLoneSurrogate } from '../support/utf8.js';
import type { Defaults } from './defaults.js';
import { attributeTypeName, isIdentifier, quotable, quoted } from './names.js';
import { diffNotes } from './notes.js';
import { pointed } from './number-text.js';
import { parseType } from './parse-type.js';
import { NEGATIVE_NAN } from './parse-values.js';
import { floatsText, tensorText } from './print-tensor.js';
import { typeText, type NotedText } from './print-type.js';
import { Scanner } from './scanner.js';

/** One value of an attribute: text with its annotations, or a graph that is printed where it stands. */
export type AttributePart = NotedText | GraphProto;

/** An attribute in pieces. */
export interface AttributeText {
  readonly notes: readonly string[];
  /** Up to the value: `axis = `. */
  readonly head: string;
  readonly isList: boolean;
  readonly parts: readonly AttributePart[];
}

/** How attributes and tensors are printed. */
export interface DataOptions {
  readonly defaults: Defaults;
  readonly elideAbove: number;
}

/** Value of an attribute: what the text shows, the fields that it sets when it is read, and whether it needs its type. */
interface Shown {
  /** The attribute's type as the text says it. */
  readonly type: number | undefined;
  readonly parts: readonly AttributePart[];
  readonly said: Partial<AttributeProto>;
  readonly isList?: boolean;
  readonly isTyped?: boolean;
}

type Value = Omit<Shown, 'type'>;

/** Which field an attribute of each type has its value in. */
const FIELDS: readonly (readonly [type: number, field: keyof AttributeProto])[] = [
  [AttributeType.FLOAT, 'f'],
  [AttributeType.INT, 'i'],
  [AttributeType.STRING, 's'],
  [AttributeType.TENSOR, 't'],
  [AttributeType.GRAPH, 'g'],
  [AttributeType.SPARSE_TENSOR, 'sparseTensor'],
  [AttributeType.TYPE_PROTO, 'tp'],
  [AttributeType.FLOATS, 'floats'],
  [AttributeType.INTS, 'ints'],
  [AttributeType.STRINGS, 'strings'],
  [AttributeType.TENSORS, 'tensors'],
  [AttributeType.GRAPHS, 'graphs'],
  [AttributeType.SPARSE_TENSORS, 'sparseTensors'],
  [AttributeType.TYPE_PROTOS, 'typeProtos'],
];

/** Stands for a value that is missing; the annotations take it away. */
const PLACEHOLDER: Shown = { type: AttributeType.INT, parts: [text('0')], said: { i: 0n } };

/** The attribute in pieces; what its text cannot say is in the annotations. Cost: O(data). */
export function attributeText(attribute: AttributeProto, options: DataOptions): AttributeText {
  const { name = '', refAttrName } = attribute;
  const shown = refAttrName === undefined ? shownValue(attribute, options) : reference(attribute, refAttrName);
  const typeName = shown.isTyped ? attributeTypeName(shown.type) : undefined;
  const said = { ...shown.said, name };
  return {
    notes: diffNotes('attribute', attribute, shown.type === undefined ? said : { ...said, type: shown.type }),
    head: `${quotable(name)}${typeName === undefined ? '' : ` : ${typeName}`} = `,
    isList: shown.isList ?? false,
    parts: shown.parts,
  };
}

/** The type by which the value is shown: that of the attribute, else that of the value it has. */
function shownType(attribute: AttributeProto): number {
  if (attributeTypeName(attribute.type) !== undefined) return attribute.type ?? 0;
  const row = FIELDS.find(([, field]) => {
    const value = attribute[field];
    return value !== undefined && (value as { readonly length?: number }).length !== 0;
  });
  return row?.[0] ?? AttributeType.INT;
}

function text(content: string): NotedText {
  return { text: content, notes: [] };
}

function reference(attribute: AttributeProto, refAttrName: string): Shown {
  const type = attributeTypeName(attribute.type) === undefined ? undefined : attribute.type;
  return { type, parts: [text(`@${quotable(refAttrName)}`)], said: { refAttrName }, isTyped: true };
}

function shownValue(attribute: AttributeProto, options: DataOptions): Shown {
  const type = shownType(attribute);
  const value = isListType(type) ? shownList(attribute, type, options) : shownSingle(attribute, type, options);
  return value ? { type, ...value } : PLACEHOLDER;
}

function isListType(type: number): boolean {
  const field = FIELDS.find(([candidate]) => candidate === type)?.[1];
  return (
    field !== undefined && LAYOUTS.AttributeProto.fields.some(({ name, label }) => name === field && label !== 'one')
  );
}

function shownSingle(attribute: AttributeProto, type: number, options: DataOptions): Value | undefined {
  const { f, i, s, t, g, tp, sparseTensor } = attribute;
  switch (type) {
    case AttributeType.FLOAT:
      return f === undefined ? undefined : shownFloat(f, attribute.fBits);
    case AttributeType.INT:
      return i === undefined ? undefined : { parts: [text(String(i))], said: { i } };
    case AttributeType.STRING:
      return s && shownStrings([s], { s });
    case AttributeType.TENSOR:
      return t && { parts: [tensorPart(t, options)], said: { t } };
    case AttributeType.GRAPH:
      return g && { parts: [g], said: { g } };
    case AttributeType.SPARSE_TENSOR:
      return sparseTensor && { parts: [sparsePart(sparseTensor)], said: {}, isTyped: true };
    default:
      return tp && { parts: [typePart(tp)], said: { tp: readBack(tp) } };
  }
}

function shownList(attribute: AttributeProto, type: number, options: DataOptions): Value {
  const { floats, ints, strings, tensors, graphs, typeProtos, sparseTensors } = attribute;
  switch (type) {
    case AttributeType.FLOATS:
      return shownFloats(floats);
    case AttributeType.INTS:
      return list(
        ints.map((value) => text(String(value))),
        { ints },
        ints.length === 0,
      );
    case AttributeType.STRINGS:
      return { ...shownStrings(strings, { strings }), isList: true, isTyped: strings.length === 0 };
    case AttributeType.TENSORS:
      return list(
        tensors.map((tensor) => tensorPart(tensor, options)),
        { tensors },
      );
    case AttributeType.GRAPHS:
      return list(graphs, { graphs });
    case AttributeType.SPARSE_TENSORS:
      return list(sparseTensors.map(sparsePart), {});
    default:
      return list(typeProtos.map(typePart), { typeProtos: typeProtos.map(readBack) });
  }
}

function list(parts: readonly AttributePart[], said: Partial<AttributeProto>, isTyped = true): Value {
  return { parts, said, isList: true, isTyped };
}

function shownFloat(f: number, fBits: number | undefined): Value {
  const isNegative = Number.isNaN(f) && fBits === NEGATIVE_NAN;
  const said = isNegative ? { f, fBits: NEGATIVE_NAN } : { f };
  const shown = isNegative ? '-nan' : pointed(floatsText(Float32Array.of(f)).texts(0));
  return { parts: [text(shown)], said };
}

function shownFloats(floats: Float32Array): Value {
  const { texts, isExact } = floatsText(floats);
  const parts = Array.from(floats, (_, i) => text(pointed(texts(i))));
  return list(parts, isExact ? { floats } : {}, floats.length === 0);
}

/** Strings that are not UTF-8 have no text: they show as empty ones, and an annotation has them all. */
function shownStrings(strings: readonly Uint8Array[], said: Partial<AttributeProto>): Value {
  const texts = strings.map((bytes) => decodeUtf8(bytes));
  if (texts.some(hasLoneSurrogate)) return { parts: [text('""')], said: {} };
  return { parts: texts.map((content) => text(quoted(content))), said };
}

function tensorPart(tensor: TensorProto, { defaults, elideAbove }: DataOptions): NotedText {
  const isNamed = tensor.name !== undefined && isIdentifier(tensor.name);
  const said = isNamed ? tensor.name : defaults.empty_tensor_name ? '' : undefined;
  const { type, data, notes } = tensorText(tensor, said, defaults, elideAbove);
  const named = isNamed ? `${type} ${tensor.name}` : type;
  return { text: data.startsWith('{') ? `${named} ${data}` : `${named} = ${data}`, notes };
}

/** The syntax has no sparse tensors: their type stands for them. */
function sparsePart({ values, dims }: SparseTensorProto): NotedText {
  const shape = { dim: dims.map((dimValue) => ({ dimValue })) };
  return text(typeText({ sparseTensorType: { elemType: values?.dataType ?? 0, shape } }));
}

function typePart(type: TypeProto): NotedText {
  const shown = typeText(type);
  return text(shown === '' || shown === 'undefined' ? 'float' : shown);
}

function readBack(type: TypeProto): TypeProto {
  return parseType(new Scanner(typePart(type).text));
}
