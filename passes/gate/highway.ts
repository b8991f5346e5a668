import {
  type Edit,
  fromFloat64,
  type NumericArray,
  type Parameters,
  Tensor,
  toFloat64,
  type Types,
  type Value,
} from '#core';
import { transposed, zip } from '../_shared/arrays.js';
import { parameterName, type Region } from '../_shared/region.js';
import { convolve3x3, pointwise } from '../_shared/spatial.js';
import type { GateOptions } from './options.js';

/** y = T(x)·F(x) + (1 − T(x))·x with T(x) = σ(W x + b) (Srivastava et al. 2015, arXiv:1505.00387, eq. 3). */
export function buildHighway(
  edit: Edit,
  x: Value,
  region: Region,
  { transform }: GateOptions,
  { parameters, types }: { readonly parameters: Parameters; readonly types: Types },
): Value {
  const dtype = types.dtype(region.output) ?? 'float32';
  const constant = (name: string, array: NumericArray): Value =>
    edit.constant(name, Tensor.from(fromFloat64(dtype, array.shape, toFloat64(array))));
  const weight = parameters.get(parameterName(region.site, 'weight'));
  const bias = parameters.find(parameterName(region.site, 'bias'));
  const linear = (): Value => {
    const product = edit.node('MatMul', [x, constant('gate_weight', transposed(weight))]);
    return bias ? edit.node('Add', [product, constant('gate_bias', bias)]) : product;
  };
  const convolution = (): Value => {
    const kernel = weight.shape.slice(2);
    const pads = kernel.map((size) => Math.floor(size / 2));
    const inputs = [x, constant('gate_weight', weight), bias && constant('gate_bias', bias)];
    return edit.node('Conv', inputs, { kernel_shape: kernel, pads: [...pads, ...pads] });
  };
  const gate = edit.node('Sigmoid', [transform === 'linear' ? linear() : convolution()]);
  const one = edit.constant('one', Tensor.from(fromFloat64(dtype, [], [1])));
  const carried = edit.node('Mul', [edit.node('Sub', [one, gate]), x]);
  return edit.node('Add', [edit.node('Mul', [gate, region.output]), carried]);
}

/** The same over arrays. */
export function highwayArrays(
  x: NumericArray,
  branch: NumericArray,
  region: Region,
  { transform }: GateOptions,
  parameters: Parameters,
): NumericArray {
  const weight = parameters.get(parameterName(region.site, 'weight'));
  const bias = parameters.find(parameterName(region.site, 'bias'));
  const mapped =
    transform === 'conv3x3-pad1'
      ? convolve3x3(x, weight, bias)
      : pointwise(x, weight, bias, transform === 'linear' ? -1 : 1);
  return zip(
    (w, f, skip) => {
      const gate = 1 / (1 + Math.exp(-w));
      return gate * f + (1 - gate) * skip;
    },
    mapped,
    branch,
    x,
  );
}
