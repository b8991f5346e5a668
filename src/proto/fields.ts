import { emptyList } from './create.js';
import type { MessageName } from './messages.js';
import { TABLE } from './table.js';

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

/** Wire types that ONNX uses: how the value after a tag is delimited. */
export const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;

/** Messages inside messages that are read or written at most; a subgraph in a node takes three levels. */
export const MAX_NESTING = 1000;

/** One field of a message, as reading and writing need it. */
export interface Field {
  readonly number: number;
  /** Property of the message; `schemaName` is its spelling in the ONNX schema. */
  readonly name: string;
  readonly schemaName: string;
  readonly kind: ScalarKind | 'message';
  readonly label: FieldLabel;
  /** The layout of the message inside; `undefined` for scalars. */
  readonly child: Layout | undefined;
  /** What a repeated field holds when it has no elements. */
  readonly empty: readonly unknown[] | ArrayBufferView | undefined;
  /** Whether the elements are kept in a typed array. */
  readonly typed: boolean;
  /** Wire type of one element. */
  readonly wire: number;
  /** Properties that setting this one clears: the rest of its oneof. */
  readonly rivals: readonly string[];
}

/** The fields of a message type. */
export interface Layout {
  readonly name: MessageName;
  /** In ascending order of numbers. */
  readonly fields: readonly Field[];
  readonly byNumber: readonly (Field | undefined)[];
  readonly repeated: readonly Field[];
}

/** The layout of every message type. */
export const LAYOUTS: Readonly<Record<MessageName, Layout>> = buildLayouts();

/** One level of the way from the outermost message to a field; `index` in a repeated field. */
export interface Step {
  readonly field: Field;
  readonly index: number | undefined;
}

/** A place in a message in the schema's spelling: `graph.node[3].attribute[0].t`; the name of the message type when empty. */
export function pathText(root: Layout, steps: readonly Step[]): string {
  if (steps.length === 0) return root.name;
  const parts = steps.map(({ field, index }) =>
    index === undefined ? field.schemaName : `${field.schemaName}[${index}]`,
  );
  return parts.length <= 40 ? parts.join('.') : [...parts.slice(0, 20), '…', ...parts.slice(-20)].join('.');
}

function buildLayouts(): Record<MessageName, Layout> {
  const names = Object.keys(TABLE) as MessageName[];
  const shells = names.map((name) => ({ name, fields: [], byNumber: [], repeated: [] }) as MutableLayout);
  const layouts = Object.fromEntries(shells.map((shell) => [shell.name, shell])) as Record<MessageName, MutableLayout>;
  for (const shell of shells) {
    for (const row of TABLE[shell.name]) shell.fields.push(buildField(row, shell.name, layouts));
    for (const field of shell.fields) {
      shell.byNumber[field.number] = field;
      if (field.label !== 'one') shell.repeated.push(field);
    }
  }
  return layouts;
}

interface MutableLayout extends Layout {
  readonly fields: Field[];
  readonly byNumber: (Field | undefined)[];
  readonly repeated: Field[];
}

function buildField(row: FieldRow, owner: MessageName, layouts: Readonly<Record<MessageName, Layout>>): Field {
  const [number, name, type, label = 'one', oneof] = row;
  const kind = isMessage(type) ? 'message' : type;
  const empty = label === 'one' ? undefined : emptyList(row);
  const rivals = TABLE[owner].filter((other) => oneof !== undefined && other[4] === oneof && other[1] !== name);
  return {
    number,
    name,
    schemaName: name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    kind,
    label,
    child: isMessage(type) ? layouts[type] : undefined,
    empty,
    typed: empty !== undefined && ArrayBuffer.isView(empty),
    wire: wireOf(kind),
    rivals: rivals.map((other) => other[1]),
  };
}

function isMessage(type: ScalarKind | MessageName): type is MessageName {
  return Object.hasOwn(TABLE, type);
}

function wireOf(kind: ScalarKind | 'message'): number {
  switch (kind) {
    case 'float':
      return WIRE.fixed32;
    case 'double':
      return WIRE.fixed64;
    case 'int32':
    case 'int64':
    case 'uint64':
      return WIRE.varint;
    default:
      return WIRE.delimited;
  }
}
