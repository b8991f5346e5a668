import type { Attribute } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import { attributeDefault, findRuntimeSchema, latestOpset, type OpSchema } from './schema.js';

/** The imported version of the node's domain where it stands; `undefined` when nothing imports it. */
export function opsetOf(node: Node): number | undefined {
  return node.graph.opset(node.domain);
}

/** The version that a node is read by: as in onnxruntime a domain that is not imported counts at its latest one, the default domain excepted. */
export function versionOf(node: Node): number | undefined {
  return opsetOf(node) ?? (node.domain === '' ? undefined : latestOpset(node.domain));
}

/**
 * The schema in force for a node, onnxruntime's additions to the default domain included; `undefined` for local
 * functions, unknown operators, and the default domain when it is not imported.
 */
export function schemaOf(node: Node): OpSchema | undefined {
  const opset = versionOf(node);
  return opset === undefined ? undefined : findRuntimeSchema(node.domain, node.opType, opset);
}

/** Whether the node is this operator of the default domain. */
export function isOp(node: Node | undefined, ...opTypes: readonly string[]): node is Node {
  return node !== undefined && node.domain === '' && opTypes.includes(node.opType);
}

/** Whether some attribute takes its value from the function around the node: nothing may be concluded from it. */
export function hasReference(node: Node): boolean {
  for (const attr of node.attrs.values()) if (attr.type === 'REFERENCE') return true;
  return false;
}

function read<T extends Attribute['type']>(
  node: Node,
  name: string,
  type: T,
): Extract<Attribute, { type: T }> | undefined {
  const attr = node.attrs.get(name);
  return attr?.type === type ? (attr as Extract<Attribute, { type: T }>) : undefined;
}

function fallback(node: Node, name: string): ReturnType<typeof attributeDefault> {
  const opset = versionOf(node);
  if (opset === undefined || node.attrs.has(name)) return undefined;
  return attributeDefault(node.domain, node.opType, name, opset);
}

/** Integers beyond 2^53 saturate there: right for ends of slices, the only attributes that have them. */
export function saturate(value: bigint): number {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return Number(value > limit ? limit : value < -limit ? -limit : value);
}

/** An INT attribute, or the default of the operator's version; `undefined` when there is neither, or it is a reference. */
export function intAttr(node: Node, name: string): number | undefined {
  const attr = read(node, name, 'INT');
  if (attr) return saturate(attr.value);
  const value = fallback(node, name);
  return typeof value === 'number' ? value : undefined;
}

/** A FLOAT attribute, or the default of the operator's version; `undefined` when there is neither, or it is a reference. */
export function floatAttr(node: Node, name: string): number | undefined {
  const attr = read(node, name, 'FLOAT');
  if (attr) return attr.value;
  const value = fallback(node, name);
  return typeof value === 'number' ? value : undefined;
}

/** An INTS attribute, or the default of the operator's version; `undefined` when there is neither, or it is a reference. */
export function intsAttr(node: Node, name: string): readonly number[] | undefined {
  const attr = read(node, name, 'INTS');
  if (attr) return attr.value.map(saturate);
  const value = fallback(node, name);
  return Array.isArray(value) ? value.map(Number) : undefined;
}

/** A FLOATS attribute; `undefined` when it is absent or a reference. */
export function floatsAttr(node: Node, name: string): readonly number[] | undefined {
  return read(node, name, 'FLOATS')?.value;
}

/** A STRING attribute, or the default of the operator's version; `undefined` when there is neither, or it is a reference. */
export function stringAttr(node: Node, name: string): string | undefined {
  const attr = read(node, name, 'STRING');
  if (attr) return new TextDecoder().decode(attr.value);
  const value = fallback(node, name);
  return typeof value === 'string' ? value : undefined;
}
