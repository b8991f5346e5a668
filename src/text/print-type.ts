import { nestedTooDeep } from '../diagnostics/codes/text.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { TensorShapeProto, TypeProto, ValueInfoProto } from '../proto/messages.js';
import { elementTypeName, isIdentifier, quotable, quotableUntyped } from './names.js';
import { diffNotes } from './notes.js';
import { parseBareValue } from './parse-type.js';
import { MAX_NESTING, Scanner } from './scanner.js';

/** A line of the text and the annotations before it. */
export interface NotedText {
  readonly text: string;
  readonly notes: readonly string[];
}

/** `float[N,3] name`, or a name alone. */
export function valueText(value: ValueInfoProto): NotedText {
  const { type, name = '' } = value;
  const typed = type ? typeText(type) : '';
  const text = typed === '' ? quotableUntyped(name) : `${typed} ${quotable(name)}`;
  return { text, notes: diffNotes('value', value, parseBareValue(new Scanner(text))) };
}

/** The type as the syntax has it, '' when it has none; denotations have no place in it. @throws ResonnxError text/nested-too-deep */
export function typeText(type: TypeProto, depth = 1): string {
  if (depth > MAX_NESTING) throw new ResonnxError([nestedTooDeep({ path: '' }, MAX_NESTING)]);
  const inner = (element: TypeProto | undefined): string => (element && typeText(element, depth + 1)) || 'undefined';
  const { tensorType, sequenceType, mapType, optionalType, sparseTensorType, opaqueType } = type;
  if (tensorType) return elementTypeName(tensorType.elemType) + shapeText(tensorType.shape);
  if (sequenceType) return `seq(${inner(sequenceType.elemType)})`;
  if (mapType) return `map(${elementTypeName(mapType.keyType)}, ${inner(mapType.valueType)})`;
  if (optionalType) return `optional(${inner(optionalType.elemType)})`;
  if (sparseTensorType) {
    return `sparse_tensor(${elementTypeName(sparseTensorType.elemType)}${shapeText(sparseTensorType.shape)})`;
  }
  return opaqueType ? `opaque(${opaqueText(opaqueType)})` : '';
}

/** Nothing for a scalar, `[]` for an unknown rank. */
function shapeText(shape: TensorShapeProto | undefined): string {
  if (!shape) return '[]';
  const dims = shape.dim.map(({ dimValue, dimParam }) => {
    if (dimValue !== undefined) return String(dimValue);
    return dimParam === undefined ? '?' : quotable(dimParam);
  });
  return dims.length > 0 ? `[${dims.join(',')}]` : '';
}

function opaqueText({ domain, name }: NonNullable<TypeProto['opaqueType']>): string {
  if (domain === undefined) return name === undefined ? '' : dotted(name);
  return `${dotted(domain)}, ${quotable(name ?? '')}`;
}

/** A name whose parts between dots are identifiers, or the whole in quotes. */
export function dotted(name: string): string {
  const parts = name.split('.');
  return parts.every(isIdentifier) ? name : quotable(name);
}
