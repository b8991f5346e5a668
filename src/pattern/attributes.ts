import type { Attribute } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import { saturate, versionOf } from '../schema/read.js';
import { attributeDefault } from '../schema/schema.js';
import { showNumber } from './miss.js';

const UTF8 = new TextDecoder();

/**
 * The value of an attribute as a plain value: INT and INTS as numbers (saturating at 2^53), STRING and STRINGS as text. The default of
 * the operator's version when it is absent, `undefined` when there is none.
 */
export function plainAttribute(node: Node, name: string): unknown {
  const attr = node.attrs.get(name);
  if (attr) return plain(attr);
  const opset = versionOf(node);
  return opset === undefined ? undefined : attributeDefault(node.domain, node.opType, name, opset);
}

function plain(attr: Attribute): unknown {
  switch (attr.type) {
    case 'INT':
      return saturate(attr.value);
    case 'INTS':
      return attr.value.map(saturate);
    case 'STRING':
      return UTF8.decode(attr.value);
    case 'STRINGS':
      return attr.value.map((text) => UTF8.decode(text));
    default:
      return attr.value;
  }
}

/** An attribute's value as messages show it. */
export function showAttribute(value: unknown): string {
  if (value === undefined) return 'absent';
  if (Array.isArray(value)) return `[${value.map(showAttribute).join(', ')}]`;
  if (typeof value === 'number') return showNumber(value);
  return typeof value === 'string' ? value : 'a value of another kind';
}
