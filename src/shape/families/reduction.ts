import { type Dim, add, max, min, mul } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { DType } from '../../tensor/dtype.js';
import { like } from '../like.js';
import type { Family, Infer, NodeContext } from '../context.js';
import type { SymbolicTensor } from '../fact.js';

/** What is reduced: a set of axes, everything, nothing, or axes that only the run knows, `count` of them if that is known. */
type Reduced = ReadonlySet<number> | 'all' | 'none' | { readonly count: number | undefined };

function reducedAxes(cx: NodeContext, rank: number): Reduced | undefined {
  const empty = cx.int('noop_with_empty_axes') === 1 ? 'none' : 'all';
  if (!cx.has(1) || cx.schema?.inputs[1] === undefined) {
    const axes = cx.ints('axes') ?? [];
    return axes.length === 0 ? empty : cx.axisSet(axes, rank);
  }
  const axes = cx.numbers(1);
  if (axes !== undefined) return axes.length === 0 ? empty : cx.axisSet(axes, rank);
  const count = cx.shape(1)?.[0];
  return { count: typeof count === 'number' ? count : undefined };
}

function reducedShape(shape: Shape, reduced: Reduced, keep: boolean): Shape | undefined {
  if (reduced === 'none') return shape;
  if (reduced === 'all') return keep ? shape.map(() => 1) : [];
  if ('count' in reduced) {
    if (keep) return shape.map((size) => (size === 1 ? 1 : null));
    if (reduced.count === undefined || reduced.count === 0 || reduced.count > shape.length) return undefined;
    return Array.from({ length: shape.length - reduced.count }, () => null);
  }
  return keep
    ? shape.map((size, axis) => (reduced.has(axis) ? 1 : size))
    : shape.filter((_, axis) => !reduced.has(axis));
}

type Combine = (a: Dim, b: Dim) => Dim;

/** Elements of the reduced tensor; `undefined` where an axis of length 0 would leave an operator without a neutral element. */
function reducedElements(
  { shape, elements }: SymbolicTensor,
  reduced: ReadonlySet<number>,
  combine: Combine,
): readonly Dim[] | undefined {
  if (elements.length === 0) return undefined;
  const strides = shape.map(() => 0);
  let size = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (reduced.has(axis)) continue;
    strides[axis] = size;
    size *= shape[axis] ?? 1;
  }
  const result = Array.from({ length: size }, (): Dim | undefined => undefined);
  for (const [index, element] of elements.entries()) {
    let rest = index;
    let at = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const length = shape[axis] ?? 1;
      at += (rest % length) * (strides[axis] ?? 0);
      rest = Math.floor(rest / length);
    }
    const before = result[at];
    result[at] = before === undefined ? element : combine(before, element);
  }
  return result.map((item) => item ?? null);
}

/**
 * Reduce* 1-28 (axes as attribute, as input since 18, of ReduceSum since 13), com.microsoft.QLinearReduceMean 1: reduced axes are 1 with `keepdims`, else left out. No axes means all of them, or none with
 * `noop_with_empty_axes`. `combine` follows the elements of small integer tensors.
 */
function reduce(combine?: Combine, dtype?: (cx: NodeContext) => DType | undefined): Infer {
  return (cx) => {
    const shape = cx.shape(0);
    const reduced = shape && reducedAxes(cx, shape.length);
    const keep = (cx.int('keepdims') ?? 1) === 1;
    if (shape === undefined || reduced === undefined) return;
    const result = reducedShape(shape, reduced, keep);
    cx.output(0, result, dtype?.(cx));
    const followed = cx.elements(0);
    if (combine === undefined || followed === undefined || reduced === 'none' || result === undefined) return;
    if (reduced !== 'all' && 'count' in reduced) return;
    const axes = reduced === 'all' ? new Set(shape.keys()) : reduced;
    if (result.every((size) => typeof size === 'number')) {
      cx.outputElements(0, result as readonly number[], reducedElements(followed, axes, combine));
    }
  };
}

/** ArgMax 1-13, ArgMin 1-13: the axis is 1 with `keepdims`, else left out; int64. */
const argExtreme: Infer = (cx) => {
  const shape = cx.shape(0);
  const axis = shape && cx.axis(cx.int('axis') ?? 0, shape.length);
  if (shape === undefined || axis === undefined) return;
  cx.output(0, reducedShape(shape, new Set([axis]), cx.int('keepdims') !== 0));
};

/** com.microsoft.ReduceSumInteger 1: sums of int8 are int32, of uint8 uint32. */
function sumDType(cx: NodeContext): DType | undefined {
  return cx.dtype(0) === 'int8' ? 'int32' : cx.dtype(0) === 'uint8' ? 'uint32' : undefined;
}

const plain = reduce();
const same = like();

export const REDUCTION: Family = {
  ArgMax: argExtreme,
  ArgMin: argExtreme,
  Hardmax: same,
  LogSoftmax: same,
  ReduceL1: plain,
  ReduceL2: plain,
  ReduceLogSum: plain,
  ReduceLogSumExp: plain,
  ReduceMax: reduce((a, b) => max(a, b)),
  ReduceMean: plain,
  ReduceMin: reduce((a, b) => min(a, b)),
  ReduceProd: reduce(mul),
  ReduceSum: reduce(add),
  ReduceSumSquare: plain,
  Softmax: same,
  'com.microsoft.BiasSoftmax': same,
  'com.microsoft.QLinearReduceMean': plain,
  'com.microsoft.QLinearSoftmax': same,
  'com.microsoft.ReduceSumInteger': reduce(undefined, sumDType),
};
