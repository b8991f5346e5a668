import { constantOf, type Node, type Value } from '#core';
import { uniformValue } from '../_shared/facts.js';

/** Operators whose outputs lie in [0, limit] whatever they read. */
const LIMITS: Readonly<Record<string, number>> = {
  Relu: Infinity,
  Abs: Infinity,
  Exp: Infinity,
  Sqrt: Infinity,
  Softplus: Infinity,
  Sigmoid: 1,
  HardSigmoid: 1,
  Softmax: 1,
};

/** Operators that give nothing outside of the range of what they read, or sums and means of it. */
const KEEPS = [
  'Identity',
  'Dropout',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Slice',
  'MaxPool',
  'GlobalMaxPool',
  'AveragePool',
  'GlobalAveragePool',
  'Cast',
  'CastLike',
  'Concat',
  'Gather',
  'Max',
  'Min',
];

/** How far the proof goes up. */
const DEPTH = 32;

/** The least number proven to be above every element of a value whose elements are proven not to be negative; `undefined` without proof. */
export function provenRange(value: Value, depth = 0): number | undefined {
  const tensor = constantOf(value);
  if (tensor) {
    const elements = tensor.dtype === 'string' ? Float64Array.of(NaN) : tensor.floats();
    return elements.every((element) => element >= 0) ? elements.reduce((a, b) => Math.max(a, b), 0) : undefined;
  }
  const node = value.producer;
  if (!node || node.domain !== '' || depth > DEPTH) return undefined;
  const is = (...opTypes: readonly string[]): boolean => opTypes.includes(node.opType);
  const limit = LIMITS[node.opType];
  if (limit !== undefined) return limit;
  if (is('Clip')) return clipped(node);
  const ranges = (): readonly (number | undefined)[] =>
    (is('Gather', 'Slice', 'Reshape', 'Squeeze', 'Unsqueeze', 'Dropout', 'CastLike')
      ? node.inputs.slice(0, 1)
      : node.inputs
    ).map((input) => (input ? provenRange(input, depth + 1) : 0));
  if (is(...KEEPS)) return combined(ranges(), (a, b) => Math.max(a, b));
  if (is('Add', 'Sum')) return combined(ranges(), (a, b) => a + b);
  return is('Mul') ? combined(ranges(), (a, b) => (a === 0 || b === 0 ? 0 : a * b)) : undefined;
}

function combined(ranges: readonly (number | undefined)[], join: (a: number, b: number) => number): number | undefined {
  return ranges.reduce((a, b) => (a === undefined || b === undefined ? undefined : join(a, b)));
}

/** Bounds of Clip: attributes before opset 11, then inputs. */
export function clipBounds(node: Node): { readonly low: number | undefined; readonly high: number | undefined } {
  const bound = (name: string, index: number, none: number): number | undefined => {
    const attr = node.attrs.get(name);
    if (attr?.type === 'FLOAT') return attr.value;
    const input = node.inputs[index];
    return input ? uniformValue(input) : none;
  };
  return { low: bound('min', 1, -Infinity), high: bound('max', 2, Infinity) };
}

function clipped(node: Node): number | undefined {
  const { low, high } = clipBounds(node);
  return low !== undefined && low >= 0 && high !== undefined ? high : undefined;
}

/** Whether an activation leaves every number in [0, limit] as it is. */
export function keepsRange(node: Node, limit: number): boolean {
  const is = (...opTypes: readonly string[]): boolean => node.domain === '' && opTypes.includes(node.opType);
  if (is('Relu', 'LeakyRelu', 'Elu', 'Celu', 'Identity')) return true;
  if (is('PRelu')) return constantOf(node.inputs[1])?.size === 1;
  if (!is('Clip')) return false;
  const { low, high } = clipBounds(node);
  return low !== undefined && low <= 0 && high !== undefined && high >= limit;
}
