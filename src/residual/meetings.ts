import { isPlain } from './chain.js';
import type { Site, Step } from './site.js';
import type { Streams } from './streams.js';
import { orderOf, type Val } from './view.js';

/** An operand of a sum or Concat, with the values that it comes from linearly. */
export interface Term {
  readonly val: Val;
  readonly sign: 1 | -1;
  readonly chain: readonly Step[];
}

/** A way from one term back to a value that another term comes from linearly. */
export interface Meeting {
  readonly skip: Term;
  readonly step: Step;
  readonly branch: Term;
  /** Whether sites of the skip's own stream lie between. */
  readonly crossing: boolean;
}

/** Values that a search back looks for. */
export interface Targets {
  /** Least order of a target. */
  readonly least: number;
  readonly others: readonly Val[];
  /** Takes a value into account; gives whether nothing is left to be found beyond it. */
  hit(val: Val, crossing: boolean): boolean;
}

/** A term with scale, gate and layout taken off. */
export function headOf(term: Term): Step {
  let head = term.chain[0] as Step;
  for (const step of term.chain) {
    if (!isPlain(step) || step.norms > 0) break;
    head = step;
  }
  return head;
}

/** Every way in which one term descends from another one's past; what is subtracted is no skip (PoolFormer,
 * arXiv:2111.11418, eq. 3). With `first` nothing is looked for beyond the first value that any other term comes from. */
export function meetingsOf(streams: Streams, terms: readonly Term[], first = false): Meeting[] {
  const targets = new Map<Val, { readonly term: Term; readonly step: Step }[]>();
  for (const term of terms) {
    for (const step of term.chain) {
      if (term.sign * step.sign !== 1) continue;
      const list = targets.get(step.val);
      if (list) list.push({ term, step });
      else targets.set(step.val, [{ term, step }]);
    }
  }
  return terms.flatMap((branch) => meet(streams, branch, targets, first));
}

function meet(
  streams: Streams,
  branch: Term,
  targets: ReadonlyMap<Val, readonly { readonly term: Term; readonly step: Step }[]>,
  first: boolean,
): Meeting[] {
  const others = [...targets].filter(([, list]) => list.some(({ term }) => term !== branch)).map(([val]) => val);
  const skips = new Set([...targets.values()].flatMap((list) => list.map(({ term }) => term)));
  skips.delete(branch);
  const found: Meeting[] = [];
  const hit = (val: Val, crossing: boolean): boolean => {
    const list = (targets.get(val) ?? []).filter(({ term }) => term !== branch);
    for (const { term, step } of list) {
      const known = found.some((each) => each.step === step && each.crossing === crossing);
      if (!known) found.push({ skip: term, step, branch, crossing });
    }
    return list.length > 0 && (first || new Set(list.map(({ term }) => term)).size === skips.size);
  };
  searchBack(streams, branch.val, { least: Math.min(...others.map(orderOf)), others, hit });
  return found;
}

/** A value on the way back, with the greatest order of targets that may be met near, and the merge through whose side input it leads. */
interface Item {
  readonly val: Val;
  readonly limit: number;
  readonly side: Site | undefined;
}

/**
 * Goes back from a value until all that is looked for was hit. Beyond a merge only targets from before the merge's stream began are met: a target on
 * that stream is one that the merge carries further, and others are side inputs of the merge. Of these only results of sites are met,
 * through one merge: two streams that update each other in turn (RevNet, arXiv:1707.04585, eq. 8). O(operations since the last merges).
 */
export function searchBack(streams: Streams, from: Val, to: Targets): void {
  const seen = new Map<Val, number>();
  const stack: Item[] = [{ val: from, limit: Infinity, side: undefined }];
  const push = (val: Val | undefined, limit: number, side: Site | undefined): void => {
    if (val) stack.push({ val, limit, side });
  };
  for (let item = stack.pop(); item; item = stack.pop()) {
    const { val, side } = item;
    let { limit } = item;
    if ((seen.get(val) ?? -Infinity) >= limit) continue;
    seen.set(val, limit);
    const order = orderOf(val);
    const merge = streams.mergeAt(val);
    if (order <= limit && (!side || merge || isSibling(val, side.origin)) && to.hit(val, false)) continue;
    if (order <= to.least || !val.op) continue;
    if (merge && !merge.linear) {
      if (side) continue;
      for (const other of to.others) {
        if (orderOf(other) < order && streams.isBefore(streams.position(other), merge)) to.hit(other, true);
      }
      limit = Math.min(limit, orderOf(merge.origin) - 1);
      if (!merge.crossing) for (const { operand } of merge.branches) push(operand, order, merge);
      if (limit < to.least) continue;
    }
    for (const input of val.op.inputs) push(input, limit, side);
  }
}

/** Whether two values are parts of one that was split. */
function isSibling(a: Val, b: Val): boolean {
  if (a === b || !a.op || a.op.kind !== 'move' || b.op?.kind !== 'move') return false;
  return a.op === b.op || a.op.inputs[0] === b.op.inputs[0];
}

/** Whether the two terms meet across sites at a value nearer to the sum. */
export function isPassed(meeting: Meeting, meetings: readonly Meeting[]): boolean {
  const { skip, branch, step } = meeting;
  return meetings.some(
    (other) =>
      other.crossing &&
      other.skip === skip &&
      other.branch === branch &&
      skip.chain.indexOf(other.step) <= skip.chain.indexOf(step),
  );
}

/** Whether the two terms meet at no value nearer to the sum. */
export function isNearest({ skip, branch, step }: Meeting, meetings: readonly Meeting[]): boolean {
  const at = skip.chain.indexOf(step);
  return !meetings.some(
    (other) => other.skip === skip && other.branch === branch && skip.chain.indexOf(other.step) < at,
  );
}

/** A value before it was laid out anew. */
function unlaid(val: Val): Val {
  let at = val;
  while (at.op?.kind === 'layout' && at.op.inputs[0]) at = at.op.inputs[0];
  return at;
}

/** The skip on which most branches hang; of equal ones the nearest, of layouts of one value the first. */
export function bestSkip(meetings: readonly Meeting[]): Meeting | undefined {
  const votes = new Map<Step, number>();
  for (const { step } of meetings) votes.set(step, (votes.get(step) ?? 0) + 1);
  const rank = (meeting: Meeting): readonly number[] => [
    votes.get(meeting.step) as number,
    orderOf(unlaid(meeting.step.val)),
    -orderOf(meeting.step.val),
    -meeting.skip.chain.indexOf(meeting.step),
    orderOf(meeting.branch.val),
  ];
  return meetings.reduce<Meeting | undefined>(
    (best, meeting) => (!best || isLess(rank(best), rank(meeting)) ? meeting : best),
    undefined,
  );
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
}
