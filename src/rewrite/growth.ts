import type { Change } from '../ir/journal.js';
import type { Value } from '../ir/value.js';
import type { Match } from '../pattern/match.js';
import { constantOf } from '../schema/constant.js';
import { isInteger } from '../tensor/dtype.js';

/** Lists of integers (axes, sizes) of at most this many bytes do not count: a node that goes takes as much in the file. */
const SMALL = 64;

/**
 * Bytes of constants that these changes add, less those that only the matched nodes read and that go with them. To be asked while the
 * matched nodes still stand and what replaces them has been built.
 */
export function growthOf(changes: readonly Change[], match: Match): number {
  let bytes = 0;
  for (const change of changes) {
    if (change.kind === 'add-initializer') bytes += sizeOf(change.value);
    else if (change.kind === 'add-node' && change.node.outputs[0]) bytes += sizeOf(change.node.outputs[0]);
  }
  for (const value of constantsOf(match)) bytes -= sizeOf(value);
  return bytes;
}

function sizeOf(value: Value): number {
  const tensor = constantOf(value);
  if (!tensor || (isInteger(tensor.dtype) && tensor.byteLength <= SMALL)) return 0;
  return tensor.byteLength;
}

/** Constants that nothing but matched nodes read. */
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
