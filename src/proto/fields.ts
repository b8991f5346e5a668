import type { MessageName } from './messages.js';

/** How a scalar is written: as in the ONNX schema, `data` being bytes that may stay where they are. Enumerations are int32. */
export type ScalarKind = 'string' | 'bytes' | 'data' | 'int32' | 'int64' | 'uint64' | 'float' | 'double';

/** `one`: singular; `many`: repeated; `packed`: repeated, numbers in one length-delimited run. */
export type FieldLabel = 'one' | 'many' | 'packed';

/** Number, name, type, label (`one` when left out) and the oneof that the field belongs to. */
export type FieldRow = readonly [
  number: number,
  name: string,
  kind: ScalarKind | MessageName,
  label?: FieldLabel,
  oneof?: string,
];
