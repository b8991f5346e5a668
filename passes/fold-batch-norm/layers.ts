import type { Tensor } from '#core';

/** How the weights of a layer relate to its output channels. */
export interface Layer {
  readonly channels: number;
  /** Output channel that the weight at a row-major index belongs to. */
  readonly channelOf: (index: number) => number;
}

/** A weight `[M, C/group, ...]`. */
export function convLayer(weight: Tensor): Layer {
  const channels = weight.shape[0] ?? 0;
  const each = weight.size / channels;
  return { channels, channelOf: (index) => Math.floor(index / each) };
}

/** A weight `[C, M/group, ...]`: the input channels of one group share its output channels. */
export function convTransposeLayer(weight: Tensor, group: number): Layer {
  const [inputs = 0, perGroup = 0] = weight.shape;
  const kernel = weight.size / (inputs * perGroup);
  const channelOf = (index: number): number => {
    const row = Math.floor(index / kernel);
    const inGroup = Math.floor(Math.floor(row / perGroup) / (inputs / group));
    return inGroup * perGroup + (row % perGroup);
  };
  return { channels: perGroup * group, channelOf };
}

/** A weight `[K, N]`, or `[N, K]` when it is transposed. */
export function matrixLayer(weight: Tensor, transposed: boolean): Layer {
  const [rows = 0, columns = 0] = weight.shape;
  if (transposed) return { channels: rows, channelOf: (index) => Math.floor(index / columns) };
  return { channels: columns, channelOf: (index) => index % columns };
}
