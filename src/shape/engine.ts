import { type Dim, symbol } from '../dim/dim.js';
import type { Graph } from '../ir/graph.js';
import { functionKey, type Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import { checkInputs } from './checks.js';
import { NodeContext, type NodeHost } from './context.js';
import type { BodyRun, Steps } from './control.js';
import { mergeDeclared, withDeclaredDType } from './declared.js';
import { type Fact, UNKNOWN } from './fact.js';
import { callFunction } from './functions.js';
import { definedFact } from './inputs.js';
import { findInfer, findInferBodies } from './registry.js';
import { Scope } from './scope.js';

/** A node whose inference runs graphs, or a graph that is being run for one. */
type Frame =
  | {
      readonly kind: 'node';
      readonly cx: NodeContext;
      readonly scope: Scope;
      readonly steps: Steps;
      answer: readonly Fact[];
    }
  | {
      readonly kind: 'graph';
      readonly graph: Graph;
      readonly scope: Scope;
      readonly order: readonly Node[];
      at: number;
    };

/** Runs the inference of nodes and graphs, on a stack of its own, and hands out symbols. */
export class Engine {
  readonly model: Model;
  /** For functions: what holds in all calls seen. */
  readonly #summaries = new Map<Graph, Scope>();
  readonly #isTaken: (name: string) => boolean;
  readonly #fresh = new Set<string>();
  #counter = 0;
  #isQuiet = false;
  /** Nodes that may still be inferred: calls within calls and loops within loops can take exponential time. */
  #budget: number | undefined;

  readonly #provenOnly: boolean;

  /** `isTaken` tells the symbols that the model itself uses; `provenOnly` leaves declared shapes out. */
  constructor(model: Model, isTaken: (name: string) => boolean, provenOnly: boolean) {
    this.model = model;
    this.#isTaken = isTaken;
    this.#provenOnly = provenOnly;
  }

  /** Infers every node of a graph. */
  runGraph(graph: Graph, scope: Scope): void {
    const order = graph.findTopo();
    if (order) this.#run([{ kind: 'graph', graph, scope, order, at: 0 }]);
  }

  /** Whether a dim is a symbol made by {@link NodeContext.fresh}. */
  isFresh(dim: Dim): boolean {
    return dim !== null && typeof dim === 'object' && dim.key.startsWith('1*') && this.#fresh.has(dim.key.slice(2));
  }

  /** Whether a symbol of this name was made by {@link NodeContext.fresh}. */
  isFreshName(name: string): boolean {
    return this.#fresh.has(name);
  }

  /** The fact of a value as far as it was inferred. */
  known(value: Value, scope: Scope): Fact | undefined {
    const known = scope.facts.get(value);
    if (known) return known;
    const fact = definedFact(value);
    if (fact) scope.facts.set(value, fact);
    return fact;
  }

  /** What holds in all calls of a function. */
  summary(graph: Graph): Scope {
    const known = this.#summaries.get(graph);
    if (known) return known;
    const scope = new Scope(new Map(), 0);
    for (const slot of graph.inputs) scope.facts.set(slot.value, UNKNOWN);
    this.#summaries.set(graph, scope);
    return scope;
  }

  /** Takes a call into account. */
  summarize(graph: Graph, merge: (inputs: readonly Fact[] | undefined) => readonly Fact[] | undefined): void {
    const known = this.#summaries.get(graph);
    const inputs = merge(known && graph.inputs.map((slot) => known.facts.get(slot.value) ?? UNKNOWN));
    if (!inputs) return;
    const scope = new Scope(new Map(), 0);
    graph.inputs.forEach((slot, index) => scope.facts.set(slot.value, inputs[index] ?? UNKNOWN));
    this.#summaries.set(graph, scope);
  }

  /** Infers a value that was not reached: what it depends on first. Reports nothing: it may stand where nothing ever runs. */
  demand(value: Value, scope: Scope): Fact {
    this.#isQuiet = true;
    const stack: Node[] = [];
    const opened = new Set<Node>();
    const need = (each: Value): void => {
      if (this.known(each, scope)) return;
      const node = each.producer ?? each.graph.parent;
      if (node && !opened.has(node)) stack.push(node);
      else if (!node) scope.facts.set(each, UNKNOWN);
    };
    need(value);
    for (let node = stack.at(-1); node; node = stack.at(-1)) {
      if (!opened.has(node)) {
        opened.add(node);
        for (const input of node.inputs) if (input) need(input);
        for (const input of capturedValues(node)) need(input);
        if (stack.at(-1) !== node) continue;
      }
      stack.pop();
      if (node.outputs.some((output) => !scope.facts.has(output)) || !scope.facts.has(value)) {
        this.#run(this.#start(node, scope));
      }
    }
    this.#isQuiet = false;
    return scope.facts.get(value) ?? UNKNOWN;
  }

  #run(stack: Frame[]): void {
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      if (top.kind === 'graph') {
        const node = top.order[top.at++];
        if (node) stack.push(...this.#start(node, top.scope));
        else {
          stack.pop();
          const below = stack.at(-1);
          if (below?.kind === 'node') below.answer = this.#outputs(top.graph, top.scope);
        }
        continue;
      }
      const step = top.steps.next(top.answer);
      if (step.done) {
        stack.pop();
        this.#finish(top.cx, top.scope);
      } else {
        const frame = this.#enter(step.value, top.scope);
        if (frame) stack.push(frame);
        else top.answer = [];
      }
    }
  }

  /** Infers a node at once, or gives the frame that has to be run for it. */
  #start(node: Node, scope: Scope): Frame[] {
    const cx = new NodeContext(node, this.#hostOf(scope));
    checkInputs(cx);
    const steps = this.#stepsOf(cx, scope);
    if (steps) return [{ kind: 'node', cx, scope, steps, answer: [] }];
    findInfer(node.op)?.(cx);
    this.#finish(cx, scope);
    return [];
  }

  #hostOf(scope: Scope): NodeHost {
    scope.host ??= {
      attributes: scope.attributes,
      fact: (value) => this.known(value, scope) ?? UNKNOWN,
      fresh: (node, count) => this.#symbol(scope, node, count),
      isFresh: (dim) => this.isFresh(dim),
    };
    return scope.host;
  }

  #stepsOf(cx: NodeContext, scope: Scope): Steps | undefined {
    const { domain, opType, overload, op } = cx.node;
    const { functions } = this.model;
    const fn = functions.size > 0 && functions.get(functionKey({ domain, name: opType, overload }));
    const steps = fn ? callFunction(cx, fn, scope, this) : findInferBodies(op)?.(cx);
    return steps && this.#spend() ? steps : undefined;
  }

  /** Whether another node may run graphs. */
  #spend(): boolean {
    this.#budget ??= 100_000 + 4 * countNodes(this.model);
    return this.#budget > 0;
  }

  #enter(run: BodyRun, around: Scope): Frame | undefined {
    const scope = run.scope ?? around;
    const order = run.graph.findTopo();
    if (!order) return undefined;
    this.#budget = (this.#budget ?? 0) - order.length - 1;
    run.graph.inputs.forEach((slot, index) => scope.facts.set(slot.value, run.inputs[index] ?? UNKNOWN));
    return { kind: 'graph', graph: run.graph, scope, order, at: 0 };
  }

  #outputs(graph: Graph, scope: Scope): readonly Fact[] {
    return graph.outputs.map((slot) => this.known(slot.value, scope) ?? UNKNOWN);
  }

  #finish(cx: NodeContext, scope: Scope): void {
    const { node } = cx;
    node.outputs.forEach((value, index) => {
      if (!cx.results[index]) cx.outputDefault(index);
      const fact = cx.results[index] ?? UNKNOWN;
      scope.facts.set(value, this.#provenOnly ? withDeclaredDType(value, fact) : mergeDeclared(cx, value, fact));
    });
    if (this.#isQuiet) return;
    if (cx.problems.length > 0) scope.problems.set(node, cx.problems);
    else scope.problems.delete(node);
  }

  #symbol(scope: Scope, node: Node, count: number): Dim {
    let made = scope.symbols.get(node);
    if (!made) scope.symbols.set(node, (made = []));
    while (made.length <= count) made.push(this.#newSymbol());
    return made[count] ?? null;
  }

  #newSymbol(): Dim {
    let name = `u${this.#counter++}`;
    while (this.#isTaken(name)) name = `u${this.#counter++}`;
    const dim = symbol(name);
    this.#fresh.add(name);
    return dim;
  }
}

function countNodes(model: Model): number {
  let count = 0;
  for (const graph of model.graphs()) count += graph.nodes.size;
  return count;
}
