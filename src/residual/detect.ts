import { chainOf, type ChainContext, isPlain } from './chain.js';
import { findConcat } from './concat.js';
import { Pointwise } from './pointwise.js';
import { between, type RegionStats, statsOf } from './region.js';
import type { Branch, Site, Step } from './site.js';
import { Streams } from './streams.js';
import { dataInputs, hasOneUse, type Op, orderOf, shapeOf, tensorOf, type Val, type View } from './view.js';

/** An operand of a sum, seen through sums that nothing else reads. */
export interface Term {
  readonly val: Val;
  readonly sign: 1 | -1;
  readonly chain: readonly Step[];
}

/** A way from one term back to a value that another term comes from linearly. */
interface Meeting {
  readonly skip: Term;
  readonly step: Step;
  readonly branch: Term;
  /** Whether sites of the skip's own stream lie between. */
  readonly crossing: boolean;
}

const MOST_TERMS = 32;

/** Finds the sites of a view, in topological order. */
export class Detector implements ChainContext {
  readonly view: View;
  readonly pointwise: Pointwise;
  readonly streams: Streams;
  readonly sites = new Set<Site>();
  readonly #terms = new Map<Val, readonly Term[]>();
  #count = 0;

  constructor(view: View) {
    this.view = view;
    this.pointwise = new Pointwise(view);
    this.streams = new Streams(this.pointwise);
    for (const op of view.ops) {
      if (op.kind === 'add') this.#sum(op);
      else if (op.kind === 'concat') findConcat(this, op);
    }
  }

  isMerge(val: Val): boolean {
    return this.streams.mergeAt(val) !== undefined;
  }

  /** Records a site. */
  record(site: Omit<Site, 'index' | 'previous' | 'origin'>, on: Val): Site {
    const { site: previous, origin } = this.streams.position(on);
    const made: Site = { ...site, index: this.#count++, previous, origin };
    this.sites.add(made);
    return made;
  }

  #sum(op: Op): void {
    const output = op.outputs[0];
    if (!output || this.#isBiasOnly(op)) return;
    const terms = this.#flatten(op, output);
    if (terms.length < 2) {
      this.#terms.set(output, terms);
      return;
    }
    const meetings = this.#meetings(terms);
    if (this.#near(op, output, meetings) ?? this.#joined(op, output, terms) ?? this.#far(op, output, meetings)) return;
    if (terms.length <= MOST_TERMS) this.#terms.set(output, terms);
  }

  /** Most sums add a parameter; these are left at once. */
  #isBiasOnly(op: Op): boolean {
    const data = op.inputs.filter((val) => val && !val.constant);
    const parameters = op.inputs.filter((val) => val?.constant);
    if (data.length > 1) return false;
    return parameters.every((val) => val !== undefined && this.#isBias(val, op.outputs[0] as Val));
  }

  /** Whether a constant operand is a bias: stretched along some axis, or a vector. */
  #isBias(val: Val, sum: Val): boolean {
    const rank = tensorOf(val)?.shape.length;
    const [own, all] = [shapeOf(this.view, val), shapeOf(this.view, sum)];
    if (!val.op && (rank ?? own?.length ?? 0) < 2) return true;
    if (!own || !all) return !val.op;
    return own.length !== all.length || own.some((dim, index) => dim === 1 && all[index] !== 1);
  }

  #flatten(op: Op, output: Val): Term[] {
    const terms: Term[] = [];
    op.inputs.forEach((val, index) => {
      if (!val || (val.constant && this.#isBias(val, output))) return;
      const sign = op.signs?.[index] === -1 ? -1 : 1;
      const inner = hasOneUse(val) ? this.#innerTerms(val) : undefined;
      if (inner) terms.push(...inner.map((term) => ({ ...term, sign: (term.sign * sign) as 1 | -1 })));
      else terms.push({ val, sign, chain: chainOf(this, val) });
    });
    return terms;
  }

  /** The terms of a sum that is no site, through layout. */
  #innerTerms(val: Val): readonly Term[] | undefined {
    let at: Val | undefined = val;
    while (at && hasOneUse(at)) {
      const terms = this.#terms.get(at);
      if (terms) return terms;
      if (at.op?.kind !== 'layout') return undefined;
      at = at.op.inputs[0];
    }
    return undefined;
  }

  /** Every way in which one term of the sum descends from another one's past. */
  #meetings(terms: readonly Term[]): Meeting[] {
    const targets = new Map<Val, { readonly term: Term; readonly step: Step }[]>();
    for (const term of terms) {
      for (const step of term.chain) {
        const list = targets.get(step.val);
        if (list) list.push({ term, step });
        else targets.set(step.val, [{ term, step }]);
      }
    }
    return terms.flatMap((branch) => this.#meet(branch, targets));
  }

  #meet(branch: Term, targets: ReadonlyMap<Val, readonly { readonly term: Term; readonly step: Step }[]>): Meeting[] {
    const others = [...targets].filter(([, list]) => list.some(({ term }) => term !== branch)).map(([val]) => val);
    const least = Math.min(...others.map(orderOf));
    const found: Meeting[] = [];
    const hit = (val: Val, crossing: boolean): boolean => {
      const list = (targets.get(val) ?? []).filter(({ term }) => term !== branch);
      for (const { term, step } of list) found.push({ skip: term, step, branch, crossing });
      return list.length > 0;
    };
    this.search(branch.val, { least, others, hit });
    return found;
  }

  /** Goes back from a value until a target is hit; merges of other streams are not passed. */
  search(
    from: Val,
    to: {
      readonly least: number;
      readonly others: readonly Val[];
      readonly hit: (val: Val, crossing: boolean) => boolean;
    },
  ): void {
    const seen = new Set<Val>();
    const stack: Val[] = [from];
    for (let val = stack.pop(); val; val = stack.pop()) {
      if (seen.has(val)) continue;
      seen.add(val);
      if (to.hit(val, false) || orderOf(val) <= to.least || !val.op) continue;
      const merge = this.streams.mergeAt(val);
      if (merge) {
        for (const other of to.others) {
          if (orderOf(other) < orderOf(val) && this.streams.isBefore(this.streams.position(other), merge))
            to.hit(other, true);
        }
        if (orderOf(merge.origin) <= to.least) continue;
      }
      for (const input of val.op.inputs) if (input) stack.push(input);
    }
  }

  /** A skip that passes by no site of its own stream. */
  #near(op: Op, output: Val, meetings: readonly Meeting[]): Site | undefined {
    const near = meetings.filter((meeting) => !meeting.crossing);
    const plain = near.filter(({ step, skip }) => isPlain(step) && step.sign * skip.sign === 1);
    const found =
      bestSkip(plain.filter((meeting) => isBranch(this.#stats(meeting)))) ??
      bestSkip(near.filter((meeting) => !isPlain(meeting.step) && isTransformed(this.#stats(meeting))));
    if (!found || isScore(output)) return undefined;
    const { skip, step } = found;
    const branches = near.filter((m) => m.skip === skip && m.step === step).map((m) => this.branch(step.val, m.branch));
    if (branches.length === 0) return undefined;
    return this.#add({ kind: 'identity', op, output, input: step.val, skip: step, branches, crossing: false });
  }

  #add(site: Omit<Site, 'index' | 'previous' | 'origin'>): Site {
    const made = this.record(site, site.input);
    this.streams.add(made);
    return made;
  }

  /** A branch that is added to a site whose sum nothing else reads. */
  #joined(op: Op, output: Val, terms: readonly Term[]): Site | undefined {
    for (const term of terms) {
      const site = this.streams.mergeAt(term.val);
      if (!site || site.crossing || !hasOneUse(term.val)) continue;
      const others = terms.filter((other) => other !== term && !this.isMerge(headOf(other).val));
      const joined = others.filter((other) => this.#descends(other, site.input));
      if (joined.length === 0) continue;
      this.streams.remove(site);
      site.branches = [...site.branches, ...joined.map((other) => this.branch(site.input, other))];
      Object.assign(site, { op, output });
      this.streams.add(site);
      return site;
    }
    return undefined;
  }

  #descends(term: Term, from: Val): boolean {
    let found = false;
    const hit = (val: Val): boolean => val === from && (found = true);
    this.search(term.val, { least: orderOf(from), others: [], hit });
    return found && isBranch(statsOf(between(from, term.val)));
  }

  /** A skip that passes by sites of its own stream. */
  #far(op: Op, output: Val, meetings: readonly Meeting[]): Site | undefined {
    const far = meetings.filter(({ crossing }) => crossing);
    const found = bestSkip(far);
    if (!found) return undefined;
    const main: Branch = { operand: found.branch.val, end: headOf(found.branch), ops: [] };
    const { step } = found;
    const site = this.record(
      { kind: 'long-additive', op, output, input: step.val, skip: step, branches: [main], crossing: true },
      main.operand,
    );
    this.streams.add(site);
    return site;
  }

  #stats({ step, branch }: Meeting): RegionStats {
    return statsOf(this.between(step.val, branch.val));
  }

  /** Operations between two values, merges of streams that began before left out. */
  between(from: Val, to: Val): readonly Op[] {
    const least = orderOf(from);
    return between(from, to, (val) => {
      const merge = this.streams.mergeAt(val);
      return (
        merge !== undefined &&
        orderOf(merge.origin) <= least &&
        !this.streams.isBefore(this.streams.position(from), merge)
      );
    });
  }

  branch(input: Val, term: Term): Branch {
    return { operand: term.val, end: headOf(term), ops: this.between(input, term.val) };
  }
}

/** Whether a sum is a table of attention scores: it becomes weights by Softmax and then enters a product. */
function isScore(sum: Val): boolean {
  const seen = new Set<Op>();
  const stack = [...sum.uses];
  for (let op = stack.pop(); op && seen.size < 24; op = stack.pop()) {
    if (seen.has(op)) continue;
    seen.add(op);
    if (op.kind === 'softmax') return op.outputs[0]?.uses.some((use) => !use.outputs[0]?.isOutput) ?? false;
    const passes = op.kind === 'layout' || op.kind === 'add' || op.type === 'Where' || op.type === 'Clip';
    if (passes || ((op.kind === 'mul' || op.kind === 'div') && dataInputs(op).length === 1)) {
      for (const val of op.outputs) stack.push(...val.uses);
    }
  }
  return false;
}

/** Whether a region transforms its input enough to be a branch: it mixes positions or channels, or pools. */
function isBranch(stats: RegionStats): boolean {
  return stats.mixes + stats.pools > 0;
}

/** Whether a region is a branch beside a skip with weights: it has several layers. */
function isTransformed(stats: RegionStats): boolean {
  return stats.nonlinear > 0 && (stats.weighted >= 2 || (stats.weighted >= 1 && stats.mixes >= 2));
}

/** The skip on which most branches hang; of equal ones the nearest. */
function bestSkip(meetings: readonly Meeting[]): Meeting | undefined {
  const votes = new Map<Step, number>();
  for (const { step } of meetings) votes.set(step, (votes.get(step) ?? 0) + 1);
  const rank = (meeting: Meeting): readonly number[] => [
    votes.get(meeting.step) as number,
    orderOf(meeting.step.val),
    -meeting.skip.chain.indexOf(meeting.step),
  ];
  let best: Meeting | undefined;
  for (const meeting of meetings) if (!best || isLess(rank(best), rank(meeting))) best = meeting;
  return best;
}

function isLess(a: readonly number[], b: readonly number[]): boolean {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at >= 0 && (a[at] as number) < (b[at] as number);
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
