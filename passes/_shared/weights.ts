import { type DType, elementCount, fromFloat64, Tensor } from '#core';

/** The same elements under another shape of as many; nothing is read. */
export function reshaped(tensor: Tensor, shape: readonly number[]): Tensor {
  return new Tensor(tensor.dtype, shape, tensor.data);
}

/** A tensor whose elements all are `value`. */
export function filled(dtype: DType, shape: readonly number[], value: number): Tensor {
  return Tensor.from(fromFloat64(dtype, shape, new Float64Array(elementCount(shape)).fill(value)));
}
