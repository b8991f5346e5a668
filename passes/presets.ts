import { Pipeline } from '../src/pass/pipeline.js';
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

/** What leaves each operator as it is and takes away those that are not needed. */
const clean: readonly AnyPass[] = [
  foldCastLike,
  foldConstants,
  simplifyControlFlow,
  eliminateSequences,
  eliminateNoOps,
  eliminateQuantization,
  foldShapes,
  simplifyEinsum,
  mergeChains,
  mergeArithmetic,
  shareConstants,
  eliminateCommonSubexpressions,
  eliminateDead,
];

/** What makes one operator of several. */
const fuse: readonly AnyPass[] = [
  fuseLayerNorm,
  fuseAxesNorm,
  fuseGelu,
  fuseHardSwish,
  fuseActivations,
  fuseRmsNorm,
  fuseRotaryEmbedding,
  fuseAttention,
  fuseReductions,
  foldPad,
  foldSlice,
  foldBatchNorm,
  foldAffine,
  foldPrecedingScale,
  fuseGemm,
];

/** What `optimize` runs. One sweep does nearly everything; the fixpoints catch what a rewrite uncovers. */
export const optimizePipeline: Pipeline = new Pipeline()
  .run(eliminateDead)
  .run(correctTypes)
  .run(inlineFunctions)
  .run(liftConstants)
  .toFixpoint(clean, { max: 10 })
  .run(raiseOpset)
  .toFixpoint([...fuse, ...clean, mergeParallel, mergeSelections, sinkTransposes], { max: 10 })
  .run(mergeSums)
  .run(mergeProjections)
  .run(flattenRows)
  .toFixpoint([foldBatchNorm, mergeParallel, eliminateNoOps, mergeChains], { max: 3 })
  .run(fuseRuntimeOperators);
