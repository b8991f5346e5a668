import { chainOf, isPlain, isWeighted } from './chain.js';
import { isGrouped } from './region.js';
import type { Detector } from './detect.js';
import { isFeatureAxis } from './feature-axis.js';
import { headOf, type Meeting, meetingsOf, type Term } from './meetings.js';
import { takesPart } from './parts.js';
import { between, statsOf } from './region.js';
import type { Branch, SiteKind, Step } from './site.js';
import { intOf, type Op, orderOf, parameterOf, shapeOf, tensorOf, type Val } from './view.js';

/**
 * Judges a Concat of features: a site when one operand is carried beside what was computed from it. Within a stage it is dense
 * (DenseNet, VoVNet), across a change of resolution or across sites of its own stream it is long (U-Net).
 */
export function findConcat(detector: Detector, op: Op): void {
  const output = op.outputs[0];
  const axis = intOf(op, 'axis');
  if (!output || axis === undefined || output.constant) return;
  const data = [...new Set(op.inputs.filter((val): val is Val => val !== undefined && !val.constant))];
  if (data.length < 2 || !isFeatureAxis(detector.view, output, axis)) return;
  if (data.some((val) => isUntouchedPart(detector, val, data))) return;
  const terms = data.map((val): Term => ({ val, sign: 1, chain: keptChain(detector, val, axis) }));
  const meetings = meetingsOf(detector.streams, terms, true);
  const found = meetings
    .map((meeting) => ({ meeting, kind: kindOf(detector, meeting, terms.length) }))
    .filter(({ kind }) => kind);
  const first = found.reduce<(typeof found)[number] | undefined>(
    (best, each) => (!best || orderOf(each.meeting.step.val) < orderOf(best.meeting.step.val) ? each : best),
    undefined,
  );
  if (!first?.kind) return;
  const { meeting } = first;
  const branches = found
    .filter((each) => each.meeting.skip === meeting.skip)
    .map((each): Branch => detector.branch(meeting.step.val, each.meeting.branch));
  const { step, crossing } = meeting;
  const site = {
    kind: first.kind,
    op,
    output,
    input: step.val,
    operand: meeting.skip.val,
    skip: step,
    branches,
    crossing,
  };
  const newest = branches.at(-1)?.operand ?? step.val;
  const before = detector.streams.lastJoinBefore(newest, step.val);
  detector.streams.addJoin(detector.record(site, before?.output ?? (first.kind === 'long-concat' ? newest : step.val)));
}

/**
 * Whether an operand is one part of split features while the others come from the other parts (ShuffleNet V2, CSP). Beside a branch that
 * reads all features it is carried on (dual path networks, arXiv:1707.01629).
 */
function isUntouchedPart(detector: Detector, operand: Val, all: readonly Val[]): boolean {
  const part = chainOf(detector, operand).find((step) => takesPart(detector.view, step));
  if (!part) return false;
  const readers = new Set(part.val.uses.filter((use) => use.kind !== 'move'));
  const made = all.map((val) => (val === operand ? [] : between(part.val, val))).filter((ops) => ops.some(isWeighted));
  return made.length > 0 && !made.some((ops) => ops.some((op) => readers.has(op)));
}

/** The chain of an operand as far as it is carried on: cropped perhaps, but not split by channels. */
function keptChain(detector: Detector, val: Val, axis: number): Step[] {
  const rank = shapeOf(detector.view, val)?.length;
  return chainOf(detector, val).filter(
    (step) =>
      step.norms === 0 &&
      step.weights.length === 0 &&
      (takesPart(detector.view, step) || step.moves.every((op) => isCrop(op, axis, rank))),
  );
}

function isCrop(op: Op, axis: number, rank: number | undefined): boolean {
  if (op.type === 'Pad') return true;
  if (op.type !== 'Slice') return false;
  const axes = tensorOf(parameterOf(op, 3));
  const along = (each: number): number => (each < 0 && rank !== undefined ? each + rank : each);
  return axes !== undefined && axes.ints().every((each) => along(Number(each)) !== along(axis));
}

function kindOf(detector: Detector, { step, branch, crossing }: Meeting, operands: number): SiteKind | undefined {
  if (!isPlain(step) && step.moves.length === 0) return undefined;
  const stats = statsOf(crossing ? between(step.val, branch.val) : detector.between(step.val, branch.val));
  if (stats.weighted === 0 || stats.nonlinear === 0) return undefined;
  if (stats.shrinks && (stats.grows || growsByIndex(detector, step.val, branch.val))) return 'long-concat';
  if (!crossing) return isDense(detector, step.val, branch) ? 'dense-concat' : undefined;
  return operands === 2 && crossed(detector, step.val, headOf(branch).val) > 1 ? 'long-concat' : undefined;
}

/**
 * Whether a term is new features beside those it was made from: some layer between sees all channels (ghost modules copy one by one), and
 * it is no result of a site (which a Concat of levels collects).
 */
function isDense(detector: Detector, from: Val, branch: Term): boolean {
  if (detector.isMerge(headOf(branch).val)) return false;
  return detector.between(from, branch.val).some((op) => isWeighted(op) && !isGrouped(op));
}

/** Whether elements are repeated by their places, as interpolation spelled with Gather does. */
function growsByIndex(detector: Detector, from: Val, to: Val): boolean {
  return between(from, to).some((op) => {
    const [input, output] = [op.inputs[0], op.outputs[0]];
    if (!op.type.startsWith('Gather') || !input || !output) return false;
    const [before, after] = [sizeOf(detector, input), sizeOf(detector, output)];
    return before > 0 && after >= 2 * before;
  });
}

/** Product of the dims that are numbers. */
function sizeOf(detector: Detector, val: Val): number {
  return (shapeOf(detector.view, val) ?? []).reduce<number>(
    (size, dim) => (typeof dim === 'number' ? size * dim : size),
    1,
  );
}

/** How many sites of its own stream a value is carried across. */
function crossed(detector: Detector, from: Val, to: Val): number {
  const start = detector.streams.position(from).site;
  const end = detector.streams.position(to);
  if (end.site && !detector.streams.isBefore(detector.streams.position(from), end.site)) return Infinity;
  let count = 0;
  for (let { site } = end; site && site !== start; site = site.previous) count++;
  return count;
}
