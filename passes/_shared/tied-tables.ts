import { isOp, type Node, type Value } from '#core';
import { refuse } from './weight-edit.js';

/** Operators that hand a weight on as it is. */
const WEIGHT_MOVES = ['Identity', 'Transpose', 'Cast', 'CastLike', 'Reshape', 'Squeeze', 'Unsqueeze'];

/**
 * Proves that tables from which rows of the stream are gathered have no other readers, a tied head above all: the copy that the stream
 * gets would untie them.
 * @throws ResonnxError `rewrite/refused` unless `untie`
 */
export function checkTied(writers: Iterable<Value>, untie: boolean): void {
  if (untie) return;
  const gathers = new Set<Node>();
  for (const { producer } of writers) if (isOp(producer, 'Gather')) gathers.add(producer);
  for (const node of gathers) {
    const table = sourceOf(node.inputs[0]!);
    const other = readersOf(table).find((reader) => !gathers.has(reader));
    if (!other) continue;
    const why = `the table "${table.hint}" is tied: ${other.op} reads it too, and must keep it as it is`;
    refuse(other, why, 'Give the option untie: true to duplicate the table.');
  }
}

function sourceOf(table: Value): Value {
  let value = table;
  while (isOp(value.producer, ...WEIGHT_MOVES)) value = value.producer.inputs[0]!;
  return value;
}

function readersOf(weight: Value): readonly Node[] {
  const found: Node[] = [];
  const stack = [weight];
  for (let value = stack.pop(); value; value = stack.pop()) {
    for (const use of value.uses) {
      if (use.kind === 'output') continue;
      if (isOp(use.node, ...WEIGHT_MOVES)) stack.push(use.node.outputs[0]!);
      else found.push(use.node);
    }
  }
  return found;
}
