import { any, constant, intAttr, type Match, op, type OpPattern, optional, type Pat, type Tensor } from '#core';

export const input = any('input');
export const weight = constant('weight');
export const bias = any('bias of the layer');

/** Input channels of a layer, and which of them the weight at a row-major index is multiplied by. */
export interface InputChannels {
  readonly count: number;
  readonly channelOf: (index: number) => number;
}

/** A layer that a factor on its input can disappear into. */
export interface Kind {
  readonly opType: string;
  /** The layer that reads `value`. */
  over(value: Pat): OpPattern;
  /** Axis of the input channels, from the end. */
  axisOf(weight: Tensor): number;
  /** The least number of axes that the input has. */
  rankOf(weight: Tensor): number;
  /** `undefined` when the input is transposed. */
  channels(m: Match, layer: OpPattern): InputChannels | undefined;
}

const spatial = {
  axisOf: (tensor: Tensor) => 1 - tensor.shape.length,
  rankOf: (tensor: Tensor) => tensor.shape.length,
};

const conv: Kind = {
  ...spatial,
  opType: 'Conv',
  over: (value) => op.Conv(value, weight, optional(bias)),
  channels(m, layer) {
    const tensor = m.get(weight);
    const group = intAttr(m.node(layer), 'group') ?? 1;
    const [outputs = 0, perGroup = 0] = tensor.shape;
    const kernel = tensor.size / (outputs * perGroup);
    const channelOf = (index: number): number => {
      const row = Math.floor(index / kernel);
      return Math.floor(Math.floor(row / perGroup) / (outputs / group)) * perGroup + (row % perGroup);
    };
    return { count: perGroup * group, channelOf };
  },
};

const convTranspose: Kind = {
  ...spatial,
  opType: 'ConvTranspose',
  over: (value) => op.ConvTranspose(value, weight, optional(bias)),
  channels(m) {
    const tensor = m.get(weight);
    const count = tensor.shape[0] ?? 0;
    return { count, channelOf: (index) => Math.floor(index / (tensor.size / count)) };
  },
};

const gemm: Kind = {
  opType: 'Gemm',
  over: (value) => op.Gemm(value, weight, optional(bias)),
  axisOf: () => -1,
  rankOf: () => 2,
  channels(m, layer) {
    if (intAttr(m.node(layer), 'transA') === 1) return undefined;
    const [rows = 0, columns = 0] = m.get(weight).shape;
    if (intAttr(m.node(layer), 'transB') === 1) return { count: columns, channelOf: (index) => index % columns };
    return { count: rows, channelOf: (index) => Math.floor(index / columns) };
  },
};

const matMul: Kind = {
  opType: 'MatMul',
  over: (value) => op.MatMul(value, weight),
  axisOf: () => -1,
  rankOf: () => 1,
  channels(m) {
    const [rows = 0, columns = 0] = m.get(weight).shape;
    return { count: rows, channelOf: (index) => Math.floor(index / columns) };
  },
};

/** Every kind of layer. */
export const KINDS: readonly Kind[] = [conv, convTranspose, gemm, matMul];
