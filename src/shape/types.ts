import type { Diagnostic } from '../diagnostics/diagnostic.js';
import type { Dim } from '../dim/dim.js';
import type { Model } from '../ir/model.js';
import type { Shape, TensorType, Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { DType } from '../tensor/dtype.js';
import { Engine } from './engine.js';
import type { Fact, SymbolicTensor } from './fact.js';
import { inputFacts } from './inputs.js';
import { problemsOf, Scope } from './scope.js';

export interface TypesOptions {
  /** Sizes of the main graph's inputs by name; `null` keeps the declared one. */
  readonly shapes?: ReadonlyMap<string, Shape>;
  /**
   * Leaves out shapes that the model declares for values that nodes make: they may be stale, and the runtime does not hold the model
   * to them. What then is known is proven by the operators and the inputs alone. Declared dtypes stay.
   */
  readonly provenOnly?: boolean;
}

/** Types of all values of a model as far as they follow from its operators. Never throws for a bad model. O(nodes) but for loops and calls. */
export function inferTypes(model: Model, options: TypesOptions = {}): Types {
  return new Types(model, options);
}

/**
 * What is known of every value of a model. What holds of a value holds after any rewrite that keeps what the model computes, so an
 * instance stays valid while a model is edited: values of new nodes are inferred when they are asked for. After a pass that changes
 * the function, make a new one.
 */
export class Types {
  readonly model: Model;
  readonly #engine: Engine;
  readonly #main = new Scope(new Map(), 0);
  readonly #inputProblems: readonly Diagnostic[];

  constructor(model: Model, options: TypesOptions = {}) {
    this.model = model;
    const { facts, isTaken, problems } = inputFacts(model, options.shapes ?? new Map<string, Shape>());
    for (const [value, fact] of facts) this.#main.facts.set(value, fact);
    this.#inputProblems = problems;
    this.#engine = new Engine(model, isTaken, options.provenOnly ?? false);
    this.#engine.runGraph(model.graph, this.#main);
  }

  /** Contradictions: of the model with itself, of declared with inferred types, of bindings with declared dims. */
  get diagnostics(): readonly Diagnostic[] {
    return [...this.#inputProblems, ...problemsOf(this.#main)];
  }

  /** The type of a value; of a value in a function, what holds in every call. */
  of(value: Value): Type | undefined {
    return this.fact(value).type;
  }

  /** The type of a value that is a tensor. */
  tensor(value: Value): TensorType | undefined {
    const type = this.of(value);
    return type?.kind === 'tensor' ? type : undefined;
  }

  /** The shape of a tensor. */
  shape(value: Value): Shape | undefined {
    return this.tensor(value)?.shape;
  }

  /** The element type of a tensor. */
  dtype(value: Value): DType | undefined {
    return this.tensor(value)?.dtype;
  }

  /** The followed elements of a small tensor; numbers at ±(2^53 − 1) stand for anything at least as far out. */
  elements(value: Value): SymbolicTensor | undefined {
    return this.fact(value).elements;
  }

  /** Whether a dim is a symbol that stands for a size that depends on data, or that cannot be expressed. */
  isFresh(dim: Dim): boolean {
    return this.#engine.isFresh(dim);
  }

  /** Whether a symbol of this name is one of those. */
  isFreshName(name: string): boolean {
    return this.#engine.isFreshName(name);
  }

  /** All that is known of a value. */
  fact(value: Value): Fact {
    const scope = this.#scopeOf(value);
    return this.#engine.known(value, scope) ?? this.#engine.demand(value, scope);
  }

  #scopeOf(value: Value): Scope {
    let graph = value.graph;
    for (let outer = graph.outer; outer; outer = graph.outer) graph = outer;
    return graph.role.kind === 'function' ? this.#engine.summary(graph) : this.#main;
  }
}
