import {
  dependsOn,
  type Edit,
  floatAttr,
  fromFloat64,
  type Node,
  stringAttr,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { buildLayerNorm, buildRms } from '../_shared/rms.js';
import type { Weights } from '../_shared/weight-edit.js';

/** Puts an Add and what stands around it in the place of a node; `false` leaves the node. The Add keeps the node's name. */
export type Separation = (edit: Edit, node: Node, types: Types) => boolean;

/** The name by which people find the Add: that of the node, else of what it gave. */
export function nameOf({ name, outputs }: Node): string {
  return name === '' ? (outputs[0]?.hint ?? '') : name;
}

/** onnxruntime's default for both skip norms. */
const EPSILON = 1e-12;
/** First opsets of LayerNormalization and RMSNormalization. */
const LAYER_NORM = 17;
const RMS_NORM = 23;

/** N(input + skip + bias) = N(skip + (input + bias)), with the sum for those who read it; the bias goes with the branch. */
export const separateNorm: Separation = (edit, node, types) => {
  const isRms = node.opType === 'SkipSimplifiedLayerNormalization';
  const [input, skip, gamma] = node.inputs as readonly [Value, Value, Value];
  const beta = isRms ? undefined : node.inputs[3];
  const bias = node.inputs[isRms ? 3 : 4];
  const [output, mean, deviation, sumOutput] = node.outputs;
  const size = types.shape(gamma)?.[0];
  const opset = edit.graph.opset('') ?? 0;
  const isUsed = [mean, deviation].some((value) => value && value.uses.size > 0);
  const isOperator = opset >= (isRms ? RMS_NORM : LAYER_NORM);
  if (isUsed || (!isOperator && typeof size !== 'number')) return false;
  const branchFirst = !dependsOn(skip, input);
  const [trunk, branch] = branchFirst ? [skip, input] : [input, skip];
  const biased = bias ? edit.node('Add', [branch, bias]) : branch;
  const hint = sumOutput?.hint ?? '';
  const sum = edit.node('Add', [trunk, biased], {}, { name: nameOf(node), hint });
  const epsilon = floatAttr(node, 'epsilon') ?? EPSILON;
  const attrs = { axis: -1, epsilon };
  const spelled = (): Value => {
    const dtype = types.dtype(input) ?? 'float32';
    const w: Weights = { edit, types, made: new Map() };
    const normalized = (isRms ? buildRms : buildLayerNorm)(w, sum, { epsilon, size: size as number }, dtype);
    const scaled = edit.node('Mul', [normalized, gamma]);
    return beta ? edit.node('Add', [scaled, beta]) : scaled;
  };
  const operator = (): Value =>
    isRms
      ? edit.node('RMSNormalization', [sum, gamma], attrs)
      : edit.node('LayerNormalization', [sum, gamma, beta], attrs);
  if (sumOutput) edit.replace(sumOutput, sum);
  edit.replace(output!, isOperator ? operator() : spelled());
  return true;
};

/** x + bias + skip of onnxruntime's BiasAdd: the bias goes with x, which is the branch. */
export const separateBias: Separation = (edit, node) => {
  const [x, bias, skip] = node.inputs as readonly [Value, Value, Value];
  const biased = edit.node('Add', [x, bias]);
  edit.replace(node.outputs[0]!, edit.node('Add', [skip, biased], {}, { name: nameOf(node) }));
  return true;
};

/** Activations of FusedConv that have no parameters, as operators of their own. */
const ACTIVATIONS: Readonly<Record<string, string>> = { Relu: 'Relu', Tanh: 'Tanh', Sigmoid: 'Sigmoid' };

/** σ(conv(x) + z). */
export const separateConv: Separation = (edit, node) => {
  const activation = stringAttr(node, 'activation') ?? '';
  if (activation !== '' && !ACTIVATIONS[activation]) return false;
  const attrs = new Map([...node.attrs].filter(([name]) => !name.startsWith('activation')));
  const convolved = edit.node('Conv', node.inputs.slice(0, 3), attrs);
  const sum = edit.node('Add', [convolved, node.inputs[3]], {}, { name: nameOf(node) });
  edit.replace(node.outputs[0]!, activation === '' ? sum : edit.node(ACTIVATIONS[activation]!, [sum]));
  return true;
};

/** αAB + βC with a computed C of the size of the product: a residual that was fused. */
export const separateGemm: Separation = (edit, node, types) => {
  const [a, b, c] = node.inputs as readonly [Value, Value, Value];
  const [to, from] = [types.shape(node.outputs[0]!), types.shape(c)];
  const sameRank = to?.length === 2 && from?.length === 2 && from.every((dim) => dim !== 1);
  if (!sameRank) return false;
  const attrs = new Map([...node.attrs].filter(([name]) => name !== 'beta'));
  const product = edit.node('Gemm', [a, b], attrs);
  const beta = floatAttr(node, 'beta') ?? 1;
  const factor = (): Value => edit.constant('beta', Tensor.from(fromFloat64(types.dtype(c) ?? 'float32', [], [beta])));
  const scaled = beta === 1 ? c : edit.node('Mul', [c, factor()]);
  edit.replace(node.outputs[0]!, edit.node('Add', [product, scaled], {}, { name: nameOf(node) }));
  return true;
};
