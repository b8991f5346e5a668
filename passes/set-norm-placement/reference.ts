import {
  fromFloat64,
  Locator,
  type NumericArray,
  type OperationOptions,
  type Taps,
  toFloat64,
  type Value,
} from '#core';
import { zip } from '../_shared/arrays.js';
import { findNorm, getNorm, type NormSite } from '../_shared/norm-site.js';
import type { PlacementOptions } from './options.js';
import { droppedNorm, findSites, type NormedAddition } from './site.js';

/** The equations of the new placement over taps of the original, addition by addition. */
export async function placementReference(
  request: OperationOptions,
  options: PlacementOptions,
  taps: Taps,
): Promise<void> {
  const locator = new Locator(taps.model);
  const sites = findSites(locator, request.operation);
  const outputs = new Set(sites.map(({ norm }) => norm.output));
  for (const site of sites) {
    const { addition, norm, placement } = site;
    const result = options.skipsOnly ? await skipFromNormInput(site, outputs, taps) : await newSum(site, options, taps);
    taps.override(addition.sum, result);
    const isGone =
      placement === 'post' && options.placement !== 'post' && options.placement !== 'deepnorm' && !options.skipsOnly;
    if (isGone) taps.override(norm.output, result);
    else if (placement === 'post' && options.placement === 'deepnorm') taps.override(norm.output, result);
  }
  const dropped = droppedNorm(locator, request.operation, options, sites);
  if (dropped) {
    const final = getNorm(dropped);
    const [input] = await taps.get([final.input]);
    taps.override(final.output, input!);
  }
  if (options.finalNorm === 'identity') await addFinalNorm(sites, taps);
}

const plus = (x: NumericArray, y: NumericArray): NumericArray => zip((a, b) => a + b, x, y);

async function norm(
  taps: Taps,
  site: NormSite,
  input: NumericArray,
  given: ReadonlyMap<Value, NumericArray> = new Map(),
): Promise<NumericArray> {
  const [output] = await taps.get([site.output], new Map([...given, [site.input, input]]));
  return output!;
}

/** The norm with scale 1 and bias 0. */
async function identityNorm(taps: Taps, site: NormSite, input: NumericArray): Promise<NumericArray> {
  const given = new Map<Value, NumericArray>();
  const uniform = async (value: Value | undefined, number: number): Promise<void> => {
    if (!value) return;
    const [array] = await taps.get([value]);
    given.set(
      value,
      fromFloat64(
        array!.dtype,
        array!.shape,
        toFloat64(array!).map(() => number),
      ),
    );
  };
  await uniform(site.scale, 1);
  await uniform(site.bias, 0);
  return norm(taps, site, input, given);
}

async function skipFromNormInput(
  { addition }: NormedAddition,
  outputs: ReadonlySet<Value>,
  taps: Taps,
): Promise<NumericArray> {
  const skip = outputs.has(addition.skip) ? (findNorm(addition.skip)?.input ?? addition.skip) : addition.skip;
  const [x, f] = await taps.get([skip, addition.branch]);
  return plus(x!, f!);
}

/** x', from x and the branch F with its own norms taken off. */
async function newSum(site: NormedAddition, options: PlacementOptions, taps: Taps): Promise<NumericArray> {
  const { addition, norm: own } = site;
  const [x] = await taps.get([addition.skip]);
  const branch = (input: NumericArray): Promise<NumericArray> => bareBranch(site, input, x!, taps);
  switch (options.placement) {
    case 'pre':
      return plus(x!, await branch(await norm(taps, own, x!)));
    case 'post':
      return norm(taps, own, plus(x!, await branch(x!)));
    case 'deepnorm':
      return norm(
        taps,
        own,
        zip((a, b) => options.alpha * a + b, x!, await branch(x!)),
      );
    case 'post-branch':
      return plus(x!, await norm(taps, endOf(site), await branch(x!)));
    default:
      return plus(x!, await identityOrEnd(site, await branch(await norm(taps, own, x!)), taps));
  }
}

/** A sandwich that becomes post-branch keeps the norm at its end. */
function endOf({ endNorm, norm: own }: NormedAddition): NormSite {
  return endNorm ?? own;
}

async function identityOrEnd(
  { endNorm, norm: own }: NormedAddition,
  branch: NumericArray,
  taps: Taps,
): Promise<NumericArray> {
  return endNorm ? norm(taps, endNorm, branch) : identityNorm(taps, own, branch);
}

/** F without its norms, on `input`; `x` is what stands on the stream. */
async function bareBranch(
  site: NormedAddition,
  input: NumericArray,
  x: NumericArray,
  taps: Taps,
): Promise<NumericArray> {
  const { addition, placement, norm: own, endNorm } = site;
  const end = placement === 'post-branch' ? own.input : (endNorm?.input ?? addition.branch);
  const start = placement === 'pre' || placement === 'sandwich' ? own.output : addition.skip;
  const given = new Map([
    [addition.skip, x],
    [start, input],
  ]);
  const [output] = await taps.get([end], given);
  return output!;
}

/** A new norm on the sum where the stream ends. */
async function addFinalNorm(sites: readonly NormedAddition[], taps: Taps): Promise<void> {
  const { addition, norm: own, placement } = sites.at(-1)!;
  const end = placement === 'post' ? own.output : addition.sum;
  const [sum] = await taps.get([end]);
  const normed = await identityNorm(taps, own, sum!);
  taps.override(end, normed);
  if (end !== addition.sum) taps.override(addition.sum, normed);
}
