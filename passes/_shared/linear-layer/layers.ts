import {
  any,
  constant,
  type Edit,
  floatAttr,
  intAttr,
  type Match,
  oneOf,
  op,
  type OpPattern,
  optional,
  type Pat,
  type Value,
} from '#core';
import { type Channels, convChannels, convTransposeChannels, matrixChannels } from './channels.js';

/** What a layer reads. The bias is any value: see {@link biasNumbers}. */
export const input = any('input');
export const weight = constant('weight');
export const bias = any('bias of the layer');

/** New values for weight and bias of a layer; the bias is absent where there is none and none is needed. */
export interface Parameters {
  readonly weight: Value;
  readonly bias: Value | undefined;
}

/** One kind of linear layer with a constant weight. */
export interface LayerKind {
  /** As part of rule names: `conv`. */
  readonly name: string;
  readonly summary: string;
  readonly minOpset?: number;
  readonly pattern: Pat;
  channels(m: Match): Channels;
  /** Axis of the output channels and rank of the output. */
  output(m: Match): { readonly axis: number; readonly rank: number };
  /** Whether a bias can be added where there is none. */
  takesBias(m: Match): boolean;
  /** What the layer multiplies its bias by. */
  biasFactor(m: Match): number;
  build(m: Match, b: Edit, parameters: Parameters): Value;
}

/** The same call with other parameters; attributes are kept but those that `without` names. */
function again(m: Match, b: Edit, call: OpPattern, parameters: Parameters, without?: string): Value {
  const attrs = new Map([...m.node(call).attrs].filter(([name]) => name !== without));
  return b.node(call.opType, [m.get(input), parameters.weight, parameters.bias], attrs);
}

const convCall = op.Conv(input, weight, optional(bias));

const conv: LayerKind = {
  name: 'conv',
  summary: 'Conv',
  pattern: convCall,
  channels: (m) => convChannels(m.get(weight)),
  output: (m) => ({ axis: 1, rank: m.get(weight).shape.length }),
  takesBias: () => true,
  biasFactor: () => 1,
  build: (m, b, parameters) => again(m, b, convCall, parameters),
};

const convTransposeCall = op.ConvTranspose(input, weight, optional(bias));

const convTranspose: LayerKind = {
  ...conv,
  name: 'conv-transpose',
  summary: 'ConvTranspose',
  pattern: convTransposeCall,
  channels: (m) => convTransposeChannels(m.get(weight), intAttr(m.node(convTransposeCall), 'group') ?? 1),
  build: (m, b, parameters) => again(m, b, convTransposeCall, parameters),
};

const gemmCall = op.Gemm(input, weight, optional(bias));

const gemm: LayerKind = {
  name: 'gemm',
  summary: 'Gemm',
  minOpset: 7,
  pattern: gemmCall,
  channels: (m) => matrixChannels(m.get(weight), intAttr(m.node(gemmCall), 'transB') === 1),
  output: () => ({ axis: 1, rank: 2 }),
  takesBias: () => true,
  biasFactor: (m) => floatAttr(m.node(gemmCall), 'beta') ?? 1,
  build: (m, b, parameters) => again(m, b, gemmCall, parameters, 'beta'),
};

const product = op.MatMul(input, weight);

/** MatMul by a matrix, with a bias behind it or without: one Gemm where it multiplies matrices and has a bias. */
const matmul: LayerKind = {
  name: 'matmul',
  summary: 'MatMul by a matrix',
  minOpset: 7,
  pattern: oneOf(product, op.Add(product, bias)),
  channels: (m) => matrixChannels(m.get(weight), false),
  output(m) {
    const rank = m.shape(input)?.length ?? 1;
    return { axis: rank - 1, rank };
  },
  takesBias: (m) => m.shape(input)?.length === 2 && m.root.opType !== 'Add', // what an Add becomes with it is fuse-gemm's
  biasFactor: () => 1,
  build(m, b, parameters) {
    const x = m.get(input);
    if (parameters.bias && m.shape(input)?.length === 2) return b.node('Gemm', [x, parameters.weight, parameters.bias]);
    const made = b.node('MatMul', [x, parameters.weight]);
    return parameters.bias ? b.node('Add', [made, parameters.bias]) : made;
  },
};

/** Every kind of layer that weights can be folded into. */
export const LAYER_KINDS: readonly LayerKind[] = [conv, convTranspose, gemm, matmul];
