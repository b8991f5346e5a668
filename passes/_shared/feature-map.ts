import { elementCount, fromFloat64, type NumericArray, toFloat64 } from '#core';

/** A linear map of feature vectors: a row `v` of `from` numbers becomes `v·A` of `to` numbers. */
export interface FeatureMap {
  readonly from: number;
  readonly to: number;
  /** The diagonal of A where A is diagonal: maps each feature by itself, as operators with one number per channel can. */
  readonly scale?: Float64Array;
  /** Writes `source·A` into `target`, which is longer or shorter by what the map says; both are not the same array. */
  apply(source: Float64Array, target: Float64Array): void;
}

/** Each feature times a number of its own. */
export function diagonal(scale: Float64Array): FeatureMap {
  return {
    from: scale.length,
    to: scale.length,
    scale,
    apply(source, target) {
      for (let i = 0; i < scale.length; i++) target[i] = source[i]! * scale[i]!;
    },
  };
}

/** The same feature, each `size` of them. */
export function identityMap(size: number): FeatureMap {
  return diagonal(new Float64Array(size).fill(1));
}

/** Multiplication by a matrix of shape `[from, to]`. */
export function matrixMap(matrix: NumericArray): FeatureMap {
  const [from, to] = matrix.shape as readonly [number, number];
  const elements = toFloat64(matrix);
  return {
    from,
    to,
    apply(source, target) {
      target.fill(0);
      for (let i = 0; i < from; i++) {
        const factor = source[i]!;
        if (factor === 0) continue;
        for (let j = 0; j < to; j++) target[j]! += factor * elements[i * to + j]!;
      }
    },
  };
}

/** I − 11ᵀ/d: takes the mean over the features away. */
export function centring(size: number): FeatureMap {
  return {
    from: size,
    to: size,
    apply(source, target) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += source[i]!;
      const mean = sum / size;
      for (let i = 0; i < size; i++) target[i] = source[i]! - mean;
    },
  };
}

/** First one map, then the other. */
export function composed(first: FeatureMap, second: FeatureMap): FeatureMap {
  if (first.scale && second.scale) return diagonal(first.scale.map((factor, i) => factor * second.scale![i]!));
  const between = new Float64Array(first.to);
  return {
    from: first.from,
    to: second.to,
    apply(source, target) {
      first.apply(source, between);
      second.apply(between, target);
    },
  };
}

/** The matrix of a map, `[from, to]`. */
export function matrixOf(map: FeatureMap): NumericArray {
  const data = new Float64Array(map.from * map.to);
  const unit = new Float64Array(map.from);
  const row = new Float64Array(map.to);
  for (let i = 0; i < map.from; i++) {
    unit[i] = 1;
    map.apply(unit, row);
    data.set(row, i * map.to);
    unit[i] = 0;
  }
  return { dtype: 'float64', shape: [map.from, map.to], data };
}

/** Every vector of an array along one axis, mapped; float64 in between, rounded once to the dtype of the array. */
export function mapAlong(array: NumericArray, axis: number, map: FeatureMap): NumericArray {
  const outer = elementCount(array.shape.slice(0, axis));
  const inner = elementCount(array.shape.slice(axis + 1));
  const from = toFloat64(array);
  const to = new Float64Array(outer * map.to * inner);
  const source = new Float64Array(map.from);
  const target = new Float64Array(map.to);
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      for (let k = 0; k < map.from; k++) source[k] = from[(o * map.from + k) * inner + i]!;
      map.apply(source, target);
      for (let k = 0; k < map.to; k++) to[(o * map.to + k) * inner + i] = target[k]!;
    }
  }
  const shape = array.shape.map((dim, at) => (at === axis ? map.to : dim));
  return fromFloat64(array.dtype, shape, to);
}

/** An array in float64: what weight arithmetic is done in before the one rounding at its end. */
export function widened(array: NumericArray): NumericArray {
  return array.dtype === 'float64' ? array : { dtype: 'float64', shape: array.shape, data: toFloat64(array) };
}
