import { Locator, type NumericArray, type OperationOptions, type Taps, type Value } from '#core';
import { zip } from '../_shared/arrays.js';
import { type BasicBlock, findBlocks, stageEnd } from './batch-norm.js';
import type { PlacementOptions } from './options.js';

const relu = (x: NumericArray): NumericArray => zip((value) => Math.max(value, 0), x);
const plus = (x: NumericArray, y: NumericArray): NumericArray => zip((a, b) => a + b, x, y);

/** The equations of the new form over taps of the original, block by block. */
export async function batchNormReference(
  { operation }: OperationOptions,
  options: PlacementOptions,
  taps: Taps,
): Promise<void> {
  const toV2 = options.placement === 'full-preactivation';
  const blocks = findBlocks(new Locator(taps.model), operation, toV2);
  const at = async (value: Value, given: Value, array: NumericArray): Promise<NumericArray> =>
    (await taps.get([value], new Map([[given, array]])))[0]!;
  for (const block of blocks) {
    const [x] = await taps.get([block.addition.skip]);
    const sum = toV2 ? plus(x!, await preActivated(block, x!, at)) : relu(plus(x!, await original(block, x!, at)));
    taps.override(block.addition.sum, sum);
    const keepsTail = block === blocks.at(-1) && options.tail !== 'none';
    if (block.trunk) taps.override(block.trunk, keepsTail ? relu(sum) : sum);
  }
  const end = toV2 ? undefined : stageEnd(blocks.at(-1)!);
  if (end && options.tail === 'none') taps.override(end.output, (await taps.get([end.norm.input]))[0]!);
}

type At = (value: Value, given: Value, array: NumericArray) => Promise<NumericArray>;

/** conv₂(relu(bn₂(conv₁(relu(bn₁(x)))))), with the pieces of a v1 block. */
async function preActivated(
  { addition, first, second, activated }: BasicBlock,
  x: NumericArray,
  at: At,
): Promise<NumericArray> {
  const normed = relu(await at(first.output, first.input, x));
  const convolved = await at(first.input, addition.skip, normed);
  const between = relu(await at(second.output, second.input, convolved));
  return at(second.input, activated, between);
}

/** bn₂(conv₂(relu(bn₁(conv₁(x))))), with the pieces of a v2 block. */
async function original(block: BasicBlock, x: NumericArray, at: At): Promise<NumericArray> {
  const { addition, first, second, activated, activatedSecond } = block;
  const convolved = await at(second.input, activated, x);
  const between = relu(await at(first.output, first.input, convolved));
  const branch = await at(addition.branch, activatedSecond!, between);
  return at(second.output, second.input, branch);
}
