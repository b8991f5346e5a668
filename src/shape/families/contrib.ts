import { type Dim, add, divideExact, floorDiv, mul, sub } from '../../dim/dim.js';
import type { Shape } from '../../ir/type.js';
import { like } from '../like.js';
import type { Family, Infer, NodeContext } from '../context.js';
import { broadcastInputs } from './elementwise.js';

function halved(shape: Shape | undefined): Shape | undefined {
  return shape && [...shape.slice(0, -1), divideExact(shape.at(-1) ?? null, 2)];
}

/** com.microsoft.BiasSplitGelu 1: `[…, D / 2]` of X `[…, D]`. */
const biasSplitGelu: Infer = (cx) => cx.output(0, halved(cx.shape(0)));

/** com.microsoft.SwiGLU 1: as gate; `[…, D / 2]` where `up` is packed into gate `[…, D]`. */
const swiGlu: Infer = (cx) => cx.output(0, cx.has(1) ? cx.shape(0) : halved(cx.shape(0)));

/** com.microsoft.ComplexMul 1, ComplexMulConj 1: what the operands broadcast to. */
const broadcast: Infer = (cx) => cx.output(0, broadcastInputs(cx, [0, 1]));

/** com.microsoft.ExpandDims 1: X with an axis of 1 put in at input `axis`. */
const expandDims: Infer = (cx) => {
  const x = cx.shape(0);
  const given = cx.scalar(1);
  if (x === undefined) return;
  const axis = typeof given === 'number' ? cx.axis(given, x.length + 1) : undefined;
  cx.output(0, axis === undefined ? [null, ...x.map(() => null)] : [...x.slice(0, axis), 1, ...x.slice(axis)]);
};

/** com.microsoft.TorchEmbedding 1: `[…indices, D]` with weight `[V, D]`. */
const torchEmbedding: Infer = (cx) => {
  const indices = cx.shape(1);
  cx.output(0, indices && [...indices, cx.shape(0)?.[1] ?? null]);
};

/** com.microsoft.UnfoldTensor 1: the axis `dim` has `floor((d - size) / step) + 1` windows, whose `size` is a new last axis. */
const unfold: Infer = (cx) => {
  const x = cx.shape(0);
  const axis = x && cx.axis(cx.int('dim') ?? -1, x.length);
  if (x === undefined || axis === undefined) return;
  const size = cx.int('size') ?? null;
  const windows = add(floorDiv(sub(x[axis] ?? null, size), cx.int('step') ?? 1), 1);
  cx.output(0, [...x.map((dim, at) => (at === axis ? windows : dim)), size]);
};

/** com.microsoft.Unique 1: `[u]`, `[N]`, `[u]` of X `[N]`, u the number of different elements, which is data. */
const unique: Infer = (cx) => {
  const count = cx.fresh();
  cx.output(0, [count]);
  cx.output(1, cx.shape(0));
  cx.output(2, [count]);
};

/** com.microsoft.GreedySearch 1, Sampling 1: sequences `[B, max_length]`; filtered_logits `[B, vocab_size]`. */
const greedySearch: Infer = (cx) => {
  const batch = cx.shape(0)?.[0] ?? null;
  cx.output(0, [batch, cx.scalar(1)]);
  if (cx.outputCount > 1) cx.output(1, [batch, vocabulary(cx)]);
};

/** The attribute `vocab_size`, which is unknown at its default -1. */
function vocabulary(cx: NodeContext): Dim {
  const size = cx.int('vocab_size') ?? -1;
  return size > 0 ? size : null;
}

/**
 * com.microsoft.BeamSearch 1, WhisperBeamSearch 1: sequences `[B, num_return_sequences, max_length]`, their scores
 * `[B, num_return_sequences]`, scores of the steps `[steps, B, num_beams, vocab_size]`.
 */
const beamSearch: Infer = (cx) => {
  const batch = cx.shape(0)?.[0] ?? null;
  cx.output(0, [batch, cx.scalar(4), cx.scalar(1)]);
  if (cx.outputCount > 1) cx.output(1, [batch, cx.scalar(4)]);
  if (cx.outputCount > 2) cx.output(2, [null, batch, cx.scalar(3), vocabulary(cx)]);
};

/** com.microsoft.DynamicTimeWarping 1: `[2, u]`, u the length of the path, which is data. */
const dynamicTimeWarping: Infer = (cx) => cx.output(0, [2, null]);

/** com.microsoft.LinearAttentionGate 1: decay as a, beta as b. */
const linearAttentionGate: Infer = (cx) => {
  cx.output(0, cx.shape(0));
  if (cx.outputCount > 1) cx.output(1, cx.shape(3));
};

/** com.microsoft.VarlenCausalConvWithState 1: output as input, final_state as initial_state. */
const varlenConvolution: Infer = (cx) => {
  cx.output(0, cx.shape(0));
  cx.output(1, cx.shape(4));
};

/** com.microsoft.BifurcationDetector 1: tokens `[u]`; suffix_match_idx is a scalar, as what came in. */
const bifurcationDetector: Infer = (cx) => {
  cx.output(0, [null]);
  cx.output(1, cx.shape(2));
};

/** com.ms.internal.nhwc.DepthToSpace 1-28: `[N, H * b, W * b, C / b²]` of `[N, H, W, C]`. */
const depthToSpace: Infer = (cx) => {
  const [n, h, w, c] = cx.shapeOfRank(0, 4) ?? [];
  const block = cx.int('blocksize') ?? null;
  cx.output(0, [n ?? null, mul(h ?? null, block), mul(w ?? null, block), divideExact(c ?? null, mul(block, block))]);
};

/** com.ms.internal.nhwc.SpaceToDepth 1-28: `[N, H / b, W / b, C * b²]` of `[N, H, W, C]`. */
const spaceToDepth: Infer = (cx) => {
  const [n, h, w, c] = cx.shapeOfRank(0, 4) ?? [];
  const block = cx.int('blocksize') ?? null;
  const [height, width] = [divideExact(h ?? null, block), divideExact(w ?? null, block)];
  cx.output(0, [n ?? null, height, width, mul(c ?? null, mul(block, block))]);
};

/** com.microsoft.nchwc.ReorderInput 1: `[N, C', H, W]`, C' being C rounded up to the blocks of the machine. */
const reorderInput: Infer = (cx) => {
  const x = cx.shape(0);
  const spatial = cx.int('channels_last') === 1 ? x?.slice(1, -1) : x?.slice(2);
  cx.output(0, spatial && [x?.[0] ?? null, null, ...spatial]);
};

/** com.microsoft.nchwc.ReorderOutput 1: `[N, channels, H, W]`, or `[N, H, W, channels]` with `channels_last`. */
const reorderOutput: Infer = (cx) => {
  const x = cx.shape(0);
  const channels = cx.int('channels') ?? null;
  if (x === undefined) return;
  const [batch, spatial] = [x[0] ?? null, x.slice(2)];
  cx.output(0, cx.int('channels_last') === 1 ? [batch, ...spatial, channels] : [batch, channels, ...spatial]);
};

const SHAPED_AS_FIRST = 'GatedAdd Inverse MoE MoEPacked QMoE'.split(' ');

/** Operators of onnxruntime's own domains that are in no other family. */
export const CONTRIB: Family = {
  ...Object.fromEntries(SHAPED_AS_FIRST.map((op) => [`com.microsoft.${op}`, like()])),
  'com.microsoft.BeamSearch': beamSearch,
  'com.microsoft.BiasSplitGelu': biasSplitGelu,
  'com.microsoft.BifurcationDetector': bifurcationDetector,
  'com.microsoft.ComplexMul': broadcast,
  'com.microsoft.ComplexMulConj': broadcast,
  'com.microsoft.ConvStateReplay': like(2),
  'com.microsoft.DynamicTimeWarping': dynamicTimeWarping,
  'com.microsoft.ExpandDims': expandDims,
  'com.microsoft.GatedDeltaNetStateReplay': like(2),
  'com.microsoft.GreedySearch': greedySearch,
  'com.microsoft.HyperConnectionPostMix': like(),
  'com.microsoft.LinearAttentionGate': linearAttentionGate,
  'com.microsoft.NGramRepeatBlock': like(1),
  'com.microsoft.Sampling': greedySearch,
  'com.microsoft.SwiGLU': swiGlu,
  'com.microsoft.TorchEmbedding': torchEmbedding,
  'com.microsoft.UnfoldTensor': unfold,
  'com.microsoft.Unique': unique,
  'com.microsoft.VarlenCausalConvWithState': varlenConvolution,
  'com.microsoft.WhisperBeamSearch': beamSearch,
  'com.microsoft.nchwc.ReorderInput': reorderInput,
  'com.microsoft.nchwc.ReorderOutput': reorderOutput,
  'com.ms.internal.nhwc.DepthToSpace': depthToSpace,
  'com.ms.internal.nhwc.SpaceToDepth': spaceToDepth,
};
