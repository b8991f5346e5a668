import { elementCount } from '../tensor/array.js';
import { type DType, isFloat } from '../tensor/dtype.js';
import type { Call, Kernels } from './call.js';
import { allocate, arithmeticOf, type Elements, floats, numbers, type Writable } from './elements.js';
import { broadcastMap, broadcastShape, permute } from './index-maps.js';
import { combine, zipNumbers } from './pointwise.js';
import { invalid, unsupported } from './stop.js';

/** Places of a batch of matrices, each starting at a multiple of its size. */
function matrices(batch: readonly number[], shape: readonly number[]): (index: number) => number {
  const own = shape.slice(0, -2);
  const map = broadcastMap(own, batch);
  const size = shape.at(-2)! * shape.at(-1)!;
  return (index) => (map ? map[index]! : index) * size;
}

/**
 * The product of NumPy's matmul for ranks from 1: batches broadcast, vectors are rows on the left and columns on the right. Integers
 * are added in float64 or bigint and cut to `dtype`.
 */
export function matmul(call: Call, x: Elements, y: Elements, dtype: DType = x.dtype): Elements {
  if (x.shape.length === 0 || y.shape.length === 0) throw invalid('a scalar in a matrix product');
  const left = x.shape.length === 1 ? [1, ...x.shape] : x.shape;
  const right = y.shape.length === 1 ? [...y.shape, 1] : y.shape;
  const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
  if (right.at(-2) !== k) throw invalid(`a product of [${x.shape.join(', ')}] and [${y.shape.join(', ')}]`);
  const batch = broadcastShape(left.slice(0, -2), right.slice(0, -2));
  const count = elementCount(batch);
  call.spend(count * m * n * Math.max(k, 1));
  const [leftAt, rightAt] = [matrices(batch, left), matrices(batch, right)];
  const made = allocate(dtype, count * m * n);
  for (let b = 0; b < count; b++) {
    const at = { left: leftAt(b), right: rightAt(b), out: b * m * n, m, k, n };
    if (arithmeticOf(dtype) === 'big') bigProduct(x.data as BigInt64Array, y.data as BigInt64Array, made, at);
    else product(numbers(x), numbers(y), made as Writable, at);
  }
  const shape = [...batch, ...(x.shape.length === 1 ? [] : [m]), ...(y.shape.length === 1 ? [] : [n])];
  return { dtype, shape, data: made };
}

interface Block {
  readonly left: number;
  readonly right: number;
  readonly out: number;
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

function product(x: Float64Array, y: Float64Array, into: Writable, { left, right, out, m, k, n }: Block): void {
  const row = new Float64Array(n);
  for (let i = 0; i < m; i++) {
    row.fill(0);
    for (let l = 0; l < k; l++) {
      const [factor, from] = [x[left + i * k + l]!, right + l * n];
      for (let j = 0; j < n; j++) row[j]! += factor * y[from + j]!;
    }
    for (let j = 0; j < n; j++) into[out + i * n + j] = row[j];
  }
}

function bigProduct(x: BigInt64Array, y: BigInt64Array, into: Writable, { left, right, out, m, k, n }: Block): void {
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      let total = 0n;
      for (let l = 0; l < k; l++) total += x[left + i * k + l]! * y[right + l * n + j]!;
      into[out + i * n + j] = total;
    }
  }
}

/** A tensor with its last two axes swapped. */
export function transposed(x: Elements): Elements {
  const rank = x.shape.length;
  if (rank < 2) return x;
  return permute(x, [...x.shape.keys()].slice(0, -2).concat(rank - 1, rank - 2));
}

/** alpha A' B' + beta C. */
export function gemm(call: Call): Elements {
  const [a, b] = [call.input(0), call.input(1)];
  const [left, right] = [call.int('transA') ? transposed(a) : a, call.int('transB') ? transposed(b) : b];
  const [alpha, beta] = [call.float('alpha'), call.float('beta')];
  const made = matmul(call, left, right);
  const c = call.inputs[2];
  if (!isFloat(a.dtype)) {
    if (alpha !== 1 || beta !== 1) throw unsupported(`scaling ${a.dtype}`);
    return c ? combine(call, made, c, { int: (x, y) => x + y, big: (x, y) => x + y }) : made;
  }
  const scaled = floats(
    made.dtype,
    made.shape,
    numbers(made).map((x) => alpha * x),
  );
  if (!c || beta === 0) return scaled;
  return zipNumbers(call, made.dtype, [scaled, c], (x, y) => x! + beta * y!);
}

/** Matrix products. */
export const PRODUCTS: Kernels = {
  Gemm: (call) => [gemm(call)],
  MatMul: (call) => {
    const [x, y] = [call.input(0), call.input(1)];
    if (x.dtype !== y.dtype) throw invalid(`operands of types ${x.dtype} and ${y.dtype}`);
    return [matmul(call, x, y)];
  },
};
