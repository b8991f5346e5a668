import { elementCount } from '../tensor/array.js';
import type { Call, Kernel, Kernels } from './call.js';
import { type Elements, floats, fromNumbers, numbers, sizeOf } from './elements.js';
import { axisOf, broadcastMap, rowsAlong } from './index-maps.js';
import { dtypeOf } from './cast.js';
import { reshaped } from './layout.js';
import { mapRows } from './activations.js';
import { invalid, unsupported } from './stop.js';
import { zipNumbers } from './pointwise.js';

/** Mean and the inverse of the standard deviation of each row; the mean is 0 for norms that do not centre. */
interface Statistics {
  readonly mean: Float64Array;
  readonly inverse: Float64Array;
}

interface Normalized extends Statistics {
  readonly data: Float64Array;
}

/** (x - mean) / √(variance + epsilon) along some axes, with the biased variance. */
export function normalize(call: Call, x: Elements, axes: readonly number[], eps: number, centre: boolean): Normalized {
  call.spend(2 * sizeOf(x));
  const { rows, places } = rowsAlong(x.shape, axes);
  const [mean, inverse] = [new Float64Array(rows.length), new Float64Array(rows.length)];
  const source = numbers(x);
  const data = new Float64Array(source.length);
  rows.forEach((row, i) => {
    let total = 0;
    if (centre) for (const place of places) total += source[row + place]!;
    const middle = total / places.length;
    let squares = 0;
    for (const place of places) squares += (source[row + place]! - middle) ** 2;
    mean[i] = middle;
    inverse[i] = 1 / Math.sqrt(squares / places.length + eps);
    for (const place of places) data[row + place] = (source[row + place]! - middle) * inverse[i]!;
  });
  return { data, mean, inverse };
}

/** data * scale + bias, both broadcast. */
export function affine(
  dtype: Elements['dtype'],
  shape: readonly number[],
  data: Float64Array,
  scale: Elements | undefined,
  bias: Elements | undefined,
): Elements {
  const at = (operand: Elements | undefined, missing: number): ((i: number) => number) => {
    if (!operand) return () => missing;
    const [map, values] = [broadcastMap(operand.shape, shape), numbers(operand)];
    return map ? (i) => values[map[i]!]! : (i) => values[i]!;
  };
  const [factor, term] = [at(scale, 1), at(bias, 0)];
  return floats(
    dtype,
    shape,
    data.map((value, i) => value * factor(i) + term(i)),
  );
}

/** LayerNormalization-17 and RMSNormalization-23, and onnxruntime's kin: over all axes from `axis` on. */
function layerNormalization(centre: boolean): Kernel {
  return (call) => {
    const x = call.input(0);
    const axis = axisOf(call.maybeInt('axis') ?? -1, x.shape.length);
    const axes = Array.from({ length: x.shape.length - axis }, (_, i) => axis + i);
    const { data, mean, inverse } = normalize(call, x, axes, call.maybeFloat('epsilon') ?? 1e-5, centre);
    const y = affine(x.dtype, x.shape, data, call.inputs[1], centre ? call.inputs[2] : undefined);
    const kept = x.shape.map((dim, i) => (i < axis ? dim : 1));
    const dtype = dtypeOf(call.maybeInt('stash_type') ?? 1);
    return centre ? [y, floats(dtype, kept, mean), floats(dtype, kept, inverse)] : [y, floats(dtype, kept, inverse)];
  };
}

/** onnxruntime's sum of input, skip and bias, normalized; the fourth output is the sum. */
function skipNormalization(centre: boolean): Kernel {
  return (call) => {
    const bias = call.inputs[centre ? 4 : 3];
    const operands = [call.input(0), call.input(1), ...(bias ? [bias] : [])];
    const { dtype } = call.input(0);
    const sum = zipNumbers(call, dtype, operands, (...terms) => terms.reduce((total, x) => total + x, 0));
    const axes = [sum.shape.length - 1];
    const { data, mean, inverse } = normalize(call, sum, axes, call.float('epsilon'), centre);
    const y = affine(dtype, sum.shape, data, call.inputs[2], centre ? call.inputs[3] : undefined);
    const kept = sum.shape.with(-1, 1);
    return [y, floats('float32', kept, mean), floats('float32', kept, inverse), sum];
  };
}

/** A vector laid along the channels of a tensor. */
function perChannel(vector: Elements, rank: number): Elements {
  return reshaped(vector, [sizeOf(vector), ...Array<number>(Math.max(0, rank - 2)).fill(1)]);
}

function batchNormalization(call: Call): readonly Elements[] {
  const x = call.input(0);
  const training = call.opset < 14 ? call.opset < 7 && call.maybeInt('is_test') === 0 : call.maybeInt('training_mode');
  if (training) throw unsupported('training');
  if (call.opset < 9 && call.maybeInt('spatial') === 0) throw unsupported('spatial = 0');
  const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) => perChannel(call.input(i), x.shape.length));
  const eps = call.float('epsilon');
  return [
    zipNumbers(call, x.dtype, [x, scale!, bias!, mean!, variance!], (v, s, b, m, q) => {
      return ((v! - m!) / Math.sqrt(q! + eps)) * s! + b!;
    }),
  ];
}

function instanceNormalization(call: Call): readonly Elements[] {
  const x = call.input(0);
  const axes = [...x.shape.keys()].slice(2);
  const { data } = normalize(call, x, axes, call.float('epsilon'), true);
  const [scale, bias] = [1, 2].map((i) => perChannel(call.input(i), x.shape.length));
  return [affine(x.dtype, x.shape, data, scale, bias)];
}

/** GroupNormalization-18 scales by group, since 21 by channel. */
function groupNormalization(call: Call): readonly Elements[] {
  const x = call.input(0);
  const groups = call.int('num_groups');
  const [n, channels] = [x.shape[0]!, x.shape[1]!];
  if (channels % groups !== 0) throw invalid(`${channels} channels in ${groups} groups`);
  const grouped = reshaped(x, [n, groups, sizeOf(x) / Math.max(1, n * groups)]);
  const { data } = normalize(call, grouped, [2], call.float('epsilon'), true);
  const spread = (vector: Elements): Elements => {
    const each = channels / sizeOf(vector);
    const values = numbers(vector);
    const wide = Float64Array.from({ length: channels }, (_, c) => values[Math.floor(c / each)]!);
    return perChannel(floats(vector.dtype, [channels], wide), x.shape.length);
  };
  return [affine(x.dtype, x.shape, data, spread(call.input(1)), spread(call.input(2)))];
}

/** x divided by its norm along an axis; 0 stays 0. */
function lpNormalization(call: Call): readonly Elements[] {
  const x = call.input(0);
  const p = call.int('p');
  const axis = axisOf(call.int('axis'), x.shape.length);
  return [
    mapRows(call, x, rowsAlong(x.shape, [axis]), (row) => {
      const size = row.reduce((total, value) => total + Math.abs(value) ** p, 0) ** (1 / p);
      return row.map((value) => (size === 0 ? 0 : value / size));
    }),
  ];
}

function meanVarianceNormalization(call: Call): readonly Elements[] {
  const x = call.input(0);
  const axes = (call.intList('axes') ?? [0, 2, 3]).map((axis) => axisOf(axis, x.shape.length));
  const { data, mean } = normalize(call, x, axes, 0, true);
  // The standard's function adds 1e-9 to the deviation, so that a constant row gives 0.
  const { rows, places } = rowsAlong(x.shape, axes);
  const source = numbers(x);
  rows.forEach((row, i) => {
    let squares = 0;
    for (const place of places) squares += (source[row + place]! - mean[i]!) ** 2;
    const deviation = Math.sqrt(squares / places.length) + 1e-9;
    for (const place of places) data[row + place] = (source[row + place]! - mean[i]!) / deviation;
  });
  return [fromNumbers(x.dtype, x.shape, data)];
}

/** Local response normalization over `size` channels around each. */
function lrn(call: Call): readonly Elements[] {
  const x = call.input(0);
  const size = call.int('size');
  const [alpha, beta, bias] = [call.float('alpha'), call.float('beta'), call.float('bias')];
  call.spend(sizeOf(x) * size);
  const [channels, inner] = [x.shape[1]!, elementCount(x.shape.slice(2))];
  const source = numbers(x);
  const data = source.map((value, i) => {
    const c = Math.floor(i / inner) % channels;
    let squares = 0;
    const last = Math.min(channels - 1, c + Math.ceil((size - 1) / 2));
    for (let k = Math.max(0, c - Math.floor((size - 1) / 2)); k <= last; k++)
      squares += source[i + (k - c) * inner]! ** 2;
    return value / (bias + (alpha / size) * squares) ** beta;
  });
  return [floats(x.dtype, x.shape, data)];
}

/** Normalizations, as they work in inference. */
export const NORMS: Kernels = {
  BatchNormalization: batchNormalization,
  GroupNormalization: groupNormalization,
  InstanceNormalization: instanceNormalization,
  LRN: lrn,
  LayerNormalization: layerNormalization(true),
  LpNormalization: lpNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  RMSNormalization: layerNormalization(false),
  SimplifiedLayerNormalization: layerNormalization(false),
  'com.microsoft.SkipLayerNormalization': skipNormalization(true),
  'com.microsoft.SkipSimplifiedLayerNormalization': skipNormalization(false),
};
