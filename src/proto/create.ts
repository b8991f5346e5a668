import type { MessageName, Messages } from './messages.js';
import type { FieldRow } from './fields.js';
import { TABLE } from './table.js';

const NONE: readonly never[] = Object.freeze([]);
const NO_NUMBERS = {
  float: new Float32Array(0),
  double: new Float64Array(0),
  int32: new Int32Array(0),
  int64: new BigInt64Array(0),
  uint64: new BigUint64Array(0),
} as const;

/** The value of a repeated field without elements: an empty typed array where `messages.ts` says so, else a frozen `[]`. */
export function emptyList([, , kind, label]: FieldRow): readonly unknown[] | ArrayBufferView {
  if (kind === 'float' || kind === 'double') return NO_NUMBERS[kind];
  if (label === 'packed' && (kind === 'int32' || kind === 'int64' || kind === 'uint64')) return NO_NUMBERS[kind];
  return NONE;
}

/** A message with the given fields; repeated fields that are not given are empty. */
export function create<K extends MessageName>(kind: K, fields: Partial<Messages[K]>): Messages[K] {
  const message: Record<string, unknown> = { ...fields };
  for (const row of TABLE[kind]) {
    const [, name, , label] = row;
    if (label !== undefined && label !== 'one') message[name] ??= emptyList(row);
  }
  return message as unknown as Messages[K];
}
