import { ceilDiv, product } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import type { DType } from '../../tensor/dtype.js';
import { like } from '../like.js';
import type { Family, Infer, NodeContext } from '../context.js';

/**
 * BatchNormalization 1-15: Y as X; the optional statistics (running, and saved ones before 14) as mean and variance, `[C]` with X
 * `[N, C, …]`. Channels-last kinds have C last.
 */
function batchNormalization(channelsLast: boolean): Infer {
  return (cx) => {
    const x = cx.shape(0);
    const channel = channelsLast ? x?.at(-1) : (x?.[1] ?? (x?.length === 1 ? 1 : undefined));
    const spatial = cx.int('spatial') !== 0;
    const perChannel = spatial ? channel : undefined;
    for (const [input, name] of ['scale', 'B', 'mean', 'variance'].entries()) {
      const shape = cx.shape(input + 1);
      if (shape?.length === 1 && perChannel !== undefined)
        cx.unify(perChannel, shape[0] ?? null, `channels and ${name}`);
    }
    cx.output(0, x);
    const statistics = cx.shape(3) ?? cx.shape(4) ?? (spatial ? [channel ?? null] : undefined);
    for (let i = 1; i < cx.outputCount; i++) cx.output(i, statistics);
  };
}

/** The element type that `stash_type` names: 1 is float32, 16 bfloat16. */
function stashed(cx: NodeContext): DType {
  return cx.int('stash_type') === 16 ? 'bfloat16' : 'float32';
}

/** `[d_0 … d_(axis-1), 1 … 1]`. */
function statisticsShape(cx: NodeContext, x: Shape | undefined): Shape | undefined {
  const axis = x && cx.axis(cx.int('axis') ?? -1, x.length);
  return axis === undefined ? undefined : x?.map((size, at) => (at < axis ? size : 1));
}

/**
 * LayerNormalization 17, also where an older opset is imported, SimplifiedLayerNormalization 1, com.microsoft.QOrderedLayerNormalization 1:
 * Y as X; Mean and InvStdDev `[d_0 … d_(axis-1), 1 … 1]`, of the type that `stash_type` names.
 */
const layerNormalization: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, x, cx.outputDType(0) ?? cx.dtype(1) ?? cx.dtype(0));
  if (cx.outputCount < 2) return;
  const statistics = statisticsShape(cx, x);
  for (let i = 1; i < cx.outputCount; i++) cx.output(i, statistics, stashed(cx));
};

/**
 * com.microsoft.SkipLayerNormalization 1, SkipSimplifiedLayerNormalization 1: output and sum as input `[B, S, D]`,
 * mean and inverse deviation `[B, S, 1]`.
 */
const skipLayerNormalization: Infer = (cx) => {
  const x = cx.shape(0);
  const width = cx.shape(2)?.[0];
  if (x !== undefined && width !== undefined) cx.unify(x.at(-1) ?? null, width, 'last axis and gamma');
  cx.output(0, x);
  const statistics = x && [...x.slice(0, -1), 1];
  for (const i of [1, 2]) if (cx.outputCount > i) cx.output(i, statistics);
  if (cx.outputCount > 3) cx.output(3, x);
};

/** Every output as input 0. */
const likeAll: Infer = (cx) => {
  for (let i = 0; i < cx.outputCount; i++) cx.output(i, cx.shape(0));
};

/**
 * com.microsoft.EmbedLayerNormalization 1: output and sum `[B, S, D]` with input_ids `[B, S]` and word_embedding `[V, D]`,
 * mask_index `[B]`. QEmbedLayerNormalization 1: the same.
 */
const embedLayerNormalization: Infer = (cx) => {
  const ids = cx.shape(0);
  const output = ids && [...ids, cx.shape(2)?.[1] ?? null];
  cx.output(0, output);
  if (cx.outputCount > 1) cx.output(1, [ids?.[0] ?? null]);
  if (cx.outputCount > 2) cx.output(2, cx.outputShape(0));
};

/** com.microsoft.BitmaskDropout 1, BitmaskBiasDropout 1: output as data; mask `[ceil(elements / 32)]`, one bit each. */
const bitmaskDropout: Infer = (cx) => {
  const x = cx.shape(0);
  cx.output(0, x);
  if (cx.outputCount > 1) cx.output(1, [x === undefined ? null : ceilDiv(product(x), 32)]);
};

/** Output as input 0; RMSNormalization 23 is of the type of its scale. */
const same = like();

export const NORMALIZATION: Family = {
  BatchNormalization: batchNormalization(false),
  GroupNormalization: same,
  InstanceNormalization: same,
  LRN: same,
  LayerNormalization: layerNormalization,
  LpNormalization: same,
  MeanVarianceNormalization: same,
  RMSNormalization: same,
  SimplifiedLayerNormalization: layerNormalization,
  'com.microsoft.BiasAdd': same,
  'com.microsoft.BiasDropout': likeAll,
  'com.microsoft.BitmaskBiasDropout': bitmaskDropout,
  'com.microsoft.BitmaskDropout': bitmaskDropout,
  'com.microsoft.BranchwiseRMSNorm': same,
  'com.microsoft.EmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.GatedRMSNorm': same,
  'com.microsoft.GroupNorm': same,
  'com.microsoft.QEmbedLayerNormalization': embedLayerNormalization,
  'com.microsoft.QOrderedLayerNormalization': same,
  'com.microsoft.SimplifiedLayerNormalization': layerNormalization,
  'com.microsoft.SkipGroupNorm': likeAll,
  'com.microsoft.SkipLayerNormalization': skipLayerNormalization,
  'com.microsoft.SkipSimplifiedLayerNormalization': skipLayerNormalization,
  'com.ms.internal.nhwc.BatchNormalization': batchNormalization(true),
  'com.ms.internal.nhwc.InstanceNormalization': same,
  'com.ms.internal.nhwc.LRN': same,
};
