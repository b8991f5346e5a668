import { Pipeline } from '../src/pass/pipeline.js';
import { eliminateCommonSubexpressions } from './eliminate-common-subexpressions/index.js';
import { eliminateDead } from './eliminate-dead/index.js';
import { eliminateNoOps } from './eliminate-no-ops/index.js';
import { foldConstants } from './fold-constants/index.js';
import { foldShapes } from './fold-shapes/index.js';
import { fuseLayerNorm } from './fuse-layer-norm/index.js';
import { liftConstants } from './lift-constants/index.js';
import { mergeChains } from './merge-chains/index.js';
import { shareConstants } from './share-constants/index.js';

/** What `optimize` runs. One sweep does nearly everything; the fixpoint catches what a rewrite uncovers. */
export const optimizePipeline: Pipeline = new Pipeline()
  .run(eliminateDead)
  .run(liftConstants)
  .toFixpoint(
    [
      foldConstants,
      eliminateNoOps,
      foldShapes,
      mergeChains,
      shareConstants,
      eliminateCommonSubexpressions,
      eliminateDead,
    ],
    { max: 10 },
  )
  .run(fuseLayerNorm);
