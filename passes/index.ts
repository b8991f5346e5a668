import type { AnyPass } from '../src/pass/run.js';
import { correctTypes } from './correct-types/index.js';
import { eliminateCommonSubexpressions } from './eliminate-common-subexpressions/index.js';
import { eliminateDead } from './eliminate-dead/index.js';
import { eliminateNoOps } from './eliminate-no-ops/index.js';
import { eliminateQuantization } from './eliminate-quantization/index.js';
import { eliminateSequences } from './eliminate-sequences/index.js';
import { flattenRows } from './flatten-rows/index.js';
import { foldAffine } from './fold-affine/index.js';
import { foldBatchNorm } from './fold-batch-norm/index.js';
import { foldCastLike } from './fold-cast-like/index.js';
import { foldConstants } from './fold-constants/index.js';
import { foldPad } from './fold-pad/index.js';
import { foldPrecedingScale } from './fold-preceding-scale/index.js';
import { foldShapes } from './fold-shapes/index.js';
import { foldSlice } from './fold-slice/index.js';
import { fuseActivations } from './fuse-activations/index.js';
import { fuseAttention } from './fuse-attention/index.js';
import { fuseAxesNorm } from './fuse-axes-norm/index.js';
import { fuseGelu } from './fuse-gelu/index.js';
import { fuseGemm } from './fuse-gemm/index.js';
import { fuseHardSwish } from './fuse-hard-swish/index.js';
import { fuseLayerNorm } from './fuse-layer-norm/index.js';
import { fuseReductions } from './fuse-reductions/index.js';
import { fuseRmsNorm } from './fuse-rms-norm/index.js';
import { fuseRotaryEmbedding } from './fuse-rotary-embedding/index.js';
import { fuseRuntimeOperators } from './fuse-runtime-operators/index.js';
import { inlineFunctions } from './inline-functions/index.js';
import { liftConstants } from './lift-constants/index.js';
import { mergeArithmetic } from './merge-arithmetic/index.js';
import { mergeChains } from './merge-chains/index.js';
import { mergeParallel } from './merge-parallel/index.js';
import { mergeSelections } from './merge-selections/index.js';
import { mergeProjections } from './merge-projections/index.js';
import { mergeSums } from './merge-sums/index.js';
import { raiseOpset } from './raise-opset/index.js';
import { shareConstants } from './share-constants/index.js';
import { simplifyControlFlow } from './simplify-control-flow/index.js';
import { simplifyEinsum } from './simplify-einsum/index.js';
import { sinkTransposes } from './sink-transposes/index.js';

/** Every pass, by name. Order of work lives in presets.ts. */
export const PASSES: readonly AnyPass[] = [
  correctTypes,
  eliminateCommonSubexpressions,
  eliminateDead,
  eliminateNoOps,
  eliminateQuantization,
  eliminateSequences,
  flattenRows,
  foldAffine,
  foldBatchNorm,
  foldCastLike,
  foldConstants,
  foldPad,
  foldPrecedingScale,
  foldShapes,
  foldSlice,
  fuseActivations,
  fuseAttention,
  fuseAxesNorm,
  fuseGelu,
  fuseGemm,
  fuseHardSwish,
  fuseLayerNorm,
  fuseReductions,
  fuseRmsNorm,
  fuseRotaryEmbedding,
  fuseRuntimeOperators,
  inlineFunctions,
  liftConstants,
  mergeArithmetic,
  mergeChains,
  mergeParallel,
  mergeProjections,
  mergeSelections,
  mergeSums,
  raiseOpset,
  shareConstants,
  simplifyControlFlow,
  simplifyEinsum,
  sinkTransposes,
];

/** The pass of this name. */
export function findPass(name: string): AnyPass | undefined {
  return PASSES.find((pass) => pass.name === name);
}
