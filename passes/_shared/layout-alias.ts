import { type Edit, fromFloat64, intsAttr, isOp, type NumericArray, toFloat64, type Use, type Value } from '#core';

/**
 * The same value in another layout. Exporters cancel a Transpose against the next one, so readers of a region's output may read it before
 * its last Transpose: they are readers of the region's output all the same.
 */
export interface LayoutAlias {
  readonly value: Value;
  /** Leads from the layout of the region's output to that of the alias. */
  readonly perm: readonly number[];
  readonly readers: readonly Use[];
}

/** The value that `output` is a Transpose of, when something else reads it as well. */
export function findLayoutAlias(output: Value): LayoutAlias | undefined {
  const node = output.producer;
  const value = isOp(node, 'Transpose') ? node.inputs[0] : undefined;
  const perm = node && intsAttr(node, 'perm');
  if (!value || !perm) return undefined;
  const readers = [...value.uses].filter((use) => use.kind === 'output' || use.node !== node);
  if (readers.length === 0) return undefined;
  return { value, perm: perm.map((_, axis) => perm.indexOf(axis)), readers };
}

/** Brings a value into the layout of the alias. */
export function toAlias(edit: Edit, value: Value, { perm }: LayoutAlias): Value {
  return edit.node('Transpose', [value], { perm: [...perm] });
}

/** The same for an array. */
export function transposeArray(array: NumericArray, perm: readonly number[]): NumericArray {
  const shape = perm.map((axis) => array.shape[axis]!);
  const strides = Array<number>(array.shape.length).fill(1);
  for (let axis = strides.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1]! * array.shape[axis + 1]!;
  const from = toFloat64(array);
  const to = new Float64Array(from.length);
  const index = Array<number>(shape.length).fill(0);
  for (let at = 0; at < to.length; at++) {
    to[at] = from[index.reduce((sum, place, axis) => sum + place * strides[perm[axis]!]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return fromFloat64(array.dtype, shape, to);
}
