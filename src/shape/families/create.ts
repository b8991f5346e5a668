import { shapeNegative } from '../../diagnostics/codes/shape.js';
import { add, ceilDiv, type Dim, isProven, max, mul, product, sub } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import { constantAttribute } from '../../schema/constant.js';
import { isOp } from '../../schema/read.js';
import { findDType, isInteger } from '../../tensor/dtype.js';
import type { Family, NodeContext } from '../context.js';
import { constantFact, MAX_ELEMENTS, showShape } from '../fact.js';

/** Operators that make tensors from sizes, or sizes from tensors. */
export const CREATE: Family = {
  Compress: inferCompress,
  Constant: inferConstant,
  ConstantOfShape: inferConstantOfShape,
  EyeLike: (cx) => cx.output(0, cx.shapeOfRank(0, 2), cx.dtypeAttribute('dtype') ?? cx.dtype(0)),
  NonZero: inferNonZero,
  Range: inferRange,
  Shape: inferShape,
  Size: inferSize,
  Unique: inferUnique,
  'com.microsoft.Range': inferRange,
};

function inferConstant(cx: NodeContext): void {
  const tensor = constantAttribute(cx.attributes());
  const sparse = cx.attribute('sparse_value');
  if (tensor) cx.results[0] = constantFact(tensor);
  else if (sparse?.type === 'SPARSE_TENSOR') {
    cx.output(0, sparse.value.dims.map(Number), findDType(sparse.value.values?.dataType ?? 0));
  }
}

/** ConstantOfShape (9 and later): `value` (one element, float32 0 by default) in the shape that input 0 holds. */
function inferConstantOfShape(cx: NodeContext): void {
  const value = cx.attribute('value');
  const tensor = value?.type === 'TENSOR' ? value.value : undefined;
  const dtype = value === undefined && !cx.node.attrs.has('value') ? 'float32' : tensor?.dtype;
  const length = cx.shape(0)?.[0];
  const shape = cx.list(0) ?? (typeof length === 'number' ? Array<Dim>(length).fill(null) : undefined);
  const negative = shape?.find((dim) => isProven(dim, '<', 0));
  if (negative !== undefined) cx.problem(shapeNegative(cx.at, 'the requested shape', showShape(shape ?? [])));
  cx.output(
    0,
    shape?.map((dim) => (isProven(dim, '<', 0) ? null : dim)),
    dtype,
  );
  const sizes = cx.outputShape(0);
  const count = sizes && product(sizes);
  const item = tensor ? (constantFact(tensor).elements?.elements[0] ?? null) : 0;
  if (typeof count !== 'number' || count > MAX_ELEMENTS || !sizes || item === null) return;
  cx.outputElements(0, sizes as readonly number[], Array<Dim>(count).fill(item));
}

/** The sizes `shape[start:end]` as an int64 vector; `start` and `end` since version 15. */
function inferShape(cx: NodeContext): void {
  const shape = cx.shape(0);
  if (!shape) {
    cx.output(0, [null]);
    return;
  }
  const clamp = (at: number): number => Math.max(0, Math.min(shape.length, at < 0 ? at + shape.length : at));
  const sizes = shape.slice(clamp(cx.int('start') ?? 0), clamp(cx.int('end') ?? shape.length));
  cx.output(0, [sizes.length]);
  cx.outputElements(0, [sizes.length], sizes);
}

function inferSize(cx: NodeContext): void {
  const shape = cx.shape(0);
  cx.output(0, []);
  if (shape) cx.outputElements(0, [], [product(shape)]);
}

/** Range (11): `max(0, ceil((limit - start) / delta))` elements `start + i * delta`. */
function inferRange(cx: NodeContext): void {
  const dtype = cx.outputDType(0);
  const [first, limit] = [0, 1].map((index) => cx.constant(index)?.scalar());
  const step = cx.has(2) ? cx.constant(2)?.scalar() : 1;
  if (first !== undefined && limit !== undefined && step !== undefined && dtype && !isInteger(dtype)) {
    cx.output(0, [step === 0 ? null : Math.max(0, Math.ceil((limit - first) / step)) + 0]);
    return;
  }
  const [start, delta] = [cx.scalar(0), cx.has(2) ? cx.scalar(2) : 1];
  const distance = sub(cx.scalar(1), start);
  const count =
    typeof delta === 'number' && delta < 0 ? ceilDiv(sub(start, cx.scalar(1)), -delta) : ceilDiv(distance, delta);
  cx.output(0, [typeof delta === 'number' ? max(count, 0) : null]);
  const size = cx.outputShape(0)?.[0];
  if (typeof size !== 'number' || size > MAX_ELEMENTS) return;
  cx.outputElements(
    0,
    [size],
    Array.from({ length: size }, (_, index) => add(start, mul(index, delta))),
  );
}

/** One row per axis of the input and one column per element that is not 0. */
function inferNonZero(cx: NodeContext): void {
  const shape = cx.shape(0);
  const rank = shape === undefined || shape.length === 0 ? null : shape.length;
  const items = cx.elements(0)?.elements;
  const isKnown = items?.every((item) => item === 0 || isProven(item, '!=', 0));
  const hits = items && isKnown ? items.flatMap((item, at) => (item === 0 ? [] : [at])) : undefined;
  cx.output(0, [rank, hits?.length ?? (isFilled(cx) && shape ? product(shape) : null)]);
  if (hits && rank === 1) cx.outputElements(0, [1, hits.length], hits);
}

/** Whether the input is ConstantOfShape of a value that is not 0: `NonZero` then counts up, as exporters make ranges. */
function isFilled(cx: NodeContext): boolean {
  const producer = cx.node.inputs[0]?.producer;
  const value = isOp(producer, 'ConstantOfShape') ? producer.attrs.get('value') : undefined;
  const item = value?.type === 'TENSOR' ? constantFact(value.value).elements?.elements[0] : undefined;
  return typeof item === 'number' && item !== 0;
}

/** As many as the condition holds. */
function inferCompress(cx: NodeContext): void {
  const shape = cx.shape(0);
  const given = cx.int('axis');
  if (given === undefined) cx.output(0, [null]);
  else {
    const axis = shape && cx.axis(given, shape.length);
    cx.output(0, shape && axis !== undefined ? shape.with(axis, kept(cx)) : undefined);
  }
}

function kept(cx: NodeContext): Dim {
  const condition = cx.numbers(1);
  return condition ? condition.filter((item) => item !== 0).length : null;
}

/** Unique (11): along `axis`, or of all elements; first indices, inverse and counts are vectors. */
function inferUnique(cx: NodeContext): void {
  const shape = cx.shape(0);
  const given = cx.int('axis');
  const count = cx.fresh();
  const axis = given !== undefined && shape ? cx.axis(given, shape.length) : undefined;
  const unique: Shape | undefined =
    given === undefined ? [count] : axis === undefined ? undefined : shape?.with(axis, count);
  cx.output(0, unique);
  cx.output(1, [count], 'int64');
  const size = given === undefined ? shape && product(shape) : axis === undefined ? null : shape?.[axis];
  cx.output(2, [size ?? null], 'int64');
  cx.output(3, [count], 'int64');
}
