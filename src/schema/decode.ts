import { invariant } from '../support/invariant.js';
import { decodeTypes } from './types.js';

/** Default values by attribute type; the other types never have one. INT defaults are all safe integers. */
interface AttributeDefaults {
  readonly INT: number;
  readonly FLOAT: number;
  readonly STRING: string;
  readonly INTS: readonly number[];
  readonly FLOATS: readonly number[];
  readonly STRINGS: readonly string[];
  readonly TENSOR: never;
  readonly GRAPH: never;
  readonly SPARSE_TENSOR: never;
  readonly TYPE_PROTO: never;
}

/** Attribute types that occur in schemas, in the spelling of `AttributeProto.AttributeType`. */
export type AttributeKind = keyof AttributeDefaults;

/** One attribute of an operator version. An attribute that is neither required nor has a default may be absent. */
export type AttributeSchema = {
  [Kind in AttributeKind]: {
    readonly type: Kind;
    readonly required: boolean;
    /** FLOAT defaults are float32 values: what a reader of the wire format gets for the same attribute. */
    readonly default: AttributeDefaults[Kind] | undefined;
  };
}[AttributeKind];

/** One declared input or output of an operator version. */
export interface FormalParameter {
  readonly name: string;
  /** Name of a type constraint of the operator, or a type such as `tensor(int64)`. */
  readonly type: string;
  /** The types it may have, resolved through the constraint. */
  readonly types: readonly string[];
  readonly option: 'Single' | 'Optional' | 'Variadic';
  /** Whether all values of a variadic parameter must have one type; `true` for the other options. */
  readonly homogeneous: boolean;
}

/** One version of one operator. */
export interface OpSchema {
  /** `''` for the default domain, never `ai.onnx`. */
  readonly domain: string;
  readonly op: string;
  /** The opset version that introduced this version of the operator. */
  readonly since: number;
  /** From this version on the operator must not be used. */
  readonly deprecated: boolean;
  readonly inputs: readonly FormalParameter[];
  readonly outputs: readonly FormalParameter[];
  readonly minInputs: number;
  /** `Infinity` when the last input is variadic. */
  readonly maxInputs: number;
  readonly minOutputs: number;
  /** `Infinity` when the last output is variadic. */
  readonly maxOutputs: number;
  readonly attributes: ReadonlyMap<string, AttributeSchema>;
  readonly typeConstraints: ReadonlyMap<string, readonly string[]>;
  /** Whether the standard defines the operator by a function of other operators. */
  readonly hasFunctionBody: boolean;
}

const KINDS: Readonly<Record<string, AttributeKind>> = {
  i: 'INT',
  f: 'FLOAT',
  s: 'STRING',
  t: 'TENSOR',
  g: 'GRAPH',
  z: 'SPARSE_TENSOR',
  p: 'TYPE_PROTO',
  I: 'INTS',
  F: 'FLOATS',
  S: 'STRINGS',
};

interface Arity {
  readonly parameters: readonly FormalParameter[];
  readonly min: number;
  readonly max: number;
}

type Constraints = ReadonlyMap<string, readonly string[]>;

function items(text: string, separator: string): readonly string[] {
  return text === '' ? [] : text.split(separator);
}

function decodeParameters(text: string, constraints: Constraints): Arity {
  const parameters: FormalParameter[] = [];
  let min = 0;
  let max = 0;
  for (const item of items(text, ',')) {
    const match = /^([\w.]+)(?:(\?)|(\*)(\d*)(~?))?:(.+)$/.exec(item);
    invariant(match, `schema table: parameter ${item}`);
    const [, name = '', optional, variadic, least, mixed, type = ''] = match;
    const types = type.startsWith('=') ? decodeTypes(type.slice(1)) : constraints.get(type);
    invariant(types, `schema table: type of parameter ${item}`);
    const option = variadic ? 'Variadic' : optional ? 'Optional' : 'Single';
    const shown = type.startsWith('=') ? (types[0] ?? '') : type;
    if (variadic) min = parameters.length + Number(least === '' ? 1 : least);
    else if (!optional) min = parameters.length + 1;
    parameters.push({ name, type: shown, types, option, homogeneous: mixed !== '~' });
    max = variadic ? Number.POSITIVE_INFINITY : parameters.length;
  }
  return { parameters, min, max };
}

function decodeAttribute(kind: AttributeKind, text: string): AttributeSchema {
  const required = text === '!';
  const value = text.startsWith('=') ? text.slice(1) : undefined;
  switch (kind) {
    case 'INT':
      return { type: kind, required, default: value === undefined ? undefined : Number(value) };
    case 'FLOAT':
      return { type: kind, required, default: value === undefined ? undefined : Math.fround(Number(value)) };
    case 'STRING':
      return { type: kind, required, default: value };
    case 'INTS':
      return { type: kind, required, default: value?.split(' ').map(Number) };
    case 'FLOATS':
      return { type: kind, required, default: value?.split(' ').map((item) => Math.fround(Number(item))) };
    case 'STRINGS':
      return { type: kind, required, default: value?.split(' ') };
    case 'TENSOR':
    case 'GRAPH':
    case 'SPARSE_TENSOR':
    case 'TYPE_PROTO':
      return { type: kind, required, default: undefined };
  }
}

function decodeAttributes(text: string): ReadonlyMap<string, AttributeSchema> {
  return new Map(
    items(text, ',').map((item) => {
      const colon = item.indexOf(':');
      const kind = KINDS[item[colon + 1] ?? ''];
      invariant(kind, `schema table: attribute ${item}`);
      return [item.slice(0, colon), decodeAttribute(kind, item.slice(colon + 2))];
    }),
  );
}

function decodeConstraints(text: string): Constraints {
  return new Map(
    items(text, ';').map((item) => {
      const equals = item.indexOf('=');
      return [item.slice(0, equals), decodeTypes(item.slice(equals + 1))];
    }),
  );
}

/**
 * All versions of one operator, oldest first, from its line in a generated table: the name, then ` @` and
 * `since[!][f]|inputs|outputs|attributes|constraints` per version. `!` is deprecated, `f` has a function body, and a
 * part `^` repeats that of the version before.
 */
export function decodeOperator(domain: string, line: string): readonly OpSchema[] {
  const [op = '', ...versions] = line.split(' @');
  let previous: readonly string[] = [];
  return versions.map((version) => {
    const [head = '', ...parts] = version.split('|');
    previous = parts.map((part, i) => (part === '^' ? (previous[i] ?? '') : part));
    const [inputText = '', outputText = '', attributeText = '', constraintText = ''] = previous;
    const typeConstraints = decodeConstraints(constraintText);
    const inputs = decodeParameters(inputText, typeConstraints);
    const outputs = decodeParameters(outputText, typeConstraints);
    return {
      domain,
      op,
      since: Number.parseInt(head, 10),
      deprecated: head.includes('!'),
      inputs: inputs.parameters,
      outputs: outputs.parameters,
      minInputs: inputs.min,
      maxInputs: inputs.max,
      minOutputs: outputs.min,
      maxOutputs: outputs.max,
      attributes: decodeAttributes(attributeText),
      typeConstraints,
      hasFunctionBody: head.includes('f'),
    };
  });
}
