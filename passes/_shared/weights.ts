import { type DType, elementCount, fromFloat64, Tensor, toRawBytes } from '#core';

/** The same elements under another shape of as many; nothing is read. */
export function reshaped(tensor: Tensor, shape: readonly number[]): Tensor {
  return new Tensor(tensor.dtype, shape, tensor.data);
}

/** A tensor whose elements all are `value`. */
export function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  return Tensor.from(fromFloat64(dtype, shape, new Float64Array(elementCount(shape)).fill(value)));
}

/**
 * The tensor times a factor per channel, computed in float64 and rounded once when somebody reads it; `channelOf` says which factor
 * the element at a row-major index takes.
 */
export function scaled(tensor: Tensor, factors: ArrayLike<number>, channelOf: (index: number) => number): Tensor {
  const { dtype, shape } = tensor;
  return new Tensor(dtype, shape, () => {
    const products = tensor.floats().map((item, index) => item * factors[channelOf(index)]!);
    return toRawBytes(fromFloat64(dtype, shape, products));
  });
}

/** A vector in this dtype; `undefined` when a number does not fit it or is not finite. */
export function vector(dtype: DType, numbers: Float64Array): Tensor | undefined {
  const tensor = Tensor.from(fromFloat64(dtype, [numbers.length], numbers));
  return isFinite(tensor) ? tensor : undefined;
}

/** Whether every element is finite. Reads the tensor. */
export function isFinite(tensor: Tensor): boolean {
  return tensor.floats().every((item) => Number.isFinite(item));
}
