import {
  fromFloat64,
  type NumericArray,
  type OperationOptions,
  type PassContext,
  recipeCodes,
  ResonnxError,
  type Taps,
  Tensor,
  toFloat64,
  type Value,
} from '#core';
import { concatenate, transposed } from '../_shared/arrays.js';
import { redirect } from '../_shared/readers.js';
import type { Region } from '../_shared/region.js';
import { pointwise } from '../_shared/spatial.js';

/**
 * Jumping knowledge (Xu et al. 2018, arXiv:1806.03536): the outputs of all layers, concatenated along the last axis in the order of the
 * layers and mapped by `jk.weight` `[D, L·D]` and `jk.bias`, take the place of the last one for those who read it.
 */
export function buildJumpingKnowledge(regions: readonly Region[], cx: PassContext<OperationOptions>): void {
  const { parameters } = cx.options;
  const last = regions.at(-1)!.output;
  const weight = parameters.get('jk.weight');
  const bias = parameters.find('jk.bias');
  cx.rewrite('jumping-knowledge', last.producer!, (edit) => {
    const readers = [...last.uses];
    const constant = (name: string, array: NumericArray): Value =>
      edit.constant(name, Tensor.from(fromFloat64(cx.types.dtype(last) ?? 'float32', array.shape, toFloat64(array))));
    const all = edit.node(
      'Concat',
      regions.map((region) => region.output),
      { axis: -1 },
    );
    const product = edit.node('MatMul', [all, constant('jk_weight', transposed(weight))]);
    const result = bias ? edit.node('Add', [product, constant('jk_bias', bias)]) : product;
    redirect(readers, result);
  });
}

/** The same over arrays. */
export async function jumpingKnowledgeArrays(
  regions: readonly Region[],
  { parameters }: OperationOptions,
  taps: Taps,
): Promise<void> {
  const outputs = regions.map((region) => region.output);
  if (new Set(outputs).size !== outputs.length) {
    throw new ResonnxError([recipeCodes.refused({ path: 'main' }, 'two layers have the same output')]);
  }
  const layers = await taps.get(outputs);
  const all = concatenate(layers, -1);
  taps.override(outputs.at(-1)!, pointwise(all, parameters.get('jk.weight'), parameters.find('jk.bias'), -1));
}
