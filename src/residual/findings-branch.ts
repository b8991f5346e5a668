import {
  constantBranch,
  deadBranch,
  deadSkip,
  linearBranch,
  oneSidedBranch,
  selfSum,
} from '../diagnostics/codes/residual.js';
import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Anatomy, SiteAnatomy } from './anatomy.js';
import { isWeighted } from './chain.js';
import { headOf } from './meetings.js';
import { between, statsOf } from './region.js';
import { placeOfOp, valueLabel } from './report.js';
import type { Branch } from './site.js';
import { tensorOf, type Val } from './view.js';

/** Weights with more elements are not read to see whether they are zero. */
const MOST_ELEMENTS = 1 << 20;

/** What branches do, or fail to do. */
export function branchFindings({ sites, detector }: Anatomy): Diagnostic[] {
  const found = sites.flatMap(siteFindings);
  for (const [sum, terms] of detector.sums) {
    const [a, b] = terms.map((term) => headOf(term).val);
    const signs = terms.every(({ sign, chain }) => sign * (chain[0]?.sign ?? 1) === 1);
    if (terms.length === 2 && signs && a === b && sum.op && !sum.constant) found.push(selfSum(placeOfOp(sum.op)));
  }
  return found;
}

function siteFindings({ site }: SiteAnatomy): Diagnostic[] {
  const at = placeOfOp(site.op);
  if (site.op.kind !== 'add') return [];
  if (site.crossing) return site.branches.some(({ end }) => end.val === site.input) ? [selfSum(at)] : [];
  const found: Diagnostic[] = [];
  if (site.skip.coefficients.some(isZero)) found.push(deadSkip(at));
  for (const branch of site.branches) {
    const zero = zeroOf(branch);
    if (zero) found.push((isBiased(branch) ? constantBranch : deadBranch)(at, `"${valueLabel(zero)}"`));
  }
  const linear = site.kind === 'identity' && site.branches.every(({ ops }) => isLinear(ops));
  if (linear) found.push(linearBranch(at));
  if (site.branches.some(({ operand }) => operand.op?.type === 'Relu')) found.push(oneSidedBranch(at));
  return found;
}

function isLinear(ops: Branch['ops']): boolean {
  const stats = statsOf(ops);
  const norms = ops.some((op) => op.kind === 'norm' && op.norm?.kind !== 'batch' && op.norm?.kind !== 'affine');
  return (
    stats.weighted > 0 &&
    stats.nonlinear === 0 &&
    !norms &&
    !ops.some((op) => op.kind === 'pool' || op.kind === 'reduce')
  );
}

/** A parameter at the end of the branch that makes it zero: its scale, the scale of its last norm, its last weights. */
function zeroOf(branch: Branch): Val | undefined {
  const scale = branch.end.coefficients.find(isZero);
  if (scale) return scale;
  const last = branch.end.val.op;
  if (last?.kind === 'norm')
    return last.norm?.parameters.slice(0, 2).every(isZero) ? last.norm.parameters[0] : undefined;
  if (!last || !isWeighted(last)) return undefined;
  const weight = last.inputs.find((val) => val?.constant);
  return weight && isZero(weight) ? weight : undefined;
}

/** Whether something is added to what the last layer of a branch gives, within the layer or right after it. */
function isBiased({ operand, end }: Branch): boolean {
  if (end.coefficients.some(isZero) || end.val.op?.kind === 'norm') return false;
  const own = end.val.op?.inputs.slice(1) ?? [];
  const after = between(end.val, operand).flatMap((op) => (op.kind === 'add' ? op.inputs : []));
  return [...own, ...after].some((val) => val?.constant === true && !isZero(val));
}

function isZero(val: Val): boolean {
  const tensor = tensorOf(val);
  if (!tensor || tensor.size === 0 || tensor.size > MOST_ELEMENTS || tensor.dtype === 'string') return false;
  return tensor.bytes().every((byte) => byte === 0);
}
