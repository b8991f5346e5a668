import { type ChainContext, copyOf } from './chain.js';
import type { Site } from './site.js';
import { dataInputs, type Op, orderOf, type Val } from './view.js';

/** Where a value stands on a stream: after a site, or at the value where a stream may begin. */
export interface Position {
  readonly site: Site | undefined;
  readonly origin: Val;
}

/** The merges found so far and the streams that they make: chains of sites, each of which reads what the one before gives. */
export class Streams {
  readonly #cx: ChainContext;
  readonly #merges = new Map<Val, Site>();
  readonly #joins = new Map<Val, Site>();
  readonly #positions = new Map<Val, Position>();

  constructor(cx: ChainContext) {
    this.#cx = cx;
  }

  /** The additive merge that gives the value. */
  mergeAt(val: Val): Site | undefined {
    return this.#merges.get(val);
  }

  add(site: Site): void {
    this.#merges.set(site.output, site);
  }

  /** Records a Concat: streams go on through it, but it hides nothing from searches. */
  addJoin(site: Site): void {
    this.#joins.set(site.output, site);
  }

  /** The last Concat on the ways from `from` to `to`. */
  lastJoinBefore(to: Val, from: Val): Site | undefined {
    const least = orderOf(from);
    const seen = new Set<Val>();
    const stack: Val[] = [to];
    let last: Site | undefined;
    for (let val = stack.pop(); val; val = stack.pop()) {
      if (seen.has(val) || orderOf(val) <= least) continue;
      seen.add(val);
      const join = this.#joins.get(val);
      if (join && (!last || join.index > last.index)) last = join;
      if (!join && !this.#merges.has(val)) for (const input of val.op?.inputs ?? []) if (input) stack.push(input);
    }
    return last;
  }

  remove(site: Site): void {
    this.#merges.delete(site.output);
  }

  /** The place on a stream that a value has: norms, activations, scales, shifts and layout do not leave it. */
  position(val: Val): Position {
    const way: Val[] = [];
    let at: Val = val;
    let found = this.#positions.get(at);
    while (!found) {
      way.push(at);
      const site = this.#merges.get(at) ?? this.#joins.get(at);
      const back = site ? undefined : this.#back(at);
      if (!back) found = { site, origin: site?.origin ?? at };
      else found = this.#positions.get((at = back));
    }
    for (const each of way) this.#positions.set(each, found);
    return found;
  }

  /** Makes a site the first one of a stream that begins with its skip; those that follow it belong to that stream. */
  restart(site: Site, all: Iterable<Site>): void {
    const origin = site.skip.weights.length > 0 ? site.operand : site.input;
    site.previous = undefined;
    site.entered = site.skip.weights.length > 0;
    const moved = new Set<Site>([site]);
    for (const each of all) {
      if (each !== site && !(each.previous && moved.has(each.previous))) continue;
      moved.add(each);
      each.origin = origin;
    }
    site.skip = { ...site.skip, val: origin, weights: [], norms: 0 };
    this.#positions.clear();
  }

  /** The last merge on the ways from `from` to `to`. */
  lastMergeBefore(to: Val, from: Val): Site | undefined {
    const least = orderOf(from);
    const seen = new Set<Val>();
    const stack: Val[] = [to];
    let last: Site | undefined;
    for (let val = stack.pop(); val; val = stack.pop()) {
      if (seen.has(val) || orderOf(val) <= least) continue;
      seen.add(val);
      const merge = this.#merges.get(val);
      if (merge && !merge.linear) {
        if (this.isBefore(this.position(from), merge) && (!last || merge.index > last.index)) last = merge;
        continue;
      }
      for (const input of val.op?.inputs ?? []) if (input) stack.push(input);
    }
    return last;
  }

  /** Whether a position lies on the stream of a site and before it. */
  isBefore(position: Position, site: Site): boolean {
    if (position.origin !== site.origin) return false;
    if (!position.site) return true;
    for (let at = site.previous; at && at.index >= position.site.index; at = at.previous) {
      if (at === position.site) return true;
    }
    return false;
  }

  /** Whether `val` is a normalized form of `of`. */
  isNormed(val: Val, of: Val): boolean {
    let normed = false;
    for (let at: Val | undefined = val; at; at = this.#back(at)) {
      if (at === of) return normed;
      if (this.#merges.has(at)) return false;
      if (at.op?.kind === 'norm') normed = true;
    }
    return false;
  }

  #back(val: Val): Val | undefined {
    const { op } = val;
    if (!op) return undefined;
    const source = this.#cx.pointwise.source(val);
    if (source) return source.of;
    return (op.kind === 'concat' ? tokens(op) : undefined) ?? copyOf(this.#cx, val);
  }
}

/** A Concat with parameters: class tokens, registers. */
function tokens(op: Op): Val | undefined {
  const data = dataInputs(op);
  return data.length === 1 ? data[0] : undefined;
}
