import { attributesKey } from '../analysis/attribute-key.js';
import type { Attribute } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import { labelOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import { inputParameter } from '../schema/schema.js';
import { schemaOf } from '../schema/read.js';
import { decodeUtf8 } from '../support/utf8.js';
import { isConstant, type Matching, type SlotPair } from './matching.js';

/** What an attribute holds, as JSON; tensors, types and graphs by their kind. `null`: it is not there and has no default. */
export type AttributeJson = number | string | readonly (number | string)[] | null;

/** Two nodes in one place that are not made alike. */
export interface NodeChange {
  readonly first: Node;
  readonly second: Node;
  readonly attributes: readonly {
    readonly name: string;
    readonly before: AttributeJson;
    readonly after: AttributeJson;
  }[];
  /** Slots that read something else now, where both models have what either reads. */
  readonly inputs: readonly { readonly name: string; readonly before: string | null; readonly after: string | null }[];
}

/** How two matched nodes differ beside their weights; nothing when they do not. */
export function changeOf(first: Node, second: Node, matching: Matching): NodeChange | undefined {
  const attributes = attributeChanges(first, second);
  const inputs = matching
    .slots(first, second)
    .filter((pair) => isRewired(pair, matching))
    .map((pair) => ({
      name: slotName(first, pair.slot),
      before: pair.first ? valueLabel(pair.first) : null,
      after: pair.second ? valueLabel(pair.second) : null,
    }));
  return attributes.length + inputs.length > 0 ? { first, second, attributes, inputs } : undefined;
}

/** A slot that reads another value, which no added or removed node explains. */
function isRewired({ first, second }: SlotPair, matching: Matching): boolean {
  if (matching.corresponds(first, second)) return false;
  return [first, second].every((value) => !value?.producer || isConstant(value) || matching.has(value.producer));
}

/** What the user calls a value. */
export function valueLabel(value: Value): string {
  if (value.hint !== '') return value.hint;
  return value.producer ? labelOf(value.producer) : 'unnamed';
}

/** The name of an input slot in the operator's schema, or its number. */
export function slotName(node: Node, slot: number): string {
  const schema = schemaOf(node);
  return (schema && inputParameter(schema, slot)?.name) ?? String(slot);
}

/** Attributes that differ; one that is left out has its default. Bodies are compared by themselves. */
function attributeChanges(first: Node, second: Node): NodeChange['attributes'] {
  const names = [...new Set([...first.attrs.keys(), ...second.attrs.keys()])].sort();
  return names.flatMap((name) => {
    const [a, b] = [first.attrs.get(name), second.attrs.get(name)];
    if ((a ?? b)?.type === 'GRAPH' || (a ?? b)?.type === 'GRAPHS') return [];
    if (a && b && attributesKey(new Map([['', a]])) === attributesKey(new Map([['', b]]))) return [];
    const [before, after] = [attributeJson(a, first, name), attributeJson(b, second, name)];
    // Of what has no value in JSON both sides may look alike although they differ.
    if (JSON.stringify(before) === JSON.stringify(after) && (!a || !b)) return [];
    return [{ name, before, after }];
  });
}

function attributeJson(attr: Attribute | undefined, node: Node, name: string): AttributeJson {
  if (!attr) return defaultJson(schemaOf(node)?.attributes.get(name)?.default);
  switch (attr.type) {
    case 'FLOAT':
      return attr.value;
    case 'INT':
      return Number(attr.value);
    case 'STRING':
      return decodeUtf8(attr.value);
    case 'FLOATS':
      return attr.value;
    case 'INTS':
      return attr.value.map(Number);
    case 'STRINGS':
      return attr.value.map(decodeUtf8);
    case 'TENSOR':
      return `${attr.value.dtype}[${attr.value.shape.join()}]`;
    case 'REFERENCE':
      return `@${attr.value}`;
    default:
      return attr.type.toLowerCase();
  }
}

function defaultJson(value: unknown): AttributeJson {
  if (typeof value === 'number' || typeof value === 'string') return value;
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Uint8Array) return decodeUtf8(value);
  return Array.isArray(value) ? value.map((each) => defaultJson(each) as number | string) : null;
}
