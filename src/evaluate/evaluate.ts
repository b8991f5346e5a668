import { functionKey, type Model } from '../ir/model.js';
import type { NumericArray } from '../tensor/array.js';
import type { Budget } from './call.js';
import { CONTROL } from './control.js';
import { type Elements, fromNumeric, toNumeric } from './elements.js';
import { Interpreter } from './interpret.js';
import { KERNELS } from './kernels.js';
import { type Reason, Stop } from './stop.js';

/** How a model is evaluated. */
export interface EvaluateOptions {
  /** Most operations on elements (a multiply-add is one). */
  readonly limit: number;
  /** Rounds the result of every operator to its dtype, as a runtime does; else only Cast rounds. */
  readonly round?: boolean;
}

/** What an evaluation came to. */
export type Evaluation =
  | { readonly kind: 'values'; readonly outputs: Readonly<Record<string, Elements>>; readonly operations: number }
  | Reason;

/**
 * Computes a model in float64, by the definitions of its operators alone: floating point numbers are not rounded to their dtype (but by
 * Cast to a narrower one), integers wrap around, and nothing depends on a runtime. Never throws for what a model says.
 */
export function evaluateModel(
  model: Model,
  feeds: Readonly<Record<string, NumericArray>>,
  { limit, round = false }: EvaluateOptions,
): Evaluation {
  const budget: Budget = { left: limit, limit };
  try {
    const inputs = model.graph.inputs.map(({ name }) => {
      const given = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
      return given && fromNumeric(given);
    });
    const results = new Interpreter(model, budget, round).run(inputs);
    const outputs = Object.fromEntries(model.graph.outputs.map(({ name }, i) => [name, results[i]!]));
    return { kind: 'values', outputs, operations: limit - budget.left };
  } catch (cause) {
    if (cause instanceof Stop) return cause.reason;
    throw cause;
  }
}

/** Operators of the model that are not covered at all, sorted; uses of covered ones may turn out not to be. */
export function uncoveredOperators(model: Model): readonly string[] {
  const found = new Set<string>();
  for (const graph of model.graphs()) {
    for (const { op, domain, opType, overload } of graph.nodes.values()) {
      if (KERNELS.has(op) || CONTROL.has(op)) continue;
      if (!model.functions.has(functionKey({ domain, name: opType, overload }))) found.add(op);
    }
  }
  return [...found].sort((a, b) => (a < b ? -1 : 1));
}

/** Outputs as a runtime would give them: rounded once to their dtype. */
export function roundedOutputs(outputs: Readonly<Record<string, Elements>>): Readonly<Record<string, NumericArray>> {
  return Object.fromEntries(Object.entries(outputs).map(([name, elements]) => [name, toNumeric(elements)]));
}
