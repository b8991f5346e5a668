import { chainOf, type ChainContext, isCutOff, isPlain } from './chain.js';
import { findConcat } from './concat.js';
import { acrossStages } from './across.js';
import { bestSkip, headOf, isNearest, isPassed, type Meeting, meetingsOf, searchBack, type Term } from './meetings.js';
import { isWhole } from './moves.js';
import { Pointwise } from './pointwise.js';
import { between, isBranch, isTransformed, type RegionStats, shrinks, statsOf } from './region.js';
import type { Branch, Site } from './site.js';
import { takesPart } from './parts.js';
import { Streams } from './streams.js';
import { isBroadcast, isPooled, isStretched } from './stretch.js';
import { isEmbedding, isGateSum, isScore, masksItsOwn } from './sum-role.js';
import { hasOneUse, type Op, orderOf, shapeOf, tensorOf, type Val, type View } from './view.js';

/** Most terms of a sum that are kept apart. */
const MOST_TERMS = 32;

/** What is known of a site when it is recorded. */
export type NewSite = Omit<Site, 'index' | 'previous' | 'origin' | 'linear' | 'entered'>;

/** Finds the sites of a view, in topological order. */
export class Detector implements ChainContext {
  readonly view: View;
  readonly pointwise: Pointwise;
  readonly streams: Streams;
  readonly sites = new Set<Site>();
  /** Sums that are no site, with their terms. */
  readonly sums = new Map<Val, readonly Term[]>();
  /** Operations between values, as long as no merge is added: by end and start. */
  readonly #regions = new Map<Val, Map<Val, readonly Op[]>>();
  #count = 0;

  constructor(view: View) {
    this.view = view;
    this.pointwise = new Pointwise(view);
    this.streams = new Streams(this);
    for (const op of view.ops) {
      if (op.kind === 'add') this.#sum(op);
      else if (op.kind === 'concat') findConcat(this, op);
      else continue;
      this.#regions.clear();
    }
  }

  isMerge(val: Val): boolean {
    return this.streams.mergeAt(val) !== undefined;
  }

  /** Records a site that continues the stream of a value. */
  record(site: NewSite, on: Val): Site {
    const { site: previous, origin } = this.streams.position(on);
    const linear = !site.crossing && site.branches.every(({ ops }) => statsOf(ops).nonlinear === 0);
    const made: Site = { ...site, index: this.#count++, previous, origin, linear, entered: false };
    this.sites.add(made);
    return made;
  }

  /** Operations between two values; merges of streams that began before are passed only when there is no other way. */
  between(from: Val, to: Val): readonly Op[] {
    let known = this.#regions.get(to);
    if (!known) this.#regions.set(to, (known = new Map()));
    let ops = known.get(from);
    if (!ops) known.set(from, (ops = this.#region(from, to)));
    return ops;
  }

  #region(from: Val, to: Val): readonly Op[] {
    const least = orderOf(from);
    const within = between(from, to, (val) => {
      const merge = val === to ? undefined : this.streams.mergeAt(val);
      if (!merge || orderOf(merge.origin) > least) return false;
      return !this.streams.isBefore(this.streams.position(from), merge);
    });
    return within.length > 0 ? within : between(from, to);
  }

  branch(input: Val, term: Term): Branch {
    return { operand: term.val, end: headOf(term), ops: this.between(input, term.val) };
  }

  #sum(op: Op): void {
    const output = op.outputs[0];
    if (!output || this.#isBiasOnly(op)) return;
    const terms = this.#flatten(op, output);
    const found = terms.length > 1 && this.#judge(op, output, terms);
    if (!found && terms.length <= MOST_TERMS) this.sums.set(output, terms);
  }

  #judge(op: Op, output: Val, terms: readonly Term[]): boolean {
    const meetings = meetingsOf(this.streams, terms).filter((meeting) => this.#isCarried(meeting, output));
    return (
      this.#carried(op, output, terms) ||
      this.#near(op, output, meetings, terms) ||
      this.#joined(op, output, terms) ||
      this.#nested(op, output, meetings) ||
      this.#far(op, output, meetings, terms)
    );
  }

  /** Whether a skip is no embedding and has the shape of the sum, or its branch has and the skip as many positions. */
  #isCarried({ skip, step, branch }: Meeting, sum: Val): boolean {
    const small = [skip, branch].every(({ val }) => isStretched(this.view, val, sum));
    return !isEmbedding(step.val) && !small && !isPooled(this.view, skip.val, branch.val);
  }

  /** Most sums add a parameter; these are left at once. */
  #isBiasOnly(op: Op): boolean {
    const data = op.inputs.filter((val) => val && !val.constant);
    const parameters = op.inputs.filter((val) => val?.constant);
    if (data.length > 1) return false;
    return parameters.every((val) => val !== undefined && this.#isBias(val, op.outputs[0] as Val));
  }

  /** Whether a constant operand is a bias: a vector, or stretched along some axis but the first. */
  #isBias(val: Val, sum: Val): boolean {
    const rank = tensorOf(val)?.shape.length;
    const [own, all] = [shapeOf(this.view, val), shapeOf(this.view, sum)];
    if (!val.op && (rank ?? own?.length ?? 0) < 2) return true;
    if (!own || !all) return !val.op;
    return own.length !== all.length || own.some((dim, index) => index > 0 && dim === 1 && all[index] !== 1);
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

  /** The terms of a sum that is no site, through layout and the bounds of quantization. */
  #innerTerms(val: Val): readonly Term[] | undefined {
    let at: Val | undefined = val;
    while (at && hasOneUse(at)) {
      const terms = this.sums.get(at);
      if (terms) return terms;
      if (at.op?.kind !== 'layout' && !(at.op && isCutOff(at.op))) return undefined;
      at = at.op.inputs[0];
    }
    return undefined;
  }

  /** A skip that passes by no site of its own stream. */
  #near(op: Op, output: Val, meetings: readonly Meeting[], terms: readonly Term[]): boolean {
    const near = meetings.filter((meeting) => !meeting.crossing && !isPassed(meeting, meetings));
    const found =
      bestSkip(near.filter((meeting) => isPlain(meeting.step) && this.#isBranch(meeting))) ??
      (isGateSum(output) || masksItsOwn(output, pastOf(terms))
        ? undefined
        : bestSkip(near.filter((meeting) => isNearest(meeting, near) && this.#isProjection(meeting))));
    if (!found || isScore(output)) return false;
    const { skip, step } = found;
    const meets = near.filter((m) => m.skip === skip && m.step === step);
    const branches = meets.filter((m) => m === found || this.#isBranch(m)).map((m) => this.branch(step.val, m.branch));
    const site = { op, output, input: step.val, operand: skip.val, skip: step, branches, crossing: false };
    this.#add({ kind: 'identity', ...site }, takesPart(this.view, step) ? headOf(skip).val : step.val);
    return true;
  }

  #add(site: NewSite, on: Val): void {
    this.streams.add(this.record(site, on));
  }

  /** A branch that is added to a site whose sum nothing else reads. */
  #joined(op: Op, output: Val, terms: readonly Term[]): boolean {
    for (const term of terms) {
      const site = this.streams.mergeAt(term.val);
      if (!site || site.crossing || !hasOneUse(term.val)) continue;
      const others = terms.filter((other) => other !== term && !this.isMerge(headOf(other).val));
      const joined = others.filter((other) => this.#descends(other, site.input));
      if (joined.length === 0) continue;
      this.streams.remove(site);
      this.#regions.clear();
      site.branches = [...site.branches, ...joined.map((other) => this.branch(site.input, other))];
      Object.assign(site, { op, output });
      this.streams.add(site);
      return true;
    }
    return false;
  }

  #descends(term: Term, from: Val): boolean {
    let found = false;
    const hit = (val: Val): boolean => val === from && (found = true);
    searchBack(this.streams, term.val, { least: orderOf(from), others: [], hit });
    return found && isBranch(statsOf(between(from, term.val)));
  }

  /** One more value of the stream in a sum that carries several of them. */
  #carried(op: Op, output: Val, terms: readonly Term[]): boolean {
    const term = terms.find(({ val }) => this.streams.mergeAt(val)?.crossing === true && hasOneUse(val));
    const site = term && this.streams.mergeAt(term.val);
    const [other, ...more] = terms.filter((each) => each !== term);
    if (!site || !other || more.length > 0) return false;
    const head = headOf(other).val;
    const position = this.streams.position(head);
    const onStream = position.origin === site.origin && (position.site !== undefined || head === site.origin);
    if (!onStream) return false;
    this.streams.remove(site);
    Object.assign(site, { op, output });
    if (position.site && (!site.previous || position.site.index > site.previous.index)) {
      site.previous = position.site;
      site.branches = [{ operand: other.val, end: headOf(other), ops: [] }];
    }
    this.streams.add(site);
    return true;
  }

  /**
   * A skip around a stream of its own: the branch takes its input to another width and back (bottlenecks of MobileBERT), or normalizes
   * it and holds one residual connection itself. The first site of the inner stream then begins it.
   */
  #nested(op: Op, output: Val, meetings: readonly Meeting[]): boolean {
    const found = bestSkip(meetings.filter(({ crossing, step }) => crossing && isPlain(step)));
    const inner = found && this.#innerStream(found);
    if (!found || !inner) return false;
    this.streams.restart(inner, this.sites);
    this.#regions.clear();
    const { step, skip, branch } = found;
    const branches = [this.branch(step.val, branch)];
    this.#add(
      { kind: 'identity', op, output, input: step.val, operand: skip.val, skip: step, branches, crossing: false },
      step.val,
    );
    return true;
  }

  /** The first site that a long skip passes by, when it begins a stream of its own. */
  #innerStream({ step, branch }: Meeting): Site | undefined {
    const end = this.streams.lastMergeBefore(branch.val, step.val);
    const start = this.streams.position(step.val).site;
    if (!end || end.output === branch.val) return undefined;
    let first: Site = end;
    let count = 1;
    for (; first.previous && first.previous !== start; first = first.previous) count++;
    if (first.crossing || first.previous !== start) return undefined;
    const [outer, own] = [shapeOf(this.view, step.val), shapeOf(this.view, first.output)];
    const projected = first.skip.weights.length > 0 && first.input === step.val;
    const linear = projected && (count === 1 || String(outer) !== String(own));
    if (linear && !first.skip.weights.some(shrinks) && !first.skip.moves.some(shrinks)) return first;
    return count === 1 && this.streams.isNormed(first.input, step.val) ? first : undefined;
  }

  /** A skip that passes by sites of its own stream, or that adds a scaled copy of a site's result to itself. */
  #far(op: Op, output: Val, meetings: readonly Meeting[], terms: readonly Term[]): boolean {
    const far = meetings.filter(({ crossing, step }) => crossing && isWhole(step) && !step.val.constant);
    const found = bestSkip(far) ?? this.#copies(terms) ?? acrossStages(this, terms);
    if (!found || masksItsOwn(output, pastOf(terms))) return false;
    const main: Branch = { operand: found.branch.val, end: headOf(found.branch), ops: [] };
    const { step } = found;
    const site = { op, output, input: step.val, operand: found.skip.val, skip: step, branches: [main] };
    this.#add({ kind: 'long-additive', ...site, crossing: true }, main.operand);
    return true;
  }

  /** Two terms that are the same value of a stream, one of them times a parameter. */
  #copies(terms: readonly Term[]): Meeting | undefined {
    const [a, b] = terms.map((term) => ({ term, step: headOf(term) }));
    if (terms.length !== 2 || !a || !b || a.step.val !== b.step.val || !this.isMerge(a.step.val)) return undefined;
    if (a.step.coefficients.length + b.step.coefficients.length === 0) return undefined;
    const [skip, branch] = a.step.coefficients.length > 0 ? [a, b] : [b, a];
    return { skip: skip.term, step: skip.step, branch: branch.term, crossing: true };
  }

  /** A skip with weights or another shape beside a branch of several layers, neither stretched to the other nor sent to experts. */
  #isProjection(meeting: Meeting): boolean {
    const { skip, step, branch } = meeting;
    if (isPlain(step) || step.gates.length > 0) return false;
    if (this.#isSpread(skip.val, branch.val) || this.#isSpread(branch.val, skip.val)) return false;
    const stats = this.#stats(meeting);
    return isTransformed(stats) && !stats.routes;
  }

  /** Whether a value has fewer axes than another, or is stretched to it. */
  #isSpread(a: Val, b: Val): boolean {
    const [from, to] = [shapeOf(this.view, a), shapeOf(this.view, b)];
    return from?.length === to?.length && from ? isStretched(this.view, a, b) : isBroadcast(this.view, a, b);
  }

  /** A branch that mixes positions or channels and gives something for every position of the skip: one vector for all conditions. */
  #isBranch(meeting: Meeting): boolean {
    const head = headOf(meeting.branch).val;
    const descends = head === meeting.step.val || this.between(meeting.step.val, head).length > 0;
    return descends && !isPooled(this.view, meeting.branch.val, meeting.skip.val) && isBranch(this.#stats(meeting));
  }

  #stats({ step, branch }: Meeting): RegionStats {
    return statsOf(this.between(step.val, branch.val));
  }
}

/** The values that the terms of a sum come from linearly. */
function pastOf(terms: readonly Term[]): ReadonlySet<Val> {
  return new Set(terms.flatMap(({ chain }) => chain.map(({ val }) => val)));
}
