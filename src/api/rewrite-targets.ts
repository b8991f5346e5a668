import { recipeMalformed, refused, targetUnknown } from '../diagnostics/codes/recipe.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Model } from '../ir/model.js';
import { graphPath } from '../ir/path.js';
import { Locator } from '../recipe/locate.js';
import type { Operation, TargetSite } from '../recipe/recipe.js';
import { anatomyOf } from '../residual/anatomy.js';
import { nodeLabel } from '../residual/report.js';
import type { Site } from '../residual/site.js';
import { inferTypes } from '../shape/types.js';

/** Which operand of the addition is the skip, as the anatomy has it: a projected skip does not show it by what depends on what. */
function operandsOf({ op, operand, kind }: Site): TargetSite {
  const { inputs } = op.node;
  const at = op.inputs.indexOf(operand);
  const [skip, branch] = [inputs[at], inputs[1 - at]];
  const isPlain = inputs.length === 2 && op.inputs.length === 2 && kind !== 'parallel';
  return isPlain && skip && branch && skip !== branch ? { skip_value: skip.hint, branch_value: branch.hint } : {};
}

/** Kinds of sites that are additions; operations on concatenations name them. */
const ADDITIVE = new Set(['identity', 'projection', 'scaled', 'gated', 'parallel', 'long-additive']);

/**
 * The operation with its sites spelled out: given ones are checked key by key; `blocks` become the detected residual sites, by index in
 * the order of execution, or the region between two values.
 * @throws ResonnxError `recipe/target-unknown` with the candidates, `recipe/malformed`, `rewrite/refused` when there is no residual site
 */
export function resolveTargets(model: Model, operation: Operation): Operation {
  const { targets } = operation;
  const locator = new Locator(model);
  if (targets.sites) {
    for (const site of targets.sites) locator.check(site);
    return operation;
  }
  if (targets.blocks === undefined) return operation;
  return { ...operation, targets: { ...targets, sites: detect(model, operation) } };
}

function detect(model: Model, { operation, targets }: Operation): readonly TargetSite[] {
  const { blocks } = targets;
  if (typeof blocks === 'object' && 'between' in blocks) {
    const [from, to] = blocks.between;
    return [{ block: 0, region_input: from, region_output: to }];
  }
  const found = anatomyOf(model, inferTypes(model)).sites.filter(({ site }) => ADDITIVE.has(site.kind));
  const sites = found.map(({ site }, block): TargetSite => {
    const { node } = site.op;
    return { block, output: node.outputs[0]?.hint ?? '', ...operandsOf(site), subgraph: graphPath(node.graph) };
  });
  if (blocks === 'all' && sites.length === 0) {
    const what = 'no residual addition was found in the model: name places with "sites"';
    throw new ResonnxError([refused({ path: operation }, what)]);
  }
  if (blocks === 'all') return sites;
  if (!Array.isArray(blocks)) {
    const what = '"blocks" is "all", a list of indices, or { "between": [value, value] }';
    throw new ResonnxError([recipeMalformed({ path: operation }, what)]);
  }
  return (blocks as readonly number[]).map((index) => {
    const site = sites[index];
    if (site) return site;
    const candidates = found.map(({ site: { op } }, block) => `${block}: ${nodeLabel(op)}`);
    throw new ResonnxError([targetUnknown({ path: operation }, 'blocks', String(index), candidates)]);
  });
}
