import { byteLength, invariant, Tensor } from '#core';

/** Matrices `[K, N₁]`, `[K, N₂]`, … side by side: `[K, N₁ + N₂ + …]`. Made when it is read; elements take whole bytes. */
export function joinedColumns(matrices: readonly Tensor[]): Tensor {
  const [first] = matrices;
  invariant(first, 'nothing to join');
  const { dtype } = first;
  const rows = first.shape[0]!;
  const width = matrices.reduce((sum, { shape }) => sum + shape[1]!, 0);
  return new Tensor(dtype, [rows, width], () => {
    const joined = new Uint8Array(byteLength(dtype, rows * width));
    const stride = byteLength(dtype, width);
    let start = 0;
    for (const matrix of matrices) {
      const bytes = matrix.bytes();
      const own = byteLength(dtype, matrix.shape[1]!);
      for (let row = 0; row < rows; row++) joined.set(bytes.subarray(row * own, (row + 1) * own), row * stride + start);
      start += own;
    }
    return joined;
  });
}
