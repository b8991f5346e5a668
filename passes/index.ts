import type { AnyPass } from '../src/pass/run.js';
import { eliminateCommonSubexpressions } from './eliminate-common-subexpressions/index.js';
import { eliminateDead } from './eliminate-dead/index.js';
import { eliminateNoOps } from './eliminate-no-ops/index.js';
import { foldConstants } from './fold-constants/index.js';
import { foldShapes } from './fold-shapes/index.js';
import { fuseLayerNorm } from './fuse-layer-norm/index.js';
import { liftConstants } from './lift-constants/index.js';
import { mergeChains } from './merge-chains/index.js';
import { shareConstants } from './share-constants/index.js';

/** Every pass, by name. Order of work lives in presets.ts. */
export const PASSES: readonly AnyPass[] = [
  eliminateCommonSubexpressions,
  eliminateDead,
  eliminateNoOps,
  foldConstants,
  foldShapes,
  fuseLayerNorm,
  liftConstants,
  mergeChains,
  shareConstants,
];

/** The pass of this name. */
export function findPass(name: string): AnyPass | undefined {
  return PASSES.find((pass) => pass.name === name);
}
