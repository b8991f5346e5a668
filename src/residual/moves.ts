import { isFeatureAxis } from './feature-axis.js';
import type { Step } from './site.js';
import { dataInputs, intOf, type Op, scalarOf, shapeOf, type Val, type View } from './view.js';

/** What a Concat of parts of one value joins again: a cyclic shift. */
export function rolled(op: Op): Val | undefined {
  const sources = new Set(
    op.inputs.map((val) => (val?.op?.type === 'Slice' || val?.op?.type === 'Split' ? val.op.inputs[0] : undefined)),
  );
  return sources.size === 1 ? [...sources][0] : undefined;
}

/** The sequence that a Concat joins single positions to, as a class token that went its own way. */
export function sequencePart(view: View, op: Op, { weights, selected }: Step): Val | undefined {
  if (weights.length > 0 || selected) return undefined;
  const axis = intOf(op, 'axis');
  const [output, ...rest] = op.outputs;
  if (axis === undefined || !output || rest.length > 0 || isFeatureAxis(view, output, axis)) return undefined;
  const data = dataInputs(op);
  const rank = shapeOf(view, output)?.length ?? 0;
  if (data.length !== 2 || data.length !== op.inputs.length || rank < 3) return undefined;
  const at = axis < 0 ? axis + rank : axis;
  const longer = data.filter((val) => shapeOf(view, val)?.[at] !== 1);
  return at > 0 && longer.length === 1 && shapeOf(view, longer[0]!) ? longer[0] : undefined;
}

/** What a Concat fills up with constants, or with copies times zero. */
export function padded(op: Op): Val | undefined {
  const data = op.inputs.filter((val): val is Val => val !== undefined && !val.constant && !isZero(val));
  return data.length === 1 ? data[0] : undefined;
}

function isZero(val: Val): boolean {
  return val.op?.kind === 'mul' && val.op.inputs.some((factor) => factor?.constant && scalarOf(factor) === 0);
}

/** Whether an operation takes one position of a sequence, as class attention does for its token. */
export function selectsOne(view: View, op: Op): boolean {
  const [from, to] = [op.inputs[0], op.outputs[0]];
  if (!from || !to || (op.type !== 'Slice' && op.type !== 'Split')) return false;
  const [before, after] = [shapeOf(view, from), shapeOf(view, to)];
  if (!before || !after || before.length < 3 || before.length !== after.length) return false;
  const changed = before.flatMap((dim, axis) => (String(dim) === String(after[axis]) ? [] : [axis]));
  return changed.length === 1 && after[changed[0]!] === 1 && changed[0]! > 0 && !isFeatureAxis(view, from, changed[0]!);
}

/** Whether a reduction runs over an axis that Reshape made: pooling of windows (Hiera, arXiv:2306.00989). */
export function isWindowed(op: Op): boolean {
  return (op.type === 'ReduceMax' || op.type === 'ReduceMean') && op.inputs[0]?.op?.type === 'Reshape';
}

/** Whether an operation that moves elements leaves the shape as it is. */
export function isAligned(view: View, op: Op): boolean {
  const [from, to] = [op.inputs[0] && shapeOf(view, op.inputs[0]), op.outputs[0] && shapeOf(view, op.outputs[0])];
  if (op.kind !== 'move' || op.type === 'Gather' || !from || !to || from.length !== to.length) return false;
  return from.every((dim, index) => dim !== null && dim === to[index]);
}

/** Whether a skip carries all positions of a value. */
export function isWhole({ selected, moves }: Step): boolean {
  return !selected && moves.every((op) => op.type !== 'Gather');
}
