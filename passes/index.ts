import type { AnyPass } from '../src/pass/run.js';
import { eliminateCommonSubexpressions } from './eliminate-common-subexpressions/index.js';
import { eliminateDead } from './eliminate-dead/index.js';
import { foldConstants } from './fold-constants/index.js';
import { liftConstants } from './lift-constants/index.js';
import { shareConstants } from './share-constants/index.js';

/** Every pass, by name. Order of work lives in presets.ts. */
export const PASSES: readonly AnyPass[] = [
  eliminateCommonSubexpressions,
  eliminateDead,
  foldConstants,
  liftConstants,
  shareConstants,
];

/** The pass of this name. */
export function findPass(name: string): AnyPass | undefined {
  return PASSES.find((pass) => pass.name === name);
}
