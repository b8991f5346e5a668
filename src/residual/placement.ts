import { chainOf, isMask, isPlain, isWeighted } from './chain.js';
import type { Detector } from './detect.js';
import type { Branch, Placement, Site } from './site.js';
import { dataInputs, onlyDataInput, type Op, type Val } from './view.js';

/** What a branch has done to its input when it first mixes positions or channels: the ways are told apart by bits. */
const RAW = 1;
const NORMED = 2;
const ACTIVATED = 4;
const MODULATED = 8;

/** Where the norms of one branch stand. */
export interface BranchNorms {
  /** How the branch begins: the norm before its first layer, with an activation or a modulation between. */
  readonly first: 'none' | 'pre' | 'pre-activation' | 'adaln';
  /** Whether a skip with weights begins at the normalized input too, so that the norm stands before both. */
  readonly shared: boolean;
  /** The norm at its end. */
  readonly last: Op | undefined;
  /** All norms of the branch, in order. */
  readonly norms: readonly Op[];
  /** A norm within that every way through the branch passes. */
  readonly middle: Op | undefined;
  /** Those of them that begin it. */
  readonly leading: readonly Op[];
}

/** Finds where the norms of a branch stand. */
export function branchNorms(detector: Detector, site: Site, branch: Branch): BranchNorms {
  const norms = branch.ops.filter((op) => op.kind === 'norm');
  const begin = beginning(detector, site, branch);
  const middle = norms.slice(0, MOST_NORMS).find((norm) => isPassed(site, branch, norm));
  return { ...begin, last: lastNorm(detector, site, branch), norms, middle };
}

type Beginning = Pick<BranchNorms, 'first' | 'leading' | 'shared'>;

/** Norms of one branch that are tried for being on every way. */
const MOST_NORMS = 8;

/** Whether every way through the branch passes an operation. */
function isPassed(site: Site, branch: Branch, norm: Op): boolean {
  const reached = new Set<Val>([site.input]);
  for (const op of branch.ops) {
    if (op === norm || !op.inputs.some((val) => val && reached.has(val))) continue;
    for (const val of op.outputs) reached.add(val);
  }
  return !reached.has(branch.operand);
}

function beginning(detector: Detector, site: Site, branch: Branch): Beginning {
  const region = new Set(branch.ops);
  const states = new Map<Val, number>([[site.input, RAW]]);
  const leading: Op[] = [];
  let reached = 0;
  for (const op of branch.ops) {
    const before = op.inputs.reduce((bits, val) => bits | ((val && states.get(val)) ?? 0), 0);
    if (before === 0) continue;
    if (op.kind === 'mix' || op.kind === 'pool') {
      reached |= before;
      continue;
    }
    if (op.kind === 'norm') leading.push(op);
    for (const val of op.outputs) states.set(val, after(detector, region, op, before));
  }
  const first = nameOf(site.kind === 'gated' && reached > RAW ? reached & ~RAW : reached);
  return first === 'none' ? tapped(detector, site, branch) : { first, leading, shared: false };
}

function nameOf(reached: number): BranchNorms['first'] {
  if (reached === 0 || (reached & RAW) !== 0) return 'none';
  if ((reached & MODULATED) !== 0) return 'adaln';
  return reached === ACTIVATED ? 'pre-activation' : 'pre';
}

/** What an operation before the first layer makes of the state. */
function after(detector: Detector, region: ReadonlySet<Op>, op: Op, before: number): number {
  if (op.kind === 'norm') return NORMED;
  const output = op.outputs[0];
  if (!output) return before;
  if (op.kind === 'mul') {
    const sides = dataInputs(op).filter((val) => !val.op || !region.has(val.op));
    const modulates = sides.some((val) => !isMask(detector, val, output)) && (before & (NORMED | ACTIVATED)) !== 0;
    if (modulates) return (before & RAW) | MODULATED;
  }
  if (detector.pointwise.isActivation(output) && isActivating(detector, op)) {
    return (before & NORMED) !== 0 ? (before & ~NORMED) | ACTIVATED : before;
  }
  return before;
}

/** Whether the operation itself is the non-linear one, not a scale after it. */
function isActivating(detector: Detector, op: Op): boolean {
  const data = dataInputs(op);
  return op.kind === 'pointwise' || data.length > 1 || data.every((val) => detector.pointwise.isActivation(val));
}

/**
 * A skip with weights may read the normalized input, as in MViTv2 (arXiv:2112.01526), or the activated one, as in ResNet v2: the norm then
 * stands before both.
 */
function tapped(detector: Detector, site: Site, branch: Branch): Beginning {
  const none = { first: 'none', leading: [], shared: false } as const;
  if (isPlain(site.skip) || lastNorm(detector, site, branch)) return none;
  const source = detector.pointwise.source(site.input);
  const activated = source !== undefined && !source.linear;
  const norm = (activated ? source.of : withoutLayout(site.input)).op;
  if (norm?.kind !== 'norm') return none;
  return { first: activated ? 'pre-activation' : 'pre', leading: [norm], shared: true };
}

function withoutLayout(val: Val): Val {
  let at = val;
  while (at.op?.kind === 'layout' && at.op.inputs[0]) at = at.op.inputs[0];
  return at;
}

/** The norm at the end of a branch: activation, scale, gates and layout after it do not hide it. */
export function lastNorm(detector: Detector, site: Site, branch: Branch): Op | undefined {
  const region = new Set(branch.ops);
  let at: Val | undefined = branch.operand;
  for (let step = 0; at && step < 48; step++) {
    const { op }: Val = at;
    if (!op || at === site.input || !region.has(op)) return undefined;
    if (op.kind === 'norm') return op;
    at = beforeEnd(detector, at, op, region);
  }
  return undefined;
}

function beforeEnd(detector: Detector, at: Val, op: Op, region: ReadonlySet<Op>): Val | undefined {
  if (isWeighted(op) || op.kind === 'mix' || op.kind === 'softmax') return undefined;
  const source = detector.pointwise.source(at);
  if (source) return source.of;
  const step = chainOf(detector, at)[1];
  if (step && step.weights.length === 0 && step.norms === 0) return step.val;
  if (op.kind === 'mul' || op.kind === 'add') {
    const data = dataInputs(op).filter((val) => val.op && region.has(val.op));
    return data.length === 1 ? data[0] : undefined;
  }
  return op.kind === 'resize' ? undefined : onlyDataInput(op);
}

/** Whether no norm but an affine begins a branch: beside a norm on the stream it stands in the place of none. */
function isScaling({ leading }: BranchNorms): boolean {
  return leading.length > 0 && leading.every((op) => op.norm?.kind === 'affine');
}

/** The placement that the norms of a site amount to. */
export function placementOf(branches: readonly BranchNorms[], trunkNorm: boolean): Placement {
  const [main] = branches;
  if (!main) return trunkNorm ? 'post' : 'none';
  const began = branches.filter((each) => !(trunkNorm && (isScaling(each) || (each.shared && each.first === 'pre'))));
  const first = began.map((each) => each.first).find((each) => each !== 'none') ?? 'none';
  const last = branches.some((each) => each.last !== undefined && !each.leading.includes(each.last));
  if (first === 'adaln') return 'adaln';
  if (first !== 'none' && last) return 'sandwich';
  if (first !== 'none') return first;
  if (last) return 'post-branch';
  if (trunkNorm) return 'post';
  return branches.some((each) => each.middle !== undefined) ? 'mid' : 'none';
}
