import type { Change } from '../ir/journal.js';
import type { Node } from '../ir/node.js';
import type { Value } from '../ir/value.js';
import type { Match } from '../pattern/match.js';
import { constantOf } from '../schema/constant.js';
import { isInteger } from '../tensor/dtype.js';

/** Single numbers, and lists of integers (axes, sizes) of at most this many bytes, do not count: a node that goes takes as much in the file. */
const SMALL = 64;

/** Bytes of a field's tag and length in the file, of an attribute without its value, and of a name that is still to be made. */
const FIELD = 2;
const ATTRIBUTE = 10;
const NEW_NAME = 8;

/**
 * Bytes of constants by which a model grows when the matched nodes give way to what these changes added, less those that only matched
 * nodes read. Constants that are new may also take the room that nodes give up; nodes alone are no growth. To be asked while the
 * matched nodes still stand.
 */
export function growthOf(changes: readonly Change[], match: Match): number {
  let constants = 0;
  let nodes = 0;
  for (const change of changes) {
    if (change.kind === 'add-initializer') constants += constantBytes(change.value);
    else if (change.kind === 'add-node') {
      if (change.node.opType === 'Constant' && change.node.outputs[0])
        constants += constantBytes(change.node.outputs[0]);
      nodes += nodeBytes(change.node);
    }
  }
  for (const node of match.nodes) nodes -= nodeBytes(node);
  for (const value of constantsOf(match)) constants -= constantBytes(value);
  return constants <= 0 ? constants : Math.max(0, constants + Math.min(0, nodes));
}

function constantBytes(value: Value): number {
  const tensor = constantOf(value);
  if (!tensor || tensor.size === 1 || (isInteger(tensor.dtype) && tensor.byteLength <= SMALL)) return 0;
  return tensor.byteLength;
}

/** About what a node takes in the file; a little less. */
function nodeBytes(node: Node): number {
  let bytes = FIELD + FIELD + node.opType.length + node.name.length + node.domain.length;
  for (const value of node.inputs) bytes += value ? nameBytes(value) : FIELD;
  for (const value of node.outputs) bytes += nameBytes(value);
  for (const name of node.attrs.keys()) bytes += ATTRIBUTE + name.length;
  return bytes;
}

function nameBytes({ hint }: Value): number {
  return FIELD + (hint === '' ? NEW_NAME : hint.length);
}

/** Initializers, and outputs of `Constant` nodes, that nothing but matched nodes read. */
function constantsOf(match: Match): Set<Value> {
  const inside = new Set(match.nodes);
  const found = new Set<Value>();
  for (const node of match.nodes) {
    for (const value of node.inputs) {
      if (!value || !constantOf(value)) continue;
      if ([...value.uses].every((use) => use.kind === 'input' && inside.has(use.node))) found.add(value);
    }
  }
  return found;
}
