import type { Node } from '../ir/node.js';
import { stringAttr } from '../schema/read.js';
import type { Builder, Scope } from './builder.js';
import { normOf } from './lower-norm.js';
import type { NormKind } from './norm-kind.js';
import { type OpKind, scalarOf, tensorOf, type Val } from './view.js';

type Operands = readonly (Val | undefined)[];

interface Lowering {
  readonly builder: Builder;
  readonly node: Node;
  readonly inputs: Operands;
  readonly scope: Scope;
}

/** Adds the parts of an operator that does several things at once; gives `false` for others. */
export function lowerFused(builder: Builder, node: Node, inputs: Operands, scope: Scope): boolean {
  const cx: Lowering = { builder, node, inputs, scope };
  const skip = SKIP_NORMS.get(node.op);
  const linear = LINEAR.get(node.op);
  const renamed = OPERANDS.get(node.op);
  const sums = SUMS.get(node.op);
  if (skip) lowerSkipNorm(cx, skip);
  else if (linear) lowerLinear(cx, linear);
  else if (sums) lowerSum(cx, sums);
  else if (renamed) lowerRenamed(cx, renamed);
  else if (node.op === 'com.microsoft.EmbedLayerNormalization') lowerEmbed(cx);
  else if (node.op === 'com.microsoft.QLinearConcat') lowerQuantizedConcat(cx);
  else return false;
  return true;
}

interface SkipNorm {
  readonly kind: NormKind;
  /** Places of the operands that are added. */
  readonly add: readonly number[];
  readonly parameters: readonly number[];
  /** Place of the output that gives the sum. */
  readonly sum: number;
}

const SKIP_NORMS: ReadonlyMap<string, SkipNorm> = new Map<string, SkipNorm>([
  ['com.microsoft.SkipLayerNormalization', { kind: 'layer', add: [0, 1, 4], parameters: [2, 3], sum: 3 }],
  ['com.microsoft.SkipSimplifiedLayerNormalization', { kind: 'rms', add: [0, 1, 3], parameters: [2], sum: 3 }],
  ['com.microsoft.SkipGroupNorm', { kind: 'group', add: [0, 3, 4], parameters: [1, 2], sum: 1 }],
]);

function lowerSkipNorm({ builder, node, inputs, scope }: Lowering, spec: SkipNorm): void {
  const operands = pick(inputs, spec.add);
  const like = inputs[0];
  const signs = operands.map(() => 1);
  const sum = builder.add(node, scope, {
    kind: 'add',
    type: 'Add',
    inputs: operands,
    signs,
    gives: node.outputs[spec.sum],
    like,
  });
  const norm = normOf(node, spec.kind, pick(inputs, spec.parameters));
  builder.add(node, scope, { kind: 'norm', inputs: [sum], norm, gives: node.outputs[0], like });
  leaves({ builder, node, inputs, scope });
}

interface Linear {
  /** Places of the operands of the product. */
  readonly product: readonly number[];
  /** Place of what is added to it. */
  readonly addend?: number;
  readonly type: string;
}

const LINEAR: ReadonlyMap<string, Linear> = new Map<string, Linear>([
  ['Gemm', { product: [0, 1], addend: 2, type: 'Gemm' }],
  ['com.microsoft.FusedGemm', { product: [0, 1], addend: 2, type: 'Gemm' }],
  ['com.microsoft.GemmFastGelu', { product: [0, 1], type: 'MatMul' }],
  ['com.microsoft.FusedConv', { product: [0, 1], addend: 3, type: 'Conv' }],
  ['com.microsoft.nchwc.Conv', { product: [0, 1], addend: 3, type: 'Conv' }],
  ['com.microsoft.NhwcFusedConv', { product: [0, 1], addend: 3, type: 'Conv' }],
  ['com.microsoft.FusedMatMulActivation', { product: [0, 1], type: 'MatMul' }],
  ['com.microsoft.QGemm', { product: [0, 3], type: 'Gemm' }],
]);

function lowerLinear(cx: Lowering, spec: Linear): void {
  const { builder, node, inputs, scope } = cx;
  const addend = spec.addend === undefined ? undefined : inputs[spec.addend];
  const activation = stringAttr(node, 'activation') ?? (node.opType === 'GemmFastGelu' ? 'Gelu' : '');
  const sums = addend !== undefined && !addend.constant;
  const gives = node.outputs[0];
  const product = { kind: 'mix', type: spec.type, inputs: pick(inputs, spec.product) } as const;
  let at = builder.add(node, scope, { ...product, gives: sums || activation !== '' ? undefined : gives, like: addend });
  if (sums) {
    const last = activation === '' ? gives : undefined;
    at = builder.add(node, scope, {
      kind: 'add',
      type: 'Add',
      inputs: [at, addend],
      signs: [1, 1],
      gives: last,
      like: addend,
    });
  }
  if (activation !== '') builder.add(node, scope, { kind: 'pointwise', type: activation, inputs: [at], gives });
}

/** Operators that add several operands and do nothing else, with the places of these. */
const SUMS: ReadonlyMap<string, readonly number[]> = new Map([
  ['com.microsoft.QLinearAdd', [0, 3]],
  ['com.microsoft.BiasAdd', [0, 1, 2]],
  ['com.microsoft.BiasDropout', [0, 1, 2]],
  ['com.microsoft.BitmaskBiasDropout', [0, 1, 2]],
]);

function lowerSum(cx: Lowering, places: readonly number[]): void {
  const operands = pick(cx.inputs, places);
  const signs = operands.map(() => 1);
  cx.builder.add(cx.node, cx.scope, { kind: 'add', type: 'Add', inputs: operands, signs, gives: cx.node.outputs[0] });
  leaves(cx);
}

interface Renamed {
  readonly kind: OpKind;
  readonly type: string;
  readonly operands: readonly number[];
}

const renamed = (kind: OpKind, type: string, ...operands: readonly number[]): Renamed => ({ kind, type, operands });

/** Operators that are another one but for scales and zero points among their operands. */
const OPERANDS: ReadonlyMap<string, Renamed> = new Map<string, Renamed>([
  ['QLinearConv', renamed('mix', 'Conv', 0, 3)],
  ['com.microsoft.QLinearConv', renamed('mix', 'Conv', 0, 3)],
  ['QLinearMatMul', renamed('mix', 'MatMul', 0, 3)],
  ['com.microsoft.QLinearMul', renamed('mul', 'Mul', 0, 3)],
  ['com.microsoft.QLinearSigmoid', renamed('pointwise', 'Sigmoid', 0)],
  ['com.microsoft.QLinearLeakyRelu', renamed('pointwise', 'LeakyRelu', 0)],
  ['com.microsoft.QLinearAveragePool', renamed('pool', 'AveragePool', 0)],
  ['com.microsoft.QLinearGlobalAveragePool', renamed('pool', 'GlobalAveragePool', 0)],
  ['com.microsoft.QLinearReduceMean', renamed('reduce', 'ReduceMean', 0)],
  ['com.microsoft.QLinearSoftmax', renamed('softmax', 'Softmax', 0)],
  ['MatMulInteger', renamed('mix', 'MatMul', 0, 1)],
  ['ConvInteger', renamed('mix', 'Conv', 0, 1)],
  ['com.microsoft.MatMulIntegerToFloat', renamed('mix', 'MatMul', 0, 1)],
  ['com.microsoft.DynamicQuantizeMatMul', renamed('mix', 'MatMul', 0, 1)],
  ['com.microsoft.QAttention', renamed('mix', 'Attention', 0, 1)],
  ['com.microsoft.BiasGelu', renamed('pointwise', 'Gelu', 0)],
  ['com.microsoft.FastGelu', renamed('pointwise', 'Gelu', 0)],
  ['com.microsoft.BiasSplitGelu', renamed('other', 'SplitGelu', 0)],
]);

function lowerRenamed({ builder, node, inputs, scope }: Lowering, spec: Renamed): void {
  const operands = pick(inputs, spec.operands);
  const clipped = node.opType === 'QLinearConv' && isLeast(inputs[7]);
  const gives = clipped ? [undefined] : node.outputs;
  const made = builder.addMany(node, scope, { kind: spec.kind, type: spec.type, inputs: operands }, gives);
  if (clipped) builder.add(node, scope, { kind: 'pointwise', type: 'Relu', inputs: made, gives: node.outputs[0] });
}

/** Whether a zero point is the least number of its type: what is below zero is cut off, as by a Relu that quantization took away. */
export function isLeast(zeroPoint: Val | undefined): boolean {
  const dtype = tensorOf(zeroPoint)?.dtype;
  const value = scalarOf(zeroPoint);
  return (dtype === 'uint8' && value === 0) || (dtype === 'int8' && value === -128);
}

/** Embeddings and their norm: inputs are ids, ids of segments, tables, gamma, beta. */
function lowerEmbed(cx: Lowering): void {
  const { builder, node, inputs, scope } = cx;
  const ids = [inputs[0], inputs[1], inputs[2]];
  const sum = builder.add(node, scope, { kind: 'move', type: 'Gather', inputs: ids, gives: node.outputs[2] });
  const norm = normOf(node, 'layer', pick(inputs, [5, 6]));
  builder.add(node, scope, { kind: 'norm', inputs: [sum], norm, gives: node.outputs[0] });
  leaves(cx);
}

/** Operands come in threes after the scale and zero point of the result: tensor, scale, zero point. */
function lowerQuantizedConcat({ builder, node, inputs, scope }: Lowering): void {
  const parts = inputs.filter((_, index) => index >= 2 && index % 3 === 2);
  builder.add(node, scope, { kind: 'concat', type: 'Concat', inputs: parts, gives: node.outputs[0] });
}

/** Outputs that no part gives (statistics, masks) are of no interest. */
function leaves({ builder, node, scope }: Lowering): void {
  for (const value of node.outputs) if (!scope.values.has(value)) scope.values.set(value, builder.leaf(value, true));
}

function pick(inputs: Operands, places: readonly number[]): Val[] {
  return places.flatMap((place) => inputs[place] ?? []);
}
