import { DTYPES, Tensor } from '#core';

/** Whether {@link transposedTensor} can do it: whole bytes per element. */
export function isTransposable(tensor: Tensor): boolean {
  return tensor.dtype !== 'string' && DTYPES[tensor.dtype].bits >= 8;
}

/** The tensor with axis `i` of the result being axis `perm[i]` of the source; read when it is emitted. */
export function transposedTensor(tensor: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => tensor.shape[axis]!);
  const moved = perm.filter((axis) => tensor.shape[axis] !== 1);
  if (moved.every((axis, at) => at === 0 || axis > moved[at - 1]!)) return new Tensor(tensor.dtype, shape, tensor.data);
  return new Tensor(tensor.dtype, shape, () => transposeBytes(tensor, perm, shape));
}

function transposeBytes(tensor: Tensor, perm: readonly number[], shape: readonly number[]): Uint8Array {
  const width = DTYPES[tensor.dtype].bits / 8;
  const source = tensor.bytes();
  const target = new Uint8Array(source.length);
  const strides = perm.map((axis) => tensor.shape.slice(axis + 1).reduce((size, dim) => size * dim, width));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < target.length; to += width) {
    for (let byte = 0; byte < width; byte++) target[to + byte] = source[from + byte]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return target;
}
