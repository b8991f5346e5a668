import {
  intAttr,
  intsAttr,
  isOp,
  type Node,
  type NumericArray,
  stringAttr,
  trainingMode,
  type Types,
  type Value,
} from '#core';
import { transposed } from '../_shared/arrays.js';
import { batchNormAffine } from '../_shared/batch-norm.js';
import { widened } from '../_shared/feature-map.js';
import { staticArray } from '../_shared/static-array.js';
import { featureVector, refuse } from '../_shared/weight-edit.js';
import { chained, dirac, type Kernel, scaled, sum } from './kernel.js';

/** How many operators a branch may have. */
const DEPTH = 64;

/** What a path is read as. */
export interface PathKind {
  /** Channels are axis 1 and windows lie over the axes behind, or channels are the last axis. */
  readonly layer: 'conv' | 'linear';
  readonly types: Types;
}

/** Axes behind the channels that windows lie over. */
function spatialAxes(value: Value, { layer, types }: PathKind): number {
  if (layer === 'linear') return 0;
  const rank = types.shape(value)?.length;
  return rank === undefined || rank < 2 ? refuse(value, 'the rank of a value is not known') : rank - 2;
}

function channelsOf(value: Value, kind: PathKind): number {
  const shape = kind.types.shape(value);
  const size = shape?.[kind.layer === 'conv' ? 1 : shape.length - 1];
  return typeof size === 'number' ? size : refuse(value, 'the number of channels is not known');
}

/**
 * The one linear operator that makes `value` from `source`: convolutions, linear layers, norms at inference, static scales and biases,
 * average pools and sums of them.
 * @throws ResonnxError `rewrite/refused` where something on the way is not linear
 */
export function kernelBetween(source: Value, value: Value, kind: PathKind, depth = 0): Kernel {
  if (value === source) return dirac(channelsOf(value, kind), spatialAxes(value, kind));
  const node = value.producer;
  if (!node || node.domain !== '' || depth > DEPTH)
    return refuse(value, `"${value.hint}" is not a linear function of "${source.hint}"`);
  const from = (input: Value): Kernel => kernelBetween(source, input, kind, depth + 1);
  switch (node.opType) {
    case 'Identity':
    case 'Dropout':
      return trainingMode(node) === 'training' ? refuse(node, 'dropout is in training mode') : from(node.inputs[0]!);
    case 'Conv':
      if (kind.layer === 'linear') break;
      return chained(from(node.inputs[0]!), convKernel(node, kind), value);
    case 'MatMul':
    case 'Gemm': {
      const layer = kind.layer === 'linear' ? linearKernel(node, kind) : undefined;
      if (layer) return chained(from(node.inputs[0]!), layer, value);
      break;
    }
    case 'BatchNormalization': {
      const { scale, shift } = batchNormAffine(node, kind.types);
      return scaled(from(node.inputs[0]!), scale, shift);
    }
    case 'AveragePool':
      if (kind.layer === 'linear') break;
      return chained(from(node.inputs[0]!), poolKernel(node, kind), value);
    case 'Add':
    case 'Sum':
    case 'Sub':
    case 'Mul':
    case 'Div':
      return arithmetic(source, node, kind, depth);
    default:
  }
  return refuse(node, `${node.op} on the way from "${source.hint}" is not linear`);
}

function arithmetic(source: Value, node: Node, kind: PathKind, depth: number): Kernel {
  const value = node.outputs[0]!;
  const shape = kind.types.shape(value) ?? refuse(value, 'the rank of a value is not known');
  const axis = kind.layer === 'conv' ? 1 : shape.length - 1;
  const size = channelsOf(value, kind);
  const vectors = node.inputs.map((input) => featureVector(kind, input!, axis, shape.length, size));
  const dynamic = node.inputs.filter((_, i) => !vectors[i]);
  const constants = vectors.filter((vector) => vector !== undefined);
  const isProduct = node.opType === 'Mul' || node.opType === 'Div';
  const inOrder = node.opType !== 'Div' && node.opType !== 'Sub';
  if (
    dynamic.length === 0 ||
    (!inOrder && vectors[0]) ||
    (isProduct && dynamic.length > 1) ||
    (node.opType === 'Sub' && dynamic.length > 1)
  )
    return refuse(node, `${node.op} on the way from "${source.hint}" is not linear`);
  const kernels = dynamic.map((input) => kernelBetween(source, input!, kind, depth + 1));
  const total = kernels.reduce((a, b) => sum(a, b, value));
  return constants.reduce((kernel, vector) => {
    if (isProduct) return scaled(kernel, node.opType === 'Div' ? vector.map((element) => 1 / element) : vector);
    const ones = new Float64Array(size).fill(1);
    return scaled(kernel, ones, node.opType === 'Sub' ? vector.map((element) => -element) : vector);
  }, total);
}

function weights(node: Node, index: number, { types }: PathKind): NumericArray {
  const array = staticArray(node.inputs[index]!, types) ?? refuse(node, 'the weights are computed when the model runs');
  return widened(array);
}

function biasOf(node: Node, size: number, kind: PathKind): Float64Array {
  const bias = node.inputs[2];
  if (!bias) return new Float64Array(size);
  return featureVector(kind, bias, 1, 2, size) ?? refuse(node, 'the bias is not one constant number per channel');
}

/** What pads and strides say; SAME padding only where the stride is 1. */
function windowing(node: Node, window: readonly number[]): Pick<Kernel, 'strides' | 'dilations' | 'before' | 'after'> {
  const ones = window.map(() => 1);
  const strides = node.attrs.has('strides') ? (intsAttr(node, 'strides') ?? ones) : ones;
  const dilations = node.attrs.has('dilations') ? (intsAttr(node, 'dilations') ?? ones) : ones;
  const auto = stringAttr(node, 'auto_pad') ?? 'NOTSET';
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    if (strides.some((stride) => stride !== 1))
      refuse(node, 'SAME padding with a stride depends on the size of the input');
    const all = window.map((size, i) => dilations[i]! * (size - 1));
    const low = all.map((pad) => (auto === 'SAME_UPPER' ? Math.floor(pad / 2) : Math.ceil(pad / 2)));
    return { strides, dilations, before: low, after: all.map((pad, i) => pad - low[i]!) };
  }
  const pads = node.attrs.has('pads') && auto === 'NOTSET' ? (intsAttr(node, 'pads') ?? []) : [];
  const none = window.map(() => 0);
  if (pads.length === 0) return { strides, dilations, before: none, after: none };
  return { strides, dilations, before: pads.slice(0, window.length), after: pads.slice(window.length) };
}

function convKernel(node: Node, kind: PathKind): Kernel {
  const weight = weights(node, 1, kind);
  const window = weight.shape.slice(2);
  const { dilations, ...rest } = windowing(node, window);
  return {
    weight,
    bias: biasOf(node, weight.shape[0]!, kind),
    groups: intAttr(node, 'group') ?? 1,
    ...rest,
    dilations: dilations.map((dilation, i) => (window[i] === 1 ? 1 : dilation)),
  };
}

/** A linear layer whose weights are its second operand. */
function linearKernel(node: Node, kind: PathKind): Kernel | undefined {
  const [x, b] = node.inputs as readonly [Value, Value];
  if (staticArray(x, kind.types) || (isOp(node, 'Gemm') && intAttr(node, 'transA') === 1)) return undefined;
  const given = weights(node, 1, kind);
  if (given.shape.length !== 2) return undefined;
  const float = (name: string): number => {
    const attr = node.attrs.get(name);
    return attr?.type === 'FLOAT' ? attr.value : 1;
  };
  const [alpha, beta] = isOp(node, 'Gemm') ? [float('alpha'), float('beta')] : [1, 1];
  const matrix = isOp(node, 'Gemm') && intAttr(node, 'transB') === 1 ? given : transposed(given);
  const weight = { ...matrix, data: (matrix.data as Float64Array).map((element) => element * alpha) };
  const bias = isOp(node, 'Gemm')
    ? biasOf(node, matrix.shape[0]!, kind).map((element) => element * beta)
    : new Float64Array(matrix.shape[0]!);
  return b && { weight, bias, groups: 1, strides: [], dilations: [], before: [], after: [] };
}

/** An average pool as a convolution with one group per channel. */
function poolKernel(node: Node, kind: PathKind): Kernel {
  const window = intsAttr(node, 'kernel_shape') ?? refuse(node, 'the pool has no window');
  const channels = channelsOf(node.inputs[0]!, kind);
  const rest = windowing(node, window);
  const padded = [...rest.before, ...rest.after].some((pad) => pad !== 0);
  const divisorVaries = (padded && intAttr(node, 'count_include_pad') !== 1) || intAttr(node, 'ceil_mode') === 1;
  if (divisorVaries) refuse(node, 'the pool divides by fewer elements at the border');
  const count = window.reduce((a, b) => a * b, 1);
  const data = new Float64Array(channels * count).fill(1 / count);
  const weight: NumericArray = { dtype: 'float64', shape: [channels, 1, ...window], data };
  return { weight, bias: new Float64Array(channels), groups: channels, ...rest };
}
