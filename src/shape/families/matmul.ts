import type { Shape } from '../../ir/type.js';
import type { DType } from '../../tensor/dtype.js';
import { broadcastShapes } from '../broadcast.js';
import type { Family, Infer, NodeContext } from '../context.js';
import { einsumShape, parseEinsum } from '../einsum.js';

/**
 * The shape of a NumPy matrix product: `[…batch, m, n]` of `[…, m, k]` and `[…, k, n]`, the batch axes broadcast; an operand of
 * rank 1 is a row (first) or a column (second), and its axis of 1 is dropped. `undefined` for rank 0 or batch axes that don't broadcast.
 */
export function matMulShape(a: Shape, b: Shape): Shape | undefined {
  if (a.length === 0 || b.length === 0) return undefined;
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)]);
  if (batch === undefined) return undefined;
  const rows = a.length > 1 ? [a.at(-2) ?? null] : [];
  const columns = b.length > 1 ? [b.at(-1) ?? null] : [];
  return [...batch, ...rows, ...columns];
}

function outputProduct(cx: NodeContext, a: Shape | undefined, b: Shape | undefined, dtype?: DType): void {
  if (a !== undefined && b !== undefined) {
    cx.unify(a.at(-1) ?? null, b.at(b.length === 1 ? 0 : -2) ?? null, 'contracted sizes of A and B');
  }
  cx.output(0, a && b && matMulShape(a, b), dtype);
}

/**
 * MatMul 1-13, MatMulInteger 10, QLinearMatMul 10-21 (B is input 3), com.microsoft.MatMulIntegerToFloat 1,
 * DynamicQuantizeMatMul 1, GemmFastGelu 1, QOrderedMatMul 1 (B is input 2): `[…batch, m, n]` as `numpy.matmul`.
 */
function product(b: number): Infer {
  return (cx) => outputProduct(cx, cx.shape(0), cx.shape(b));
}

/** com.microsoft.MatMulInteger16 1: as MatMul, of int32, of uint32 where both operands are unsigned. */
const product16: Infer = (cx) => {
  const [a, b] = [cx.dtype(0), cx.dtype(1)];
  const dtype = a === 'int16' || b === 'int16' ? 'int32' : a && b && 'uint32';
  outputProduct(cx, cx.shape(0), cx.shape(1), dtype);
};

/** Last two axes exchanged. */
function transposed(shape: Shape | undefined, on: boolean): Shape | undefined {
  if (!on || shape === undefined || shape.length < 2) return shape;
  return [...shape.slice(0, -2), shape.at(-1) ?? null, shape.at(-2) ?? null];
}

/** `transBatch`: `[d0, …batch, d1]` is read as `[…batch, d0, d1]` before anything else. */
function batchTransposed(shape: Shape | undefined, on: boolean): Shape | undefined {
  if (!on || shape === undefined || shape.length < 3) return shape;
  return [...shape.slice(1, -1), shape[0] ?? null, shape.at(-1) ?? null];
}

/**
 * com.microsoft.FusedMatMul 1, TransposeMatMul 1, FusedMatMulActivation 1, SparseToDenseMatMul 1: as MatMul after `transBatchA/B`
 * moved the first axis to the last but one and `transA/B` exchanged the last two.
 */
const fusedMatMul: Infer = (cx) => {
  const operand = (i: number, name: string): Shape | undefined => {
    const shape = batchTransposed(cx.shape(i), cx.int(`transBatch${name}`) === 1);
    return transposed(shape, cx.int(`trans${name}`) === 1);
  };
  outputProduct(cx, operand(0, 'A'), operand(1, 'B'));
};

function gemmShape(cx: NodeContext, a: number, b: number): Shape {
  const x = transposed(cx.shape(a), cx.int('transA') === 1);
  const y = transposed(cx.shape(b), cx.int('transB') === 1);
  cx.unify(x?.[1] ?? null, y?.[0] ?? null, 'contracted sizes of A and B');
  return [x?.[0] ?? null, y?.[1] ?? null];
}

/** Gemm 1-13, com.microsoft.FusedGemm 1: `[M, N]` of A `[M, K]` (or `[K, M]` with transA) and B `[K, N]` (or `[N, K]` with transB). */
const gemm: Infer = (cx) => cx.output(0, gemmShape(cx, 0, 1));

/** com.microsoft.GemmFloat8 1: as Gemm, of the type of `dtype`. */
const gemmFloat8: Infer = (cx) => cx.output(0, gemmShape(cx, 0, 1), cx.dtypeAttribute('dtype'));

/** com.microsoft.QGemm 1: as Gemm of inputs 0 and 3; of the type of y_zero_point, float32 without one. */
const qGemm: Infer = (cx) => cx.output(0, gemmShape(cx, 0, 3), cx.has(8) ? cx.dtype(8) : cx.dtype(1));

/**
 * com.microsoft.MatMulNBits 1, MatMulBnb4 1, MatMulPacked 1, MatMulNBitsQLoRA 1, MatMulNBitsMlp 1: `[…, N]` of A `[…, K]`, with
 * the attribute N. MatMulNBitsMlp also gives the sum of input and skip, as A.
 */
const matMulPacked: Infer = (cx) => {
  const a = cx.shape(0);
  cx.output(0, a && [...a.slice(0, -1), cx.int('N') ?? null]);
  cx.output(1, a);
};

/** com.microsoft.MatMulNBitsQkv 1: `[…, Nq]`, `[…, Nkv]`, `[…, Nkv]` of A `[…, K]`, and the sum of input and skip, as A. */
const matMulQkv: Infer = (cx) => {
  const a = cx.shape(0);
  for (const [i, name] of ['Nq', 'Nkv', 'Nkv'].entries()) {
    cx.output(i, a && [...a.slice(0, -1), cx.int(name) ?? null]);
  }
  cx.output(3, a);
};

/** com.microsoft.MatMulFpQ4 1: as MatMul of A and a matrix of shape `B_shape` (input 2). */
const matMulFpQ4: Infer = (cx) => {
  const a = cx.shape(0);
  const b = cx.list(2);
  cx.output(0, a && [...a.slice(0, -1), b?.at(-1) ?? null]);
};

/** com.microsoft.MatMulBlockQuantizedFp8Weight 1, MatMulBlockQuantizedFp4Weight 1: `[…, N]` of A `[…, K]` and B `[N, …]`. */
const matMulBlocks: Infer = (cx) => {
  const a = cx.shape(0);
  cx.output(0, a && [...a.slice(0, -1), cx.shape(1)?.[0] ?? null]);
};

/** Einsum 12-28: the labels of the right side with their sizes, `...` broadcast over the operands. */
const einsum: Infer = (cx) => {
  const equation = parseEinsum(cx.string('equation') ?? '');
  const shapes = Array.from({ length: cx.inputCount }, (_, i) => cx.shape(i));
  cx.output(0, equation && einsumShape(equation, shapes, broadcastShapes));
};

/** Det 11-22: `[…]` of `[…, m, m]`. */
const det: Infer = (cx) => cx.output(0, cx.shape(0)?.slice(0, -2));

/** com.microsoft.CDist 1: `[m, n]` of `[m, k]` and `[n, k]`. */
const cdist: Infer = (cx) => {
  cx.output(0, [cx.shape(0)?.[0] ?? null, cx.shape(1)?.[0] ?? null]);
};

const plain = product(1);

export const MATMUL: Family = {
  Det: det,
  Einsum: einsum,
  Gemm: gemm,
  MatMul: plain,
  MatMulInteger: plain,
  QLinearMatMul: product(3),
  'com.microsoft.CDist': cdist,
  'com.microsoft.DynamicQuantizeMatMul': plain,
  'com.microsoft.FusedGemm': gemm,
  'com.microsoft.FusedMatMul': fusedMatMul,
  'com.microsoft.FusedMatMulActivation': fusedMatMul,
  'com.microsoft.GemmFastGelu': plain,
  'com.microsoft.GemmFloat8': gemmFloat8,
  'com.microsoft.MatMulBlockQuantizedFp4Weight': matMulBlocks,
  'com.microsoft.MatMulBlockQuantizedFp8Weight': matMulBlocks,
  'com.microsoft.MatMulBnb4': matMulPacked,
  'com.microsoft.MatMulFpQ4': matMulFpQ4,
  'com.microsoft.MatMulInteger16': product16,
  'com.microsoft.MatMulIntegerToFloat': plain,
  'com.microsoft.MatMulNBits': matMulPacked,
  'com.microsoft.MatMulNBitsMlp': matMulPacked,
  'com.microsoft.MatMulNBitsQLoRA': matMulPacked,
  'com.microsoft.MatMulNBitsQkv': matMulQkv,
  'com.microsoft.MatMulPacked': matMulPacked,
  'com.microsoft.QGemm': qGemm,
  'com.microsoft.QOrderedMatMul': product(2),
  'com.microsoft.SparseToDenseMatMul': fusedMatMul,
  'com.microsoft.TransposeMatMul': fusedMatMul,
};
