import { type AttributeInit, type AttributeValue, toAttribute } from '../ir/attribute.js';
import type { OpSchema } from './schema.js';

/** {@link toAttribute} with the type that the operator declares: `1` for a FLOAT is a FLOAT, `[]` for FLOATS is FLOATS. */
export function declaredAttribute(
  schema: OpSchema | undefined,
  name: string,
  init: Exclude<AttributeInit, undefined>,
): AttributeValue {
  const type = schema?.attributes.get(name)?.type;
  if (type === 'FLOAT' && typeof init === 'number') return { type, value: init };
  if (type === 'FLOATS' && Array.isArray(init))
    return { type, value: (init as readonly (number | bigint)[]).map(Number) };
  if (type === 'STRINGS' && Array.isArray(init) && init.length === 0) return { type, value: [] };
  return toAttribute(init);
}
