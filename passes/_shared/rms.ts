import { type DType, fromFloat64, type NumericArray, Tensor, toFloat64, type Value } from '#core';
import type { Weights } from './weight-edit.js';

/** x/√(f·mean(x²) + epsilon)·scale + bias over the last axis. */
export interface RootMeanSquare {
  readonly epsilon: number;
  /** Factor of the mean; 1 for the norm as it is defined. */
  readonly factor?: number;
  /** No multiplication where it is absent. */
  readonly scale?: Float64Array | undefined;
  readonly bias?: Float64Array | undefined;
  /** Features of x. */
  readonly size: number;
}

/** The opset that brought RMSNormalization. */
const OPSET = 23;

/** Root mean square norm (Zhang and Sennrich 2019, arXiv:1910.07467, eq. 4): the operator where the opset has it, else spelled out. */
export function buildRms(w: Weights, x: Value, norm: RootMeanSquare, dtype: DType): Value {
  const { edit } = w;
  const vector = (name: string, elements: ArrayLike<number>): Value =>
    edit.constant(name, Tensor.from(fromFloat64(dtype, [elements.length], elements)));
  const scale = norm.scale?.some((element) => element !== 1) ? norm.scale : undefined;
  const isOperator = (edit.graph.opset('') ?? 0) >= OPSET && (norm.factor ?? 1) === 1;
  let result: Value;
  if (isOperator) {
    const ones = scale ?? new Float64Array(norm.size).fill(1);
    result = edit.node('RMSNormalization', [x, vector('rms_scale', ones)], { axis: -1, epsilon: norm.epsilon });
  } else {
    const normalized = spelledOut(w, x, norm, dtype);
    result = scale ? edit.node('Mul', [normalized, vector('rms_scale', scale)]) : normalized;
  }
  return norm.bias ? edit.node('Add', [result, vector('rms_bias', norm.bias)]) : result;
}

/** (x − mean(x))/√(var(x) + epsilon) over the last axis, spelled out (Ba et al. 2016, arXiv:1607.06450, eq. 3 and 4). */
export function buildLayerNorm(w: Weights, x: Value, norm: RootMeanSquare, dtype: DType): Value {
  return spelledOut(w, x, norm, dtype, true);
}

/** Statistics of float16 and bfloat16 are taken in float32, as the operator does: the squares would overflow. */
function spelledOut(
  { edit }: Weights,
  x: Value,
  { epsilon, factor = 1 }: RootMeanSquare,
  dtype: DType,
  centred = false,
): Value {
  const isSmall = dtype === 'float16' || dtype === 'bfloat16';
  const stash: DType = isSmall ? 'float32' : dtype;
  const number = (name: string, value: number): Value =>
    edit.constant(name, Tensor.from(fromFloat64(stash, [], [value])));
  const meanOf = (value: Value): Value =>
    (edit.graph.opset('') ?? 0) >= 18
      ? edit.node('ReduceMean', [value, edit.constant('axes', Tensor.int64([1], [-1]))], { keepdims: 1 })
      : edit.node('ReduceMean', [value], { axes: [-1], keepdims: 1 });
  const full = isSmall ? edit.node('Cast', [x], { to: FLOAT }) : x;
  const wide = centred ? edit.node('Sub', [full, meanOf(full)]) : full;
  const mean = meanOf(edit.node('Mul', [wide, wide]));
  const average = factor === 1 ? mean : edit.node('Mul', [mean, number('width', factor)]);
  const root = edit.node('Sqrt', [edit.node('Add', [average, number('epsilon', epsilon)])]);
  const normalized = edit.node('Div', [wide, root]);
  return isSmall ? edit.node('Cast', [normalized], { to: dtype === 'float16' ? FLOAT16 : BFLOAT16 }) : normalized;
}

const FLOAT = 1;
const FLOAT16 = 10;
const BFLOAT16 = 16;

/** The same over an array: x/√(mean(x²) + epsilon)·scale + bias. */
export function rootMeanSquare(
  x: NumericArray,
  {
    scale,
    bias,
    size,
  }: { readonly scale: Float64Array; readonly bias: Float64Array | undefined; readonly size: number },
  epsilon: number,
): NumericArray {
  const elements = toFloat64(x);
  const result = new Float64Array(elements.length);
  for (let row = 0; row < elements.length; row += size) {
    let total = 0;
    for (let i = 0; i < size; i++) total += elements[row + i]! ** 2;
    const root = Math.sqrt(total / size + epsilon);
    for (let i = 0; i < size; i++) result[row + i] = (elements[row + i]! / root) * scale[i]! + (bias?.[i] ?? 0);
  }
  return fromFloat64(x.dtype, x.shape, result);
}
