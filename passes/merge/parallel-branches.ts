import {
  type Edit,
  fromFloat64,
  Locator,
  type Model,
  type OperationOptions,
  type PassContext,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { findRegions } from '../_shared/region.js';
import { sitesOf } from '../_shared/sites.js';
import { type Kernel, windowOf } from './kernel.js';
import { kernelBetween } from './linear-path.js';

/** Each named region, a sum of linear branches, becomes one convolution. */
export function mergeBranches(model: Model, cx: PassContext<OperationOptions>): void {
  for (const { input, output } of findRegions(new Locator(model), sitesOf(cx.options.operation))) {
    const kernel = kernelBetween(input, output, { layer: 'conv', types: cx.types });
    cx.rewrite('parallel-conv-branches', output.producer!, (edit) =>
      edit.replace(output, convolve(edit, input, kernel, output, cx.types)),
    );
  }
}

/** A convolution by a kernel; constants are named after `like` and have its dtype. */
export function convolve(edit: Edit, x: Value, kernel: Kernel, like: Value, types: Types): Value {
  const dtype = types.dtype(like) ?? 'float32';
  const { weight, bias, strides, dilations, before, after, groups } = kernel;
  const constant = (name: string, shape: readonly number[], data: ArrayLike<number>): Value =>
    edit.constant(`${like.hint}_${name}`, Tensor.from(fromFloat64(dtype, shape, data)));
  const inputs = [
    x,
    constant('weight', weight.shape, weight.data as Float64Array),
    constant('bias', [bias.length], bias),
  ];
  return edit.node('Conv', inputs, {
    kernel_shape: [...windowOf(kernel)],
    strides: [...strides],
    dilations: [...dilations],
    pads: [...before, ...after],
    group: groups,
  });
}
