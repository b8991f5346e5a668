import type { Change } from '../ir/journal.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { pathOf } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import type { Match } from '../pattern/match.js';
import type { Miss } from '../pattern/miss.js';
import { InvariantError, invariant } from '../support/invariant.js';
import { attempt, showMiss } from './attempt.js';
import type { Edit } from './edit.js';
import { growthOf } from './growth.js';
import { neighbours } from './neighbours.js';
import type { Rule, RuleHost } from './rule.js';
import { checkSeam } from './seam.js';

/** Rewrites per node of the model, beyond which rules are taken to go round in circles. */
const REWRITES_PER_NODE = 4;

/** Rules by the operator at which they start, with how far below a change they may find something new. */
export interface RuleIndex<O extends object = object> {
  readonly rules: ReadonlyMap<string, readonly Rule<O>[]>;
  /** Nodes from the root of the deepest pattern to its leaves. */
  readonly depth: number;
}

/**
 * Applies rules wherever they fit, in all graphs, bodies and functions, until none fits any more: readers before what they read, so
 * that the largest pattern wins, and at each node the first rule that fits; after a rewrite the nodes around it come again. Reports for every rule and node that looked promising
 * and did not fit the nearest miss. Deterministic; O(nodes · rules per operator) but for rewrites.
 * @throws InvariantError when rules keep on rewriting, or put a value of another type into a place
 */
export function runRules<O extends object>(model: Model, index: RuleIndex<O>, host: RuleHost<O>): void {
  new Driver(model, index, host).run();
}

interface Missed<O extends object> {
  readonly rule: Rule<O>;
  readonly miss: Miss;
}

class Driver<O extends object> {
  readonly #model: Model;
  readonly #index: RuleIndex<O>;
  readonly #host: RuleHost<O>;
  readonly #queue: Node[] = [];
  readonly #waiting = new Set<Node>();
  readonly #misses = new Map<Node, readonly Missed<O>[]>();
  #budget = 0;
  #growth = 0;

  constructor(model: Model, index: RuleIndex<O>, host: RuleHost<O>) {
    this.#model = model;
    this.#index = index;
    this.#host = host;
  }

  run(): void {
    for (const graph of this.#model.graphs()) {
      this.#budget += REWRITES_PER_NODE * graph.nodes.size;
      for (const node of [...(graph.findTopo() ?? graph.nodes.values())].reverse()) this.#enqueue(node);
    }
    for (let at = 0; at < this.#queue.length; at++) {
      const node = this.#queue[at] as Node;
      this.#waiting.delete(node);
      if (at % 1024 === 0) this.#host.signal?.throwIfAborted();
      if (node.alive) this.#visit(node);
    }
    for (const [node, misses] of this.#misses) {
      if (!node.alive) continue;
      for (const { rule, miss } of misses) this.#host.decline(rule.name, node, showMiss(miss, node), miss.matched);
    }
  }

  #enqueue(node: Node): void {
    if (this.#waiting.has(node) || !this.#index.rules.has(node.op)) return;
    this.#waiting.add(node);
    this.#queue.push(node);
  }

  #visit(node: Node): void {
    const misses: Missed<O>[] = [];
    this.#misses.set(node, misses);
    for (const rule of this.#index.rules.get(node.op) ?? []) {
      const found = attempt(rule, node, this.#host, this.#host.explains);
      const miss = found.fits ? this.#apply(rule, found.match) : found.miss;
      if (found.fits && !miss) return;
      if (miss && this.#host.explains) misses.push({ rule, miss });
    }
  }

  /** Carries a rewrite out; gives what stood in the way. */
  #apply(rule: Rule<O>, match: Match): Miss | undefined {
    const { root } = match;
    const near = new Set(neighbours(match, this.#index.depth));
    let reason = 'the rewrite was not accepted';
    let growth = 0;
    const stands = this.#host.rewrite(rule.name, root, (edit) => {
      const made = this.#edit(rule, match, edit, near);
      if (typeof made === 'string') reason = made;
      else growth = made;
      return typeof made !== 'string';
    });
    if (!stands) return { matched: match.nodes.length, blame: undefined, reason };
    this.#growth += growth;
    if (this.#budget-- <= 0) {
      throw new InvariantError(`rules keep on rewriting: the last was ${rule.name} at ${pathOf(root)}`);
    }
    for (const node of near) if (node.alive) this.#enqueue(node);
    return undefined;
  }

  /** Builds the replacement and puts it in place; gives by how many bytes constants grow, or why it is not done. */
  #edit(rule: Rule<O>, match: Match, edit: Edit, near: Set<Node>): number | string {
    let made: Value | readonly Value[] | undefined;
    const changes = this.#model.transaction(() => {
      made = rule.rewrite(match, edit, this.#host);
    });
    if (made === undefined) return 'the rule found no replacement';
    const values = Array.isArray(made) ? (made as readonly Value[]) : [made as Value];
    const rest = match.root.outputs.slice(values.length).find((value) => value.uses.size > 0);
    if (rest) return `output ${match.root.outputs.indexOf(rest)} of ${match.root.op} is used`;
    const growth = growthOf(changes ?? [], match);
    if (growth > 0 && this.#growth + growth > this.#host.maxGrowth) {
      return `the model would grow by ${growth} bytes; ${Math.max(0, this.#host.maxGrowth - this.#growth)} are allowed`;
    }
    this.#replace(rule, match.root, values, edit);
    for (const node of addedBy(changes ?? [])) near.add(node);
    return growth;
  }

  #replace(rule: Rule<O>, root: Node, values: readonly Value[], edit: Edit): void {
    invariant(values.length <= root.outputs.length, `rule ${rule.name} gives more values than ${root.op} has outputs`);
    for (const [index, to] of values.entries()) {
      const from = root.outputs[index] as Value;
      checkSeam(rule.name, from, to, this.#host.types);
      edit.replace(from, to);
    }
  }
}

function* addedBy(changes: readonly Change[]): Generator<Node> {
  for (const change of changes) if (change.kind === 'add-node') yield change.node;
}
