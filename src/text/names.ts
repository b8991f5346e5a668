import { AttributeType } from '../proto/enums.js';
import { DTYPES, type DType } from '../tensor/dtype.js';

/** What ONNX text calls the element types; float32 and float64 are `float` and `double`. `undefined` is number 0. */
export const ELEMENT_TYPES: ReadonlyMap<string, number> = new Map([
  ['undefined', 0],
  ...(Object.keys(DTYPES) as DType[]).map((dtype) => [textName(dtype), DTYPES[dtype].onnx] as const),
]);

function textName(dtype: DType): string {
  return dtype === 'float32' ? 'float' : dtype === 'float64' ? 'double' : dtype;
}

const ELEMENT_NAMES: ReadonlyMap<number, string> = new Map([...ELEMENT_TYPES].map(([name, number]) => [number, name]));

/** The text name of a `TensorProto.DataType` number; `undefined` for 0 and for numbers without a name. */
export function elementTypeName(number: number | undefined): string {
  return ELEMENT_NAMES.get(number ?? 0) ?? 'undefined';
}

/** Attribute types by the name that `name : type = value` uses. */
export const ATTRIBUTE_TYPES: ReadonlyMap<string, number> = new Map(
  Object.entries(AttributeType).flatMap(([name, number]) => (number === 0 ? [] : [[name.toLowerCase(), number]])),
);

const ATTRIBUTE_NAMES: ReadonlyMap<number, string> = new Map(
  [...ATTRIBUTE_TYPES].map(([name, number]) => [number, name]),
);

/** The text name of an `AttributeProto.AttributeType` number, for annotations and messages; `undefined` when it has none. */
export function attributeTypeName(number: number | undefined): string | undefined {
  return number === undefined ? undefined : ATTRIBUTE_NAMES.get(number);
}

/** Keywords that begin a type other than a tensor's. */
const TYPE_KEYWORDS: ReadonlySet<string> = new Set(['seq', 'map', 'optional', 'sparse_tensor', 'opaque']);

/** Whether an identifier begins a type; `undefined` does so only where the scanner sees what follows. */
export function isTypeWord(word: string): boolean {
  return TYPE_KEYWORDS.has(word) || (word !== 'undefined' && ELEMENT_TYPES.has(word));
}

/** Whether the text can name this without quotes: a letter or `_`, then letters, digits and `_`. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** The name as the text writes it where quotes are allowed. */
export function quotable(name: string): string {
  return isIdentifier(name) ? name : quoted(name);
}

/** A string literal: `"` and `\` are escaped by `\`, everything else stands for itself, line breaks included. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

/** The name of an untyped value: in quotes too where the bare word would begin a type. */
export function quotableUntyped(name: string): string {
  return isTypeWord(name) || name === 'undefined' ? quoted(name) : quotable(name);
}

/**
 * A graph's name where quotes are not allowed, which is as the value of an attribute: every other character becomes `_`, and
 * what reads as a type or as a float literal there (`inf`, `nan`) gets a `_` in front.
 */
export function bareGraphName(name: string): string {
  const word = name.replace(/[^A-Za-z0-9_]/g, '_');
  const taken = isTypeWord(word) || word === 'undefined' || /^(inf|infinity|nan)(?![A-Za-z0-9])/i.test(word);
  return taken || !isIdentifier(word) ? `_${word}` : word;
}
