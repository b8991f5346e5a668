import {
  any,
  constant,
  type Edit,
  floatAttr,
  intAttr,
  isFloat,
  type Match,
  no,
  ok,
  oneOf,
  op,
  type OpPattern,
  optional,
  type Pass,
  type Pat,
  type Rule,
  rulePass,
  showShape,
  type Tensor,
  type Value,
  type Verdict,
} from '#core';
import { isFinite, scaled, vector } from '../_shared/weights.js';
import { affineOf, batchNorm, checkAffine } from './affine.js';
import { biasNumbers, isRow } from './bias.js';
import { convLayer, convTransposeLayer, type Layer, matrixLayer } from './layers.js';

/** Products of float32 weights and factors up to here do not overflow unless the weights are absurd. */
const LARGE_FACTOR = 1e18;

const x = any('input');
const W = constant('weight');
const b0 = any('bias of the layer');

const conv = op.Conv(x, W, optional(b0));
const convTranspose = op.ConvTranspose(x, W, optional(b0));
const gemm = op.Gemm(x, W, optional(b0));
const product = op.MatMul(x, W);

/** One kind of layer that a normalization can disappear into. */
interface Folding {
  readonly name: string;
  readonly summary: string;
  readonly minOpset?: number;
  readonly layer: Pat;
  layerOf(m: Match): Layer;
  /** What its bias is multiplied by. */
  biasFactor?(m: Match): number;
  check?(m: Match): Verdict;
  build(m: Match, b: Edit, weight: Value, bias: Value): Value;
}

/** The new bias, b·k + shift; `undefined` when it does not fit the dtype. */
function foldedBias(m: Match, folding: Folding): Tensor | undefined {
  const { factors, shifts } = affineOf(m);
  const value = m.findValue(b0);
  const known = value && biasNumbers(value);
  const strength = folding.biasFactor?.(m) ?? 1;
  const bias = (channel: number): number => known?.[known.length === 1 ? 0 : channel] ?? 0;
  const numbers = shifts.map((shift, channel) => strength * bias(channel) * factors[channel]! + shift);
  return vector(m.get(W).dtype, numbers);
}

/** The new weight, W·k per output channel; computed when it is read. */
function foldedWeight(m: Match, folding: Folding): Tensor {
  return scaled(m.get(W), affineOf(m).factors, folding.layerOf(m).channelOf);
}

function checkLayer(m: Match, folding: Folding): Verdict {
  const weight = m.get(W);
  if (!isFloat(weight.dtype) || weight.size === 0)
    return no(`the weight is ${weight.dtype}[${weight.shape.join(', ')}]`);
  const special = folding.check?.(m) ?? ok;
  if (!special.ok) return special;
  const { channels } = folding.layerOf(m);
  const affine = checkAffine(m, channels);
  if (!affine.ok) return affine;
  const bias = m.findValue(b0);
  if (bias && !biasNumbers(bias)) return no(`${b0.label} is not constant`, bias);
  if (bias && !isRow(m.shape(b0), channels)) {
    return no(`the bias has shape ${showShape(m.shape(b0) ?? [])}, not [${channels}]`, bias);
  }
  if (!foldedBias(m, folding)) return no(`the new bias does not fit ${weight.dtype}`);
  const isRisky = weight.dtype === 'float16' || affineOf(m).factors.some((factor) => Math.abs(factor) > LARGE_FACTOR);
  return !isRisky || isFinite(foldedWeight(m, folding)) ? ok : no(`the new weight does not fit ${weight.dtype}`);
}

function fold(folding: Folding): Rule {
  const { name, summary, minOpset, layer } = folding;
  return {
    name,
    summary,
    root: 'BatchNormalization',
    ...(minOpset !== undefined && { minOpset }),
    pattern: batchNorm(layer),
    check: (m) => checkLayer(m, folding),
    rewrite: (m, b) => {
      const weight = b.constant(m.value(W).hint, foldedWeight(m, folding));
      const known = m.findValue(b0);
      const hint = known?.constant ? known.hint : `${m.value(W).hint}_bias`;
      const bias = b.constant(hint, foldedBias(m, folding)!);
      return folding.build(m, b, weight, bias);
    },
  };
}

/** The layer again, all attributes kept but those that `without` names. */
function again(m: Match, b: Edit, layer: OpPattern, inputs: readonly Value[], without?: string): Value {
  const attrs = new Map([...m.node(layer).attrs].filter(([name]) => name !== without));
  return b.node(layer.opType, inputs, attrs);
}

const intoConv = fold({
  name: 'batch-norm-into-conv',
  summary: 'Conv takes the BatchNormalization that follows it',
  layer: conv,
  layerOf: (m) => convLayer(m.get(W)),
  build: (m, b, weight, bias) => again(m, b, conv, [m.get(x), weight, bias]),
});

const intoConvTranspose = fold({
  name: 'batch-norm-into-conv-transpose',
  summary: 'ConvTranspose takes the BatchNormalization that follows it',
  layer: convTranspose,
  layerOf: (m) => convTransposeLayer(m.get(W), intAttr(m.node(convTranspose), 'group') ?? 1),
  build: (m, b, weight, bias) => again(m, b, convTranspose, [m.get(x), weight, bias]),
});

const intoGemm = fold({
  name: 'batch-norm-into-gemm',
  summary: 'Gemm takes the BatchNormalization that follows it',
  minOpset: 7,
  layer: gemm,
  layerOf: (m) => matrixLayer(m.get(W), intAttr(m.node(gemm), 'transB') === 1),
  biasFactor: (m) => floatAttr(m.node(gemm), 'beta') ?? 1,
  build: (m, b, weight, bias) => again(m, b, gemm, [m.get(x), weight, bias], 'beta'),
});

const intoMatMul = fold({
  name: 'batch-norm-into-matmul',
  summary: 'MatMul of matrices, with a bias or without, and the BatchNormalization that follows it become Gemm',
  minOpset: 7,
  layer: oneOf(product, op.Add(product, b0)),
  layerOf: (m) => matrixLayer(m.get(W), false),
  check: (m) => {
    const rank = m.shape(x)?.length;
    return rank === 2 && m.get(W).shape.length === 2
      ? ok
      : no(`the product has rank ${rank ?? 'unknown'}, not 2`, m.get(x));
  },
  build: (m, b, weight, bias) => b.node('Gemm', [m.get(x), weight, bias]),
});

/** BatchNormalization in inference disappears into the layer in front of it. */
export const foldBatchNorm: Pass = rulePass({
  name: 'fold-batch-norm',
  summary: 'BatchNormalization goes into the weights of the Conv, ConvTranspose, Gemm or MatMul in front of it',
  semantics: 'equivalent',
  rules: [intoConv, intoConvTranspose, intoGemm, intoMatMul],
});
