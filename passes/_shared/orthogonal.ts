import { type NumericArray, recipeCodes, ResonnxError, toFloat64 } from '#core';
import { seededUniform } from './seeded.js';

/** How far columns may be from orthonormal: what float32 leaves of a matrix that was made in it. */
const TOLERANCE = 1e-3;

/** Proves QᵀQ = I. @throws ResonnxError `rewrite/refused` when the columns are not orthonormal */
export function checkOrthonormal(name: string, q: NumericArray): void {
  const [rows, columns] = q.shape as readonly [number, number];
  const elements = toFloat64(q);
  for (let i = 0; i < columns; i++) {
    for (let j = i; j < columns; j++) {
      let dot = 0;
      for (let k = 0; k < rows; k++) dot += elements[k * columns + i]! * elements[k * columns + j]!;
      if (Math.abs(dot - (i === j ? 1 : 0)) <= TOLERANCE) continue;
      const why = `"${name}" has no orthonormal columns: the product of columns ${i} and ${j} is ${dot.toPrecision(4)}`;
      throw new ResonnxError([recipeCodes.refused({ path: name }, why)]);
    }
  }
}

/** AᵀB. */
export function transposedProduct(a: NumericArray, b: NumericArray): NumericArray {
  const [rows, left] = a.shape as readonly [number, number];
  const right = b.shape[1]!;
  const [p, q] = [toFloat64(a), toFloat64(b)];
  const data = new Float64Array(left * right);
  for (let k = 0; k < rows; k++)
    for (let i = 0; i < left; i++)
      for (let j = 0; j < right; j++) data[i * right + j]! += p[k * left + i]! * q[k * right + j]!;
  return { dtype: 'float64', shape: [left, right], data };
}

/** Sylvester's Hadamard matrix over √size; `undefined` unless the size is a power of two. */
export function hadamard(size: number): NumericArray | undefined {
  if (size < 1 || (size & (size - 1)) !== 0) return undefined;
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) data[i * size + j] = parity(i & j) / Math.sqrt(size);
  return { dtype: 'float64', shape: [size, size], data };
}

function parity(bits: number): number {
  let rest = bits;
  let sign = 1;
  while (rest > 0) {
    if (rest & 1) sign = -sign;
    rest >>>= 1;
  }
  return sign;
}

/** A seeded orthogonal matrix: a product of `size` reflections. The same on every machine. */
export function randomOrthogonal(size: number, seed: number): NumericArray {
  const data = new Float64Array(size * size);
  for (let i = 0; i < size; i++) data[i * size + i] = 1;
  const next = seededUniform(seed);
  const normal = new Float64Array(size);
  for (let round = 0; round < size; round++) {
    let length = 0;
    for (let i = 0; i < size; i++) {
      normal[i] = next() + next() + next() - 1.5;
      length += normal[i]! ** 2;
    }
    if (length > 0) reflect(data, size, normal, length);
  }
  return { dtype: 'float64', shape: [size, size], data };
}

/** Rows of a matrix, each reflected at the plane behind `normal`. */
function reflect(data: Float64Array, size: number, normal: Float64Array, length: number): void {
  for (let row = 0; row < size; row++) {
    let dot = 0;
    for (let i = 0; i < size; i++) dot += data[row * size + i]! * normal[i]!;
    for (let i = 0; i < size; i++) data[row * size + i]! -= (2 * dot * normal[i]!) / length;
  }
}
