import { integerRange } from '../tensor/array.js';
import { type DType, isFloat } from '../tensor/dtype.js';
import type { Call, Kernels } from './call.js';
import { castTo, dtypeOf } from './cast.js';
import { addPerChannel, convolve, type Numbers } from './convolution.js';
import { type Elements, floats, fromNumbers, numbers, roundOne, sizeOf } from './elements.js';
import { axisOf } from './index-maps.js';
import { matmul } from './products.js';
import { roundHalfEven } from './special-functions.js';
import { unsupported } from './stop.js';

/** For each element the index of its scale: one for all, one an axis position, or one a block along the axis. */
function parameterIndex(call: Call, x: Elements, scale: Elements): (i: number) => number {
  if (sizeOf(scale) === 1) return () => 0;
  const axis = axisOf(call.maybeInt('axis') ?? 1, x.shape.length);
  const block = call.maybeInt('block_size') ?? 0;
  const inner = x.shape.slice(axis + 1).reduce((n, dim) => n * dim, 1);
  const dim = x.shape[axis]!;
  if (block === 0) return (i) => Math.floor(i / inner) % dim;
  const blocks = Math.ceil(dim / block);
  return (i) => {
    const [outer, at] = [Math.floor(i / inner / dim), Math.floor(i / inner) % dim];
    return (outer * blocks + Math.floor(at / block)) * inner + (i % inner);
  };
}

/** Numbers rounded to nearest even and saturated, or rounded to a small float. */
function saturated(dtype: DType, shape: readonly number[], values: Float64Array, saturate = true): Elements {
  if (isFloat(dtype)) {
    const data = values.map((value) => roundOne(dtype, value, saturate));
    return floats(dtype, shape, data);
  }
  return fromNumbers(dtype, shape, values.map(roundHalfEven));
}

function quantizeLinear(call: Call): readonly Elements[] {
  const [x, scale] = [call.input(0), call.input(1)];
  call.spend(sizeOf(x));
  const zero = call.inputs[2];
  const named = call.maybeInt('output_dtype') ?? 0;
  const dtype = zero?.dtype ?? (named === 0 ? 'uint8' : dtypeOf(named));
  const [index, factors] = [parameterIndex(call, x, scale), numbers(scale)];
  const offsets = zero && numbers(zero);
  const values = numbers(x).map((value, i) => {
    // Ties are decided in the type of the operands.
    const quotient = roundOne(x.dtype, value / factors[index(i)]!);
    if (isFloat(dtype)) return quotient + (offsets ? offsets[index(i)]! : 0);
    return roundHalfEven(quotient) + (offsets ? offsets[index(i)]! : 0);
  });
  return [saturated(dtype, x.shape, values, call.maybeInt('saturate') !== 0)];
}

function dequantizeLinear(call: Call): readonly Elements[] {
  const [x, scale] = [call.input(0), call.input(1)];
  call.spend(sizeOf(x));
  const [index, factors] = [parameterIndex(call, x, scale), numbers(scale)];
  const offsets = call.inputs[2] && numbers(call.inputs[2]);
  const data = numbers(x).map((value, i) => (value - (offsets ? offsets[index(i)]! : 0)) * factors[index(i)]!);
  const named = call.maybeInt('output_dtype') ?? 0;
  return [floats(named === 0 ? scale.dtype : dtypeOf(named), x.shape, data)];
}

/** To uint8, with 0 among the values; scale and quotients are rounded to float32, as ties are decided there. */
function dynamicQuantizeLinear(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(2 * sizeOf(x));
  const values = numbers(x);
  const low = values.reduce((least, value) => Math.min(least, value), 0);
  const high = values.reduce((most, value) => Math.max(most, value), 0);
  const scale = Math.fround((high - low) / 255);
  const zero = scale === 0 ? 0 : Math.min(255, Math.max(0, roundHalfEven(-low / scale)));
  const y = values.map((value) => (scale === 0 ? 0 : roundHalfEven(Math.fround(value / scale))) + zero);
  return [
    saturated('uint8', x.shape, y),
    floats('float32', [], Float64Array.of(scale)),
    { dtype: 'uint8', shape: [], data: Uint8Array.of(zero) },
  ];
}

/** An operand less its zero point; `column` lays a vector of them along the rows of a matrix. */
function centred(
  x: Elements,
  zero: Elements | undefined,
  along: (shape: readonly number[], i: number) => number,
): Numbers {
  const values = numbers(x);
  if (!zero) return { shape: x.shape, data: values };
  const offsets = numbers(zero);
  const one = offsets.length === 1;
  return { shape: x.shape, data: values.map((value, i) => value - offsets[one ? 0 : along(x.shape, i)]!) };
}

const byRow = (shape: readonly number[], i: number): number => Math.floor(i / shape.at(-1)!) % shape.at(-2)!;
const byColumn = (shape: readonly number[], i: number): number => i % shape.at(-1)!;
const byFirst = (shape: readonly number[], i: number): number =>
  Math.floor(i / shape.slice(1).reduce((n, dim) => n * dim, 1));

function asFloats({ shape, data }: Numbers): Elements {
  return floats('float64', shape, data);
}

/** The product of integers less their zero points, exact below 2^53. */
function integerProduct(call: Call, a: number, zeroA: number, b: number, zeroB: number): Elements {
  const left = centred(call.input(a), call.inputs[zeroA], byRow);
  const right = centred(call.input(b), call.inputs[zeroB], byColumn);
  return matmul(call, asFloats(left), asFloats(right));
}

function qLinearMatMul(call: Call): readonly Elements[] {
  const product = integerProduct(call, 0, 2, 3, 5);
  const [scaleA, scaleB, scaleY] = [call.input(1), call.input(4), call.input(6)];
  if (sizeOf(scaleY) !== 1) throw unsupported('a scale for every row of the result');
  const [a, b, y] = [numbers(scaleA), numbers(scaleB), numbers(scaleY)[0]!];
  const zero = numbers(call.input(7))[0]!;
  const { shape } = product;
  const values = numbers(product).map((value, i) => {
    const factor = a[a.length === 1 ? 0 : byRow(shape, i)]! * b[b.length === 1 ? 0 : byColumn(shape, i)]!;
    return roundHalfEven((value * factor) / y) + zero;
  });
  return [saturated(call.input(7).dtype, shape, values)];
}

function qLinearConv(call: Call): readonly Elements[] {
  const x = centred(call.input(0), call.inputs[2], byFirst);
  const w = centred(call.input(3), call.inputs[5], byFirst);
  const sums = addPerChannel(convolve(call, x, w), call.inputs[8] && numbers(call.inputs[8]));
  const [scaleX, scaleW, scaleY] = [1, 4, 6].map((i) => numbers(call.input(i))) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const zero = numbers(call.input(7))[0]!;
  const [channels, inner] = [sums.shape[1]!, sums.shape.slice(2).reduce((n, dim) => n * dim, 1)];
  const values = sums.data.map((value, i) => {
    const factor = scaleX[0]! * scaleW[scaleW.length === 1 ? 0 : Math.floor(i / inner) % channels]!;
    return roundHalfEven((value * factor) / scaleY[0]!) + zero;
  });
  return [saturated(call.input(7).dtype, sums.shape, values)];
}

function asInt32(x: Elements): Elements {
  const range = integerRange('int64')!;
  if (numbers(x).some((value) => Math.abs(value) > Number(range.high))) throw unsupported('such a sum');
  return castTo(fromNumbers('int64', x.shape, numbers(x)), 'int32');
}

function convInteger(call: Call): readonly Elements[] {
  const x = centred(call.input(0), call.inputs[2], byFirst);
  const w = centred(call.input(1), call.inputs[3], byFirst);
  return [asInt32(asFloats(convolve(call, x, w)))];
}

/** Operators between numbers and quantized ones. */
export const QUANTIZATION: Kernels = {
  ConvInteger: convInteger,
  DequantizeLinear: dequantizeLinear,
  DynamicQuantizeLinear: dynamicQuantizeLinear,
  MatMulInteger: (call) => [asInt32(integerProduct(call, 0, 2, 1, 3))],
  QLinearConv: qLinearConv,
  QLinearMatMul: qLinearMatMul,
  QuantizeLinear: quantizeLinear,
  'com.microsoft.DequantizeLinear': dequantizeLinear,
  'com.microsoft.QuantizeLinear': quantizeLinear,
};
