import { extractModel } from '../ir/extract.js';
import type { Model } from '../ir/model.js';
import { tensorType } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { Taps } from '../pass/operation.js';
import { invariant } from '../support/invariant.js';
import type { NumericArray } from '../tensor/array.js';
import type { Runtime, Session } from './runtime.js';

/**
 * Taps of a model: pieces of it, cut out and run by a runtime with its optimizations off. One instance serves several feeds in turn;
 * the pieces are cut once.
 */
export class ModelTaps implements Taps {
  readonly model: Model;
  readonly #runtime: Runtime;
  readonly #sessions = new Map<string, Promise<Piece>>();
  #overrides = new Map<Value, NumericArray>();

  constructor(model: Model, runtime: Runtime) {
    this.model = model;
    this.#runtime = runtime;
  }

  /** Forgets all overrides and starts from these inputs of the graph. */
  feed(feeds: Readonly<Record<string, NumericArray>>): void {
    this.#overrides = new Map();
    for (const slot of this.model.graph.inputs) {
      const array = feeds[slot.name];
      if (array) this.#overrides.set(slot.value, array);
    }
  }

  override(value: Value, array: NumericArray): void {
    this.#overrides.set(value, array);
  }

  async get(
    values: readonly Value[],
    given: ReadonlyMap<Value, NumericArray> = new Map(),
  ): Promise<readonly NumericArray[]> {
    const known = new Map(this.#overrides);
    if (given.size > 0) for (const value of values) known.delete(value);
    for (const [value, array] of given) known.set(value, array);
    const wanted = values.filter((value) => !known.has(value));
    const found = wanted.length === 0 ? {} : await this.#run(wanted, known);
    return values.map((value) => known.get(value) ?? found[outputName(value)]!);
  }

  /** The outputs of the graph under the overrides, by name. */
  async outputs(): Promise<Readonly<Record<string, NumericArray>>> {
    const slots = this.model.graph.outputs;
    const arrays = await this.get(slots.map((slot) => slot.value));
    return Object.fromEntries(slots.map((slot, i) => [slot.name, arrays[i]!]));
  }

  /** Ends all sessions. */
  async release(): Promise<void> {
    for (const piece of this.#sessions.values()) await (await piece).session.release();
    this.#sessions.clear();
  }

  async #run(
    values: readonly Value[],
    known: ReadonlyMap<Value, NumericArray>,
  ): Promise<Readonly<Record<string, NumericArray>>> {
    const inputs = [...known].map(([value, array]) => `${value.id}:${array.dtype}:${array.shape.length}`);
    const key = `${values.map((value) => value.id).join()}|${inputs.sort().join()}`;
    let piece = this.#sessions.get(key);
    if (!piece) this.#sessions.set(key, (piece = this.#cut(values, known)));
    const { session, reads } = await piece;
    return session.run(Object.fromEntries(reads.map((value) => [inputName(value), known.get(value)!])));
  }

  async #cut(values: readonly Value[], known: ReadonlyMap<Value, NumericArray>): Promise<Piece> {
    const inputs = [...known].map(([value, { dtype, shape }]) => ({
      value,
      name: inputName(value),
      type: tensorType(
        dtype,
        shape.map(() => null),
      ),
    }));
    const outputs = [...new Set(values)].map((value) => ({ value, name: outputName(value), type: undefined }));
    const piece = extractModel(this.model, { inputs, outputs });
    invariant(piece, 'every graph input is given to the taps of a model');
    const session = await this.#runtime.open(piece, { optimization: 'disabled' });
    return { session, reads: [...known.keys()] };
  }
}

interface Piece {
  readonly session: Session;
  readonly reads: readonly Value[];
}

const inputName = (value: Value): string => `in${value.id}`;
const outputName = (value: Value): string => `out${value.id}`;
