import { type Dim, type Edit, isProven, type Node, type Shape, Tensor, type Value } from '#core';
import { sameDim } from './facts.js';

/** A constant second input of Reshape, and whether its zeros are sizes rather than copies. */
export interface ReshapeTarget {
  readonly sizes: readonly number[];
  readonly allowZero: boolean;
}

/**
 * The constant target by which Reshape turns `from` into `to` whatever the symbols are, sizes of 0 included: equal sizes at the same
 * axis are copied (0), at most one is what remains (-1). What remains is undefined beside a size of 0, so all others must be proven
 * positive or be among `positive`: sizes that are never 0 where the model runs.
 */
export function reshapeTarget(
  from: Shape | undefined,
  to: Shape,
  options: { readonly opset: number; readonly positive?: readonly Dim[] },
): ReshapeTarget | undefined {
  if (to.includes(0) && to.every((dim) => typeof dim === 'number') && options.opset >= 14)
    return { sizes: to, allowZero: true };
  const sizes = to.map((dim, axis) => sizeAt(from, dim, axis));
  const open = sizes.flatMap((size, axis) => (size === -1 ? [axis] : []));
  if (open.length > 1) return undefined;
  if (open.length === 1) {
    const others = to.filter((_, axis) => axis !== open[0]);
    const { positive = [] } = options;
    const isPositive = (dim: Dim): boolean => isProven(dim, '>', 0) || positive.some((known) => sameDim(known, dim));
    if (!others.every(isPositive)) return undefined;
  }
  return { sizes, allowZero: false };
}

function sizeAt(from: Shape | undefined, dim: Dim, axis: number): number {
  if (typeof dim === 'number' && dim > 0) return dim;
  return from && axis < from.length && sameDim(from[axis] ?? null, dim) ? 0 : -1;
}

/** Sizes that are not 0 where a Reshape with these target elements runs: with a -1 among them, all others. */
export function positiveSizes(from: Shape | undefined, elements: readonly Dim[]): readonly Dim[] {
  if (!elements.includes(-1)) return [];
  return elements.map((dim, axis) => (dim === 0 ? (from?.[axis] ?? null) : dim)).filter((dim) => dim !== -1);
}

/** Adds a Reshape of `data` to a constant target. */
export function addReshape(edit: Edit, data: Value, target: ReshapeTarget): Value {
  const shape = edit.constant('', Tensor.int64([target.sizes.length], target.sizes));
  return edit.node('Reshape', [data, shape], target.allowZero ? { allowzero: 1 } : {});
}

/** Gives a Reshape a constant target. */
export function setTarget(edit: Edit, node: Node, target: ReshapeTarget): void {
  edit.graph.setInput(node, 1, edit.constant('', Tensor.int64([target.sizes.length], target.sizes)));
  if (target.allowZero !== node.attrs.has('allowzero'))
    edit.graph.setAttribute(node, 'allowzero', target.allowZero ? 1 : undefined);
}
