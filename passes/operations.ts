import type { OperationPass } from '../src/pass/operation.js';
import { insertResidual } from './insert-residual/index.js';
import { prune } from './prune/index.js';
import { removeResidual } from './remove-residual/index.js';
import { rescale } from './rescale/index.js';

/** The operations of recipes, by name. */
export const OPERATIONS: readonly OperationPass[] = [insertResidual, prune, removeResidual, rescale];

/** The operation of this name. */
export function findOperation(name: string): OperationPass | undefined {
  return OPERATIONS.find((pass) => pass.name === name);
}
