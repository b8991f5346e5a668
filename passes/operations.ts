import type { OperationPass } from '../src/pass/operation.js';
import { concatToAdd } from './concat-to-add/index.js';
import { fold } from './fold/index.js';
import { gate } from './gate/index.js';
import { grow } from './grow/index.js';
import { insertResidual } from './insert-residual/index.js';
import { merge } from './merge/index.js';
import { parallelize } from './parallelize/index.js';
import { prune } from './prune/index.js';
import { removeResidual } from './remove-residual/index.js';
import { replaceNorm } from './replace-norm/index.js';
import { rescale } from './rescale/index.js';
import { rotate } from './rotate/index.js';
import { separateSums } from './separate-sums/index.js';
import { serialize } from './serialize/index.js';
import { setNormPlacement } from './set-norm-placement/index.js';
import { slice } from './slice/index.js';
import { swapNorm } from './swap-norm/index.js';

/** The operations of recipes, by name. */
export const OPERATIONS: readonly OperationPass[] = [
  concatToAdd,
  fold,
  gate,
  grow,
  insertResidual,
  merge,
  parallelize,
  prune,
  removeResidual,
  replaceNorm,
  rescale,
  rotate,
  separateSums,
  serialize,
  setNormPlacement,
  slice,
  swapNorm,
];

/** The operation of this name. */
export function findOperation(name: string): OperationPass | undefined {
  return OPERATIONS.find((pass) => pass.name === name);
}
