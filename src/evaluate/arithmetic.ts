import { isFloat } from '../tensor/dtype.js';
import type { Call, Kernels } from './call.js';
import { allocate, arithmeticOf, type Elements, fromNumbers, numbers, type Writable } from './elements.js';
import { broadcastMap, broadcastShape } from './index-maps.js';
import {
  aligned,
  binary,
  type BinaryFunction,
  combine,
  compare,
  mapElements,
  test,
  unary,
  unaryFloat,
  variadic,
  zipNumbers,
} from './pointwise.js';
import { invalid } from './stop.js';
import { erf, roundHalfEven } from './special-functions.js';

const ADD: BinaryFunction = { float: (x, y) => x + y, int: (x, y) => x + y, big: (x, y) => x + y };
const LARGER: BinaryFunction = { float: Math.max, int: Math.max, big: (x, y) => (x > y ? x : y) };
const SMALLER: BinaryFunction = { float: Math.min, int: Math.min, big: (x, y) => (x < y ? x : y) };

function nonZero<T>(divisor: T): T {
  if (!divisor) throw invalid('an integer is divided by zero');
  return divisor;
}

/** Integers are divided towards zero. */
const DIVIDE: BinaryFunction = {
  float: (x, y) => x / y,
  int: (x, y) => Math.trunc(x / nonZero(y)),
  big: (x, y) => x / nonZero(y),
};

function floorMod(x: number, y: number): number {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest === 0 ? (y < 0 ? -0 : 0) : rest;
}

/** The remainder with the sign of the divisor. */
const FLOOR_MOD: BinaryFunction = {
  float: floorMod,
  int: (x, y) => ((x % nonZero(y)) + y) % y,
  big: (x, y) => ((x % nonZero(y)) + y) % y,
};

/** The remainder with the sign of the dividend. */
const TRUNC_MOD: BinaryFunction = {
  float: (x, y) => x % y,
  int: (x, y) => x % nonZero(y),
  big: (x, y) => x % nonZero(y),
};

/** A negative count shifts everything out, as one beyond the width does; signs stay. */
function shift(count: number): number {
  return count < 0 ? 64 : count;
}

const BIT = {
  and: { int: (x, y) => x & y, big: (x, y) => x & y },
  or: { int: (x, y) => x | y, big: (x, y) => x | y },
  xor: { int: (x, y) => x ^ y, big: (x, y) => x ^ y },
  left: { int: (x, y) => (y < 0 || y >= 32 ? 0 : x << y), big: (x, y) => (y < 0n || y >= 64n ? 0n : x << y) },
  right: { int: (x, y) => Math.floor(x / 2 ** shift(y)), big: (x, y) => x >> (y < 0n ? 64n : y) },
} as const satisfies Record<string, BinaryFunction>;

/** x^y in x's dtype; integers to a power of whole numbers wrap around, to others they are cut. */
function power(call: Call): readonly Elements[] {
  const [x, y] = [call.input(0), aligned(call)];
  if (isFloat(x.dtype)) return [zipNumbers(call, x.dtype, [x, y], (a, b) => (a === 1 || b === 0 ? 1 : a ** b!))];
  if (isFloat(y.dtype) || numbers(y).some((exponent) => exponent < 0)) {
    const { shape, data } = zipNumbers(call, 'float64', [x, y], (a, b) => a! ** b!);
    return [fromNumbers(x.dtype, shape, data as Float64Array)];
  }
  const shape = broadcastShape(x.shape, y.shape);
  const [left, right] = [broadcastMap(x.shape, shape), broadcastMap(y.shape, shape)];
  const wide = arithmeticOf(x.dtype) === 'big';
  const made = allocate(
    x.dtype,
    shape.reduce((n, dim) => n * dim, 1),
  );
  call.spend(made.length);
  for (let i = 0; i < made.length; i++) {
    const value = wholePower(BigInt(x.data[left ? left[i]! : i]!), BigInt(y.data[right ? right[i]! : i]!));
    (made as Writable)[i] = wide ? value : Number(value);
  }
  return [{ dtype: x.dtype, shape, data: made }];
}

/** x^n modulo 2^64, signed. */
function wholePower(x: bigint, n: bigint): bigint {
  let [result, base] = [1n, x];
  for (let left = n; left > 0n; left >>= 1n) {
    if (left & 1n) result = BigInt.asIntN(64, result * base);
    base = BigInt.asIntN(64, base * base);
  }
  return BigInt.asIntN(53, result) === result ? result : BigInt.asIntN(64, result);
}

function mean(sum: Elements, count: number): Elements {
  return fromNumbers(
    sum.dtype,
    sum.shape,
    numbers(sum).map((value) => value / count),
  );
}

/** Bounds are operands since opset 11, attributes before. */
function clip(call: Call): readonly Elements[] {
  const x = call.input(0);
  if (call.opset < 11 && call.node.domain === '') {
    const [low, high] = [call.maybeFloat('min') ?? -Infinity, call.maybeFloat('max') ?? Infinity];
    return [mapElements(call, x, { float: (value) => Math.min(Math.max(value, low), high) })];
  }
  const low = call.inputs[1] ? combine(call, x, call.inputs[1], LARGER) : x;
  return [call.inputs[2] ? combine(call, low, call.inputs[2], SMALLER) : low];
}

function where(call: Call): readonly Elements[] {
  const [condition, x, y] = [call.input(0), call.input(1), call.input(2)];
  if (x.dtype !== y.dtype) throw invalid(`operands of types ${x.dtype} and ${y.dtype}`);
  const shape = broadcastShape(condition.shape, x.shape, y.shape);
  const [test, left, right] = [condition, x, y].map((operand) => broadcastMap(operand.shape, shape));
  const made = allocate(
    x.dtype,
    shape.reduce((n, dim) => n * dim, 1),
  );
  call.spend(made.length);
  for (let i = 0; i < made.length; i++) {
    const holds = condition.data[test ? test[i]! : i];
    (made as Writable)[i] = holds ? x.data[left ? left[i]! : i] : y.data[right ? right[i]! : i];
  }
  return [{ dtype: x.dtype, shape, data: made }];
}

function isInfinite(call: Call): readonly Elements[] {
  const [up, down] = [call.maybeInt('detect_positive') ?? 1, call.maybeInt('detect_negative') ?? 1];
  return [test(call, call.input(0), (x) => (x === Infinity && up !== 0) || (x === -Infinity && down !== 0))];
}

/** Operators that treat each element by itself, other than activations. */
export const ARITHMETIC: Kernels = {
  Abs: unary({ float: Math.abs, int: Math.abs, big: (x) => (x < 0n ? -x : x) }),
  Acos: unaryFloat(Math.acos),
  Acosh: unaryFloat(Math.acosh),
  Add: binary(ADD),
  And: binary({ int: (x, y) => x & y }),
  Asin: unaryFloat(Math.asin),
  Asinh: unaryFloat(Math.asinh),
  Atan: unaryFloat(Math.atan),
  Atanh: unaryFloat(Math.atanh),
  BitShift: (call) => {
    const left = call.text('direction') === 'LEFT';
    return [combine(call, call.input(0), call.input(1), left ? BIT.left : BIT.right)];
  },
  BitwiseAnd: binary(BIT.and),
  BitwiseNot: unary({ int: (x) => ~x, big: (x) => ~x }),
  BitwiseOr: binary(BIT.or),
  BitwiseXor: binary(BIT.xor),
  Ceil: unaryFloat(Math.ceil),
  Clip: clip,
  Cos: unaryFloat(Math.cos),
  Cosh: unaryFloat(Math.cosh),
  Div: binary(DIVIDE),
  Equal: compare({ numbers: (x, y) => x === y, bigs: (x, y) => x === y, strings: (x, y) => x === y }),
  Erf: unaryFloat(erf),
  Exp: unaryFloat(Math.exp),
  Floor: unaryFloat(Math.floor),
  Greater: compare({ numbers: (x, y) => x > y, bigs: (x, y) => x > y }),
  GreaterOrEqual: compare({ numbers: (x, y) => x >= y, bigs: (x, y) => x >= y }),
  IsInf: isInfinite,
  IsNaN: (call) => [test(call, call.input(0), Number.isNaN)],
  Less: compare({ numbers: (x, y) => x < y, bigs: (x, y) => x < y }),
  LessOrEqual: compare({ numbers: (x, y) => x <= y, bigs: (x, y) => x <= y }),
  Log: unaryFloat(Math.log),
  Max: variadic(LARGER),
  Mean: variadic(ADD, mean),
  Min: variadic(SMALLER),
  Mod: (call) => [combine(call, call.input(0), call.input(1), call.int('fmod') === 1 ? TRUNC_MOD : FLOOR_MOD)],
  Mul: binary({ float: (x, y) => x * y, int: Math.imul, big: (x, y) => x * y }),
  Neg: unary({ float: (x) => -x, int: (x) => -x, big: (x) => -x }),
  Not: unary({ int: (x) => (x === 0 ? 1 : 0) }),
  Or: binary({ int: (x, y) => x | y }),
  Pow: power,
  Reciprocal: unaryFloat((x) => 1 / x),
  Round: unaryFloat(roundHalfEven),
  Sign: unary({ float: Math.sign, int: Math.sign, big: (x) => (x > 0n ? 1n : x < 0n ? -1n : 0n) }),
  Sin: unaryFloat(Math.sin),
  Sinh: unaryFloat(Math.sinh),
  Sqrt: unaryFloat(Math.sqrt),
  Sub: binary({ float: (x, y) => x - y, int: (x, y) => x - y, big: (x, y) => x - y }),
  Sum: variadic(ADD),
  Tan: unaryFloat(Math.tan),
  Tanh: unaryFloat(Math.tanh),
  Where: where,
  Xor: binary({ int: (x, y) => x ^ y }),
};
