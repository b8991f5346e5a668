import { constantOf, type DType, intAttr, type Node, type Types } from '#core';

/** What a QuantizeLinear or DequantizeLinear does: numbers for all elements, or for each position of an axis. */
export interface Quantization {
  /** Of the integers. */
  readonly dtype: DType;
  readonly scales: readonly number[];
  readonly zeros: readonly number[];
  /** Where there are several scales. */
  readonly axis: number;
}

/** The quantization of a node by constant float32 scales, one or a list; `undefined` for others, blocks among them. */
export function quantizationOf(node: Node, types: Types): Quantization | undefined {
  const isQuantize = node.opType === 'QuantizeLinear';
  const dtype = types.dtype(isQuantize ? node.outputs[0]! : node.inputs[0]!);
  const scale = constantOf(node.inputs[1]);
  const zero = constantOf(node.inputs[2]);
  if (!dtype || scale?.dtype !== 'float32' || scale.shape.length > 1 || scale.size === 0) return undefined;
  if ((node.inputs[2] && !zero) || (intAttr(node, 'block_size') ?? 0) !== 0) return undefined;
  const scales = [...scale.floats()];
  const zeros = zero ? [...zero.floats()] : scales.map(() => 0);
  if (zeros.length !== scales.length) return undefined;
  return { dtype, scales, zeros, axis: scales.length > 1 ? (intAttr(node, 'axis') ?? 1) : 0 };
}

/** Whether two of them use the same numbers for the same elements. */
export function haveSameScale(a: Quantization, b: Quantization): boolean {
  const areAlike = (one: readonly number[], other: readonly number[]): boolean =>
    one.length === other.length && one.every((number, at) => number === other[at]);
  return areAlike(a.scales, b.scales) && areAlike(a.zeros, b.zeros) && a.axis === b.axis;
}

const INTEGERS = ['int8', 'uint8', 'int16', 'uint16'];

/** Whether no product of a scale and an integer of the type overflows, or is rounded by more than a unit in the last place. */
export function isSafe({ dtype, scales }: Quantization): boolean {
  return INTEGERS.includes(dtype) && scales.every((scale) => scale >= 2 ** -100 && scale <= 2 ** 100);
}
