import { invariant } from '../support/invariant.js';
import type { DType } from '../tensor/dtype.js';

/** Element types in the spelling of schemas, in the order of `TensorProto.DataType`; the tables name them by letter. */
const ELEMENTS = [
  'float',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'int64',
  'string',
  'bool',
  'float16',
  'double',
  'uint32',
  'uint64',
  'complex64',
  'complex128',
  'bfloat16',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
  'float8e8m0',
  'uint2',
  'int2',
  'float6e2m3',
  'float6e3m2',
] as const;

type Element = (typeof ELEMENTS)[number];

const LETTERS = 'abcdefghijklmnopqrstuvwxyzAB';

const CONTAINERS: Readonly<Record<string, (element: Element) => string>> = {
  s: (element) => `seq(tensor(${element}))`,
  o: (element) => `optional(tensor(${element}))`,
  q: (element) => `optional(seq(tensor(${element})))`,
  z: (element) => `sparse_tensor(${element})`,
};

const decoded = new Map<string, readonly string[]>();

function decodeGroup(group: string): readonly string[] {
  if (group.includes('(')) return [group];
  const container = group[1] === ':' ? CONTAINERS[group[0] ?? ''] : undefined;
  const types: string[] = [];
  for (const letter of container ? group.slice(2) : group) {
    const element = ELEMENTS[LETTERS.indexOf(letter)];
    if (element !== undefined) types.push(container ? container(element) : `tensor(${element})`);
  }
  return types;
}

/**
 * The types that a code of the generated tables stands for: groups parted by `/`, each a string of element letters
 * (tensors; `s:`, `o:`, `q:` and `z:` before them for sequences, optionals, optional sequences and sparse tensors) or
 * one type in full. Equal codes give the same array.
 */
export function decodeTypes(code: string): readonly string[] {
  const known = decoded.get(code);
  if (known) return known;
  const types = code.split('/').flatMap(decodeGroup);
  decoded.set(code, types);
  return types;
}

const BY_TYPE: ReadonlyMap<string, DType> = new Map(
  ELEMENTS.flatMap((element): [string, DType][] => {
    if (element === 'float6e2m3' || element === 'float6e3m2') return [];
    return [[`tensor(${element})`, element === 'float' ? 'float32' : element === 'double' ? 'float64' : element]];
  }),
);

/** The element type that a schema type such as `tensor(float)` names; `undefined` when it is no dense tensor of a known element type. */
export function tensorDType(type: string): DType | undefined {
  return BY_TYPE.get(type);
}

const TYPE_NAMES: ReadonlyMap<DType, string> = new Map([...BY_TYPE].map(([type, dtype]) => [dtype, type]));

/** The schema type of dense tensors of an element type: `tensor(float)` for `float32`. */
export function tensorTypeName(dtype: DType): string {
  const name = TYPE_NAMES.get(dtype);
  invariant(name, `no schema type for ${dtype}`);
  return name;
}

/** The element types among schema types, in the order of `TensorProto.DataType`. */
export function tensorDTypes(types: readonly string[]): readonly DType[] {
  return types.flatMap((type) => BY_TYPE.get(type) ?? []);
}
