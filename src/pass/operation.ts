import type { Model } from '../ir/model.js';
import type { Value } from '../ir/value.js';
import type { Parameters } from '../recipe/parameters.js';
import type { Operation } from '../recipe/recipe.js';
import type { NumericArray } from '../tensor/array.js';
import type { Pass, Semantics } from './pass.js';

/** What a rewriting pass gets: the operation as the recipe has it, and the tensors that came with it. */
export interface OperationOptions {
  readonly operation: Operation;
  readonly parameters: Parameters;
}

/**
 * Runs pieces of the original model for the reference of an operation that changes the function. Nothing of the edited graph is
 * involved: values are those of the model before the rewrite.
 */
export interface Taps {
  /** The original model; the values below are its. */
  readonly model: Model;
  /**
   * Values under the overrides so far, and under `given`, which holds for this call only: whoever reads an overridden value, reads the
   * array instead of what the model computes. With `given`, the values that are asked for are computed even where they are overridden.
   */
  get(values: readonly Value[], given?: ReadonlyMap<Value, NumericArray>): Promise<readonly NumericArray[]>;
  /** From now on every reader of `value`, graph outputs included, reads this array. */
  override(value: Value, array: NumericArray): void;
}

/** What a named block computes before an operation and after it, with x for what it reads and F for its branch. */
export interface Equations {
  readonly before: string;
  readonly after: string;
}

/**
 * A pass that carries out one operation of a recipe. It throws a ResonnxError with a code of `recipe/` or `rewrite/` when the request
 * cannot be carried out right: nothing is emitted then.
 */
export interface OperationPass extends Pass<OperationOptions> {
  /** Options that it knows; others have no effect, and people are told so. */
  readonly optionNames: readonly string[];
  /** The promise for this very request, never weaker than what it does: e.g. a gate of 1 is `equivalent`, of 0 `changes-function`. */
  semanticsOf(request: OperationOptions): Semantics;
  /** The equations of this very request, for people to read. @throws ResonnxError `recipe/option-invalid` */
  equations(request: OperationOptions): Equations;
  /**
   * What the new network computes, step by step over taps of the original: overrides values in the order of the model's blocks until
   * the graph outputs are right. Required for requests that change the function.
   */
  reference?(request: OperationOptions, taps: Taps): Promise<void>;
}
