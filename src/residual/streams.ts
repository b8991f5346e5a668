import type { Pointwise } from './pointwise.js';
import type { Site } from './site.js';
import { dataInputs, type Op, orderOf, type Val } from './view.js';

/** Where a value stands on a stream: after a site, or at the value where a stream may begin. */
export interface Position {
  readonly site: Site | undefined;
  readonly origin: Val;
}

/** The merges found so far and the streams that they make: chains of sites, each of which reads what the one before gives. */
export class Streams {
  readonly #pointwise: Pointwise;
  readonly #merges = new Map<Val, Site>();
  readonly #positions = new Map<Val, Position>();

  constructor(pointwise: Pointwise) {
    this.#pointwise = pointwise;
  }

  /** The additive merge that gives the value. */
  mergeAt(val: Val): Site | undefined {
    return this.#merges.get(val);
  }

  add(site: Site): void {
    this.#merges.set(site.output, site);
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
      const site = this.#merges.get(at);
      const back = site ? undefined : this.#back(at);
      if (!back) found = { site, origin: site?.origin ?? at };
      else found = this.#positions.get((at = back));
    }
    for (const each of way) if (this.#merges.size > 0 || found.site) this.#remember(each, found);
    return found;
  }

  /** Positions are final once the operation that makes them has been judged: values are asked about in topological order. */
  #remember(val: Val, position: Position): void {
    this.#positions.set(val, position);
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

  #back(val: Val): Val | undefined {
    const { op } = val;
    if (!op) return undefined;
    const source = this.#pointwise.source(val);
    if (source) return source.of;
    switch (op.kind) {
      case 'layout':
      case 'norm':
        return op.inputs[0];
      case 'phi':
        return latest(op);
      case 'concat':
        return tokens(op);
      default:
        return undefined;
    }
  }
}

function latest(op: Op): Val | undefined {
  return op.inputs.reduce((best, val) => (val && (!best || orderOf(val) > orderOf(best)) ? val : best), undefined);
}

/** A Concat with parameters: class tokens, registers. */
function tokens(op: Op): Val | undefined {
  const data = dataInputs(op);
  return data.length === 1 ? data[0] : undefined;
}
