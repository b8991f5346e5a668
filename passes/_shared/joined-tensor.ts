import { byteLength, invariant, Tensor } from '#core';

/** Tensors behind each other along an axis along which alone they differ. Made when it is read; elements take whole bytes. */
export function joined(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  invariant(first, 'nothing to join');
  const { dtype } = first;
  const outer = first.shape.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const inner = first.shape.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const length = tensors.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  return new Tensor(dtype, first.shape.with(axis, length), () => {
    const bytes = new Uint8Array(byteLength(dtype, outer * length * inner));
    const stride = byteLength(dtype, length * inner);
    let start = 0;
    for (const tensor of tensors) {
      const source = tensor.bytes();
      const own = byteLength(dtype, tensor.shape[axis]! * inner);
      for (let row = 0; row < outer; row++)
        bytes.set(source.subarray(row * own, (row + 1) * own), row * stride + start);
      start += own;
    }
    return bytes;
  });
}
