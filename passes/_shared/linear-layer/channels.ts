import type { Tensor } from '#core';

/** How the weights of a layer relate to its output channels. */
export interface Channels {
  readonly count: number;
  /** Output channel that the weight at a row-major index belongs to. */
  readonly of: (index: number) => number;
}

/** A weight `[M, C/group, ...]`. */
export function convChannels(weight: Tensor): Channels {
  const count = weight.shape[0] ?? 0;
  const each = weight.size / count;
  return { count, of: (index) => Math.floor(index / each) };
}

/** A weight `[C, M/group, ...]`: the input channels of one group share its output channels. */
export function convTransposeChannels(weight: Tensor, group: number): Channels {
  const [inputs = 0, perGroup = 0] = weight.shape;
  const kernel = weight.size / (inputs * perGroup);
  const channelOf = (index: number): number => {
    const row = Math.floor(index / kernel);
    const inGroup = Math.floor(Math.floor(row / perGroup) / (inputs / group));
    return inGroup * perGroup + (row % perGroup);
  };
  return { count: perGroup * group, of: channelOf };
}

/** A weight `[K, N]`, or `[N, K]` when it is transposed. */
export function matrixChannels(weight: Tensor, transposed: boolean): Channels {
  const [rows = 0, columns = 0] = weight.shape;
  if (transposed) return { count: rows, of: (index) => Math.floor(index / columns) };
  return { count: columns, of: (index) => index % columns };
}
