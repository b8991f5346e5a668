import {
  Locator,
  type Model,
  type OperationOptions,
  type OperationPass,
  type PassContext,
  recipeCodes,
  ResonnxError,
  type Value,
} from '#core';
import { findLayoutAlias, toAlias, transposeArray } from '../_shared/layout-alias.js';
import { buildProjection, isZeroAtFirst, projectArray, projectionOptions } from '../_shared/projection.js';
import { findRegions, type Region } from '../_shared/region.js';
import { redirect } from '../_shared/readers.js';
import { sitesOf } from '../_shared/sites.js';
import { buildCombination, combinationOf, combineArrays, insertedEquation } from './combine.js';
import { buildJumpingKnowledge, jumpingKnowledgeArrays } from './jumping-knowledge.js';

/**
 * y = F(x) becomes y = P(x) + F(x) (He et al. 2015, arXiv:1512.03385, eq. 1 and 2), or another way in which skip and branch meet. Every
 * former reader of F(x), graph outputs included, reads the result. Regions may follow each other and nest: a region that starts where
 * another ends starts at what stands there now.
 */
export const insertResidual: OperationPass = {
  name: 'insert-residual',
  summary: 'put a skip around a region: identity or projected; added, concatenated or weighted',
  semantics: 'changes-function',
  optionNames: [
    'projection',
    'stride',
    'eps',
    'ceil_mode',
    'count_include_pad',
    'channel_pad',
    'layout',
    'combine',
    'order',
    'axis',
    'reduction',
    'skip_scale',
    'branch_scale',
    'skip_from',
    'activation_after',
    'init',
    'seed',
  ],
  semanticsOf: (request) => (startsAsZero(request) ? 'identity-at-init' : 'changes-function'),
  equations: ({ operation }) => ({ before: 'y = F(x)', after: insertedEquation(operation) }),
  run(model: Model, cx) {
    const { operation } = cx.options;
    const regions = findRegions(new Locator(model), sitesOf(operation));
    if (operation.options['combine'] === 'jk-concat') buildJumpingKnowledge(regions, cx);
    else insertAll(regions, cx);
  },
  async reference(request, taps) {
    const { operation, parameters } = request;
    const regions = findRegions(new Locator(taps.model), sitesOf(operation));
    if (operation.options['combine'] === 'jk-concat') return jumpingKnowledgeArrays(regions, request, taps);
    const options = projectionOptions(operation.operation, operation.options);
    const combination = combinationOf(operation);
    for (const region of regions) {
      const [x, f] = await taps.get([sourceOf(region, regions, operation.options), region.output]);
      const skip = projectArray(x!, f!, { options, site: region.site, parameters });
      const result = combineArrays(skip, f!, region, combination, parameters);
      const alias = findLayoutAlias(region.output);
      if (alias) taps.override(alias.value, transposeArray(result, alias.perm));
      taps.override(region.output, result);
    }
    return undefined;
  },
};

/** Whether every skip is projected by zeros that were made for it, and added: at first the function stays. */
function startsAsZero({ operation, parameters }: OperationOptions): boolean {
  const options = projectionOptions(operation.operation, operation.options);
  if (operation.options['combine'] !== undefined || operation.options['activation_after'] !== undefined) return false;
  const { sites = [] } = operation.targets;
  return sites.length > 0 && sites.every((site) => isZeroAtFirst({ options, site, parameters }));
}

/** Where the skip starts: at the region's input, or, for an initial residual (GCNII, Chen et al. 2020), where the first region starts. */
function sourceOf(
  region: Region,
  regions: readonly Region[],
  options: OperationOptions['operation']['options'],
): Value {
  const from = options['skip_from'] ?? 'region-input';
  if (from === 'region-input') return region.input;
  if (from === 'h0') return regions[0]!.input;
  throw new ResonnxError([
    recipeCodes.optionInvalid({ path: 'insert-residual' }, 'skip_from', from, '"h0", or leave it out'),
  ]);
}

function insertAll(regions: readonly Region[], cx: PassContext<OperationOptions>): void {
  const { operation, parameters } = cx.options;
  const options = projectionOptions(operation.operation, operation.options);
  const combination = combinationOf(operation);
  const now = new Map<Value, Value>();
  const standing = (value: Value): Value => now.get(value) ?? value;
  for (const region of regions) {
    const branch = region.output;
    cx.rewrite('insert-residual', branch.producer!, (edit) => {
      const readers = [...branch.uses];
      const source = standing(sourceOf(region, regions, operation.options));
      const skip = buildProjection(edit, source, branch, { options, site: region.site, parameters }, cx.types);
      const result = buildCombination(edit, { skip, branch, region }, combination, { parameters, types: cx.types });
      const alias = findLayoutAlias(branch);
      if (alias) redirect(alias.readers, toAlias(edit, result, alias));
      redirect(readers, result);
      now.set(branch, result);
    });
  }
}
