import { floatAttr, type Node, trainingMode, type Types } from '#core';
import { featureVector, refuse } from './weight-edit.js';

/** s = γ/√(σ² + ε) and t = β − sμ; no shift where all are zero. @throws ResonnxError `rewrite/refused` */
export function batchNormAffine(
  node: Node,
  types: Types,
): { readonly scale: Float64Array; readonly shift: Float64Array | undefined } {
  if (trainingMode(node) !== 'inference') refuse(node, 'the norm is in training mode');
  const size = types.shape(node.inputs[1]!)?.[0] ?? types.shape(node.inputs[0]!)?.[1];
  const parameters = node.inputs
    .slice(1, 5)
    .map((value) => (value && typeof size === 'number' ? featureVector({ types }, value, 0, 1, size) : undefined));
  const [gamma, beta, mean, variance] = parameters;
  if (!gamma || !beta || !mean || !variance) return refuse(node, 'the parameters of the norm are not constant');
  const epsilon = Math.fround(floatAttr(node, 'epsilon') ?? 1e-5);
  const scale = gamma.map((factor, i) => factor / Math.sqrt(variance[i]! + epsilon));
  const shift = beta.map((offset, i) => offset - scale[i]! * mean[i]!);
  return { scale, shift: shift.some((element) => element !== 0) ? shift : undefined };
}
