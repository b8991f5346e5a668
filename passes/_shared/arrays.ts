import { elementCount, fromFloat64, type NumericArray, toFloat64 } from '#core';

/** Element by element over arrays of one shape, in float64, rounded once to the dtype of the first. */
export function zip(
  f: (...elements: number[]) => number,
  ...arrays: readonly [NumericArray, ...NumericArray[]]
): NumericArray {
  const columns = arrays.map(toFloat64);
  const [first] = arrays;
  const result = new Float64Array(columns[0]!.length);
  for (let i = 0; i < result.length; i++) result[i] = f(...columns.map((column) => column[i]!));
  return fromFloat64(first.dtype, first.shape, result);
}

/** a·x + b·y of two arrays of one shape. */
export function combine(a: number, x: NumericArray, b: number, y: NumericArray): NumericArray {
  return zip((p, q) => a * p + b * q, x, y);
}

/** Arrays side by side along one axis. */
export function concatenate(arrays: readonly NumericArray[], axis: number): NumericArray {
  const first = arrays[0]!;
  const at = axis < 0 ? axis + first.shape.length : axis;
  const outer = elementCount(first.shape.slice(0, at));
  const widths = arrays.map((array) => elementCount(array.shape.slice(at)));
  const total = widths.reduce((a, b) => a + b, 0);
  const result = new Float64Array(outer * total);
  let offset = 0;
  arrays.forEach((array, k) => {
    const from = toFloat64(array);
    const width = widths[k]!;
    for (let i = 0; i < outer; i++) result.set(from.subarray(i * width, (i + 1) * width), i * total + offset);
    offset += width;
  });
  const shape = [...first.shape];
  shape[at] = arrays.reduce((size, array) => size + array.shape[at]!, 0);
  return fromFloat64(first.dtype, shape, result);
}

/** A matrix with rows and columns exchanged. */
export function transposed(matrix: NumericArray): NumericArray {
  const [rows, columns] = matrix.shape as readonly [number, number];
  const from = toFloat64(matrix);
  const to = new Float64Array(from.length);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) to[j * rows + i] = from[i * columns + j]!;
  return fromFloat64(matrix.dtype, [columns, rows], to);
}

/** The array spread over a larger shape, as ONNX broadcasts. */
export function broadcast(array: NumericArray, shape: readonly number[]): NumericArray {
  const from = toFloat64(array);
  const missing = shape.length - array.shape.length;
  const strides = Array<number>(shape.length).fill(0);
  let step = 1;
  for (let axis = array.shape.length - 1; axis >= 0; axis--) {
    if (array.shape[axis] !== 1) strides[axis + missing] = step;
    step *= array.shape[axis]!;
  }
  const index = Array<number>(shape.length).fill(0);
  const result = new Float64Array(elementCount(shape));
  for (let at = 0; at < result.length; at++) {
    result[at] = from[index.reduce((sum, place, axis) => sum + place * strides[axis]!, 0)]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (++index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return fromFloat64(array.dtype, shape, result);
}
