import type { Graph } from '../ir/graph.js';
import type { NodeContext } from './context.js';
import type { Fact } from './fact.js';
import type { Scope } from './scope.js';

/** A request to run a graph: facts for its inputs, answered with those of its outputs. */
export interface BodyRun {
  readonly graph: Graph;
  readonly inputs: readonly Fact[];
  /** The scope of a function call; bodies of a node live in the scope around. */
  readonly scope?: Scope;
}

/** Inference of a node that runs graphs: a coroutine, so that nesting takes no stack. */
export type Steps = Generator<BodyRun, void, readonly Fact[]>;

/** Infers the outputs of one node that has bodies. */
export type InferBodies = (cx: NodeContext) => Steps;
