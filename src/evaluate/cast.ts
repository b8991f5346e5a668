import { DTYPES, type DType, findDType, isFloat } from '../tensor/dtype.js';
import { integerRange } from '../tensor/array.js';
import type { Call, Kernels } from './call.js';
import {
  allocate,
  arithmeticOf,
  type Elements,
  fromNumbers,
  numbers,
  roundOne,
  sizeOf,
  type Writable,
} from './elements.js';
import { unsupported } from './stop.js';

/**
 * The elements in another dtype, as Cast-25 defines it: to a float that cannot hold all of the old type they are rounded, to integers
 * cut towards zero, between integers wrapped around. Of floats beyond an integer's range nothing is defined; they saturate.
 */
export function castTo(x: Elements, dtype: DType, saturate = true): Elements {
  const { shape } = x;
  if (x.dtype === dtype) return x;
  const [from, to] = [arithmeticOf(x.dtype), arithmeticOf(dtype)];
  if (from === 'string') return castText(x, dtype);
  if (to === 'string') throw unsupported(`a cast from ${x.dtype} to ${dtype}`);
  const values = numbers(x);
  if (dtype === 'bool') return { dtype, shape, data: Uint8Array.from(values, (value) => (value === 0 ? 0 : 1)) };
  if (to === 'float') {
    const exact = from === 'float' && DTYPES[dtype].bits >= DTYPES[x.dtype].bits && !isTiny(dtype) && !swaps(x, dtype);
    const data = exact ? values : values.map((value) => roundOne(dtype, value, saturate));
    return { dtype, shape, data };
  }
  return from === 'float' ? fromNumbers(dtype, shape, values) : wrap(x, dtype);
}

/** Types of 8 bits and fewer, none of which holds all of another. */
function isTiny(dtype: DType): boolean {
  return DTYPES[dtype].bits <= 8;
}

/** Between float16 and bfloat16 neither holds all of the other. */
function swaps({ dtype }: Elements, to: DType): boolean {
  return DTYPES[dtype].bits === 16 && DTYPES[to].bits === 16;
}

function wrap({ shape, data }: Elements, dtype: DType): Elements {
  const made = allocate(dtype, data.length);
  const big = arithmeticOf(dtype) === 'big';
  const { bits, kind } = DTYPES[dtype];
  const cut = kind === 'int' ? BigInt.asIntN : BigInt.asUintN;
  for (let i = 0; i < data.length; i++) {
    const value = cut(bits, BigInt(data[i]!));
    (made as Writable)[i] = big ? value : Number(value);
  }
  return { dtype, shape, data: made };
}

function castText({ shape, data }: Elements, dtype: DType): Elements {
  const texts = data as readonly string[];
  if (arithmeticOf(dtype) === 'big') {
    const range = integerRange(dtype)!;
    const whole = texts.map((text) => BigInt(Math.trunc(Number(text))));
    if (whole.some((value) => value < range.low || value > range.high)) throw unsupported(`a cast of such a number`);
    const made = allocate(dtype, whole.length);
    whole.forEach((value, i) => ((made as Writable)[i] = value));
    return { dtype, shape, data: made };
  }
  const values = Float64Array.from(texts, parseNumber);
  return fromNumbers(dtype, shape, isFloat(dtype) ? values.map((value) => roundOne(dtype, value)) : values);
}

function parseNumber(text: string): number {
  const infinite = /^\s*([+-]?)inf(inity)?\s*$/i.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return Number(text);
}

/** The dtype that a number of `TensorProto.DataType` names. @throws Stop `unsupported` */
export function dtypeOf(number: number): DType {
  const dtype = findDType(number);
  if (!dtype) throw unsupported(`element type ${number}`);
  return dtype;
}

function cast(call: Call): readonly Elements[] {
  const x = call.input(0);
  call.spend(sizeOf(x));
  if (call.text('round_mode') !== '' && call.text('round_mode') !== 'up' && call.attributes.has('round_mode'))
    throw unsupported(`round_mode ${call.text('round_mode')}`);
  return [castTo(x, dtypeOf(call.int('to')), call.maybeInt('saturate') !== 0)];
}

/** Conversions. */
export const CASTS: Kernels = {
  Cast: cast,
  CastLike: (call) => [castTo(call.input(0), call.input(1).dtype, call.maybeInt('saturate') !== 0)],
};
