import { shapeBroadcast } from '../../diagnostics/codes/shape.js';
import {
  add,
  type Dim,
  divideExact,
  floorDiv,
  isProven,
  max,
  min,
  mod,
  mul,
  neg,
  type Relation,
  sub,
} from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import { broadcastShapes } from '../broadcast.js';
import type { Family, Infer, NodeContext } from '../context.js';
import { isFloat } from '../../tensor/dtype.js';
import { type Rounding, roundElements } from '../fraction.js';
import { isStatic, MAX_ELEMENTS, showShape, type SymbolicTensor } from '../fact.js';
import { like } from '../like.js';

/** The shape that these inputs broadcast to; a clash is reported. */
export function broadcastInputs(cx: NodeContext, indices: readonly number[]): Shape | undefined {
  let result: Shape = [];
  for (const index of indices) {
    const shape = cx.shape(index);
    if (!shape) return undefined;
    const merged = broadcastShapes([result, shape]);
    if (!merged) {
      cx.problem(shapeBroadcast(cx.at, showShape(result), showShape(shape)));
      return undefined;
    }
    result = merged;
  }
  return result;
}

/** The element of `tensor` at flat position `at` of the shape that it is broadcast to. */
export function broadcastElement(tensor: SymbolicTensor, shape: readonly number[], at: number): Dim {
  let rest = at;
  let index = 0;
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    const own = axis - shape.length + tensor.shape.length;
    const ownSize = own < 0 ? 1 : (tensor.shape[own] ?? 1);
    if (ownSize !== 1) index += (rest % size) * stride;
    stride *= ownSize;
    rest = Math.floor(rest / size);
  }
  return tensor.elements[index] ?? null;
}

/** Follows elements through an elementwise operator over these inputs; the output's shape is set before. */
export function mapElements(
  cx: NodeContext,
  indices: readonly number[],
  compute: (items: readonly Dim[]) => Dim,
): void {
  const shape = cx.outputShape(0);
  if (!isStatic(shape) || indices.some((index) => !cx.constant(index) && !cx.elements(index))) return;
  const tensors = indices.map((index) => cx.elements(index)); // reads constants, so last
  if (!tensors.every((tensor) => tensor !== undefined)) return;
  const count = shape.reduce((size, dim) => size * dim, 1);
  if (count > MAX_ELEMENTS) return;
  const elements = Array.from({ length: count }, (_, at) =>
    compute(tensors.map((each) => broadcastElement(each, shape, at))),
  );
  cx.outputElements(0, shape, elements);
}

/** Same shape, and elements that can be followed. */
function unary(compute: (item: Dim) => Dim): Infer {
  return (cx) => {
    cx.output(0, cx.shape(0));
    mapElements(cx, [0], ([item = null]) => compute(item));
  };
}

/** Whole numbers stay; quotients of whole numbers are rounded. */
function rounded(rounding: Rounding): Infer {
  return (cx) => {
    unary((item) => item)(cx);
    roundElements(cx, rounding);
  };
}

/** Both operands broadcast; before opset 7 the second one to the first (attributes `axis`, `broadcast`). */
function binary(compute: (left: Dim, right: Dim, cx: NodeContext) => Dim): Infer {
  return (cx) => {
    const isLegacy = cx.since > 0 && cx.since < 7;
    cx.output(0, isLegacy ? cx.shape(0) : broadcastInputs(cx, [0, 1]));
    if (!isLegacy) mapElements(cx, [0, 1], ([left = null, right = null]) => compute(left, right, cx));
  };
}

/** All operands broadcast. */
function variadic(compute: (items: readonly Dim[]) => Dim): Infer {
  return (cx) => {
    const indices = Array.from({ length: cx.inputCount }, (_, index) => index);
    cx.output(0, broadcastInputs(cx, indices));
    mapElements(cx, indices, compute);
  };
}

const unknown = (): Dim => null;

/** Integers divide toward zero; whole floating point numbers only where nothing remains. */
function divide(left: Dim, right: Dim, cx: NodeContext): Dim {
  const dtype = cx.dtype(0);
  if (!dtype || right === 0) return null;
  if (isFloat(dtype)) return divideExact(left, right);
  if (typeof left === 'number' && typeof right === 'number') return Math.trunc(left / right) + 0;
  if (!isProven(left, '>=', 0) || !isProven(right, '>=', 0)) return null;
  return divideExact(left, right) ?? floorDiv(left, right);
}

/** The remainder has the sign of the divisor, or with `fmod` that of the dividend. */
function remainder(left: Dim, right: Dim, cx: NodeContext): Dim {
  if (right === 0) return null;
  if (cx.int('fmod') !== 1) return mod(left, right);
  if (typeof left === 'number' && typeof right === 'number') return (left % right) + 0;
  return isProven(left, '>=', 0) && isProven(right, '>=', 0) ? mod(left, right) : null;
}

function power(left: Dim, right: Dim): Dim {
  if (typeof right !== 'number' || right < 0 || right > 64) return null;
  let result: Dim = 1;
  for (let i = 0; i < right; i++) result = mul(result, left);
  return result;
}

function compare(holds: Relation, fails: Relation): Infer {
  return binary((left, right) => (isProven(left, holds, right) ? 1 : isProven(left, fails, right) ? 0 : null));
}

function logical(compute: (left: number, right: number) => boolean): Infer {
  return binary((left, right) =>
    typeof left === 'number' && typeof right === 'number' ? Number(compute(left, right)) : null,
  );
}

function absolute(item: Dim): Dim {
  return isProven(item, '>=', 0) ? item : isProven(item, '<=', 0) ? neg(item) : max(item, neg(item));
}

function sign(item: Dim): Dim {
  return isProven(item, '>', 0) ? 1 : isProven(item, '<', 0) ? -1 : item === 0 ? 0 : null;
}

const UNARY =
  'Acos Acosh Asin Asinh Atan Atanh BitwiseNot Celu Cos Cosh Elu Erf Exp Gelu HardSigmoid HardSwish IsInf IsNaN LeakyRelu Log Mish PRelu Reciprocal Selu Shrink Sigmoid Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu';

const MICROSOFT_UNARY = 'BiasGelu FastGelu Gelu QuickGelu ScaledSiLU';

/** Elementwise operators: `y[i] = f(x[i])`, or of operands that broadcast (NumPy rules) since opset 7. */
export const ELEMENTWISE: Family = {
  ...Object.fromEntries(UNARY.split(' ').map((op) => [op, like()])),
  ...Object.fromEntries(MICROSOFT_UNARY.split(' ').map((op) => [`com.microsoft.${op}`, like()])),
  Abs: unary(absolute),
  Add: binary(add),
  And: logical((left, right) => left !== 0 && right !== 0),
  BitShift: binary(unknown),
  BitwiseAnd: binary(unknown),
  BitwiseOr: binary(unknown),
  BitwiseXor: binary(unknown),
  Ceil: rounded('ceil'),
  Div: binary(divide),
  Equal: compare('==', '!='),
  Floor: rounded('floor'),
  Greater: compare('>', '<='),
  GreaterOrEqual: compare('>=', '<'),
  Less: compare('<', '>='),
  LessOrEqual: compare('<=', '>'),
  Max: variadic((items) => max(...items)),
  Mean: variadic(unknown),
  Min: variadic((items) => min(...items)),
  Mod: binary(remainder),
  Mul: binary(mul),
  Neg: unary(neg),
  Not: unary((item) => (typeof item === 'number' ? Number(item === 0) : null)),
  Or: logical((left, right) => left !== 0 || right !== 0),
  Pow: binary(power),
  Relu: unary((item) => max(item, 0)),
  Round: unary((item) => item),
  Sign: unary(sign),
  Sub: binary(sub),
  Sum: variadic((items) => items.reduce(add, 0)),
  SwiGLU: binary(unknown),
  Xor: logical((left, right) => (left !== 0) !== (right !== 0)),
};
