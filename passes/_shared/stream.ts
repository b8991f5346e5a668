import { isOp, type Node, type NumericArray, ResonnxError, type Use, type Value } from '#core';
import { carriedAxis, carrierOf } from './carriers.js';
import type { FeatureMap } from './feature-map.js';
import { multiplyFeatures } from './fold-readers.js';
import { staticArray } from './static-array.js';
import { attempt, rankOf, refuse, type Weights } from './weight-edit.js';
import { carryChange, writeThrough } from './writers.js';

/** How the coordinates of a stream change. A stage is a stretch of the stream with one map; streams with one map have stage 0 alone. */
export interface Coordinates {
  map(stage: number): FeatureMap;
  /** What leads from the new coordinates of one stage to those of another, `[features, features]`. */
  transport?(from: number, to: number): NumericArray;
  /** Stages of the sums that begin a new one. */
  readonly stageOf: ReadonlyMap<Value, number>;
  /** Changes a value whose writer has no weights that could take the change; throws `reason` when that is not wanted. */
  otherwise(value: Value, axis: number, map: FeatureMap, reason: ResonnxError): Value;
}

/** Operators by which a stream goes on; norms begin with others. */
const CONTINUING = [
  'Add',
  'Sum',
  'Identity',
  'Dropout',
  'Reshape',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Flatten',
  'Slice',
  'Gather',
  'Concat',
  'Split',
];

/**
 * A residual stream: the values that are made of sums, moves and choices, from given ones up to the operators that write it. Values
 * in new coordinates are made beside the old ones; what nobody reads any longer goes.
 */
export class Stream {
  /** Values of the stream with the axis of their features. */
  readonly members = new Map<Value, number>();
  /** Values that write it, each with the axis of its features: their producers hand on nothing. */
  readonly writers = new Map<Value, number>();
  readonly #w: Weights;
  readonly #coordinates: Coordinates;
  readonly #native = new Map<Value, number>();
  readonly #built = new Map<string, Value>();
  /** Nodes of the graph before anything was made. */
  readonly #before: ReadonlySet<Node>;

  constructor(w: Weights, ends: readonly { readonly value: Value; readonly axis: number }[], coordinates: Coordinates) {
    this.#w = w;
    this.#coordinates = coordinates;
    this.#before = new Set(w.edit.graph.nodes.values());
    this.#collect(ends);
    this.#findStages();
  }

  #collect(ends: readonly { readonly value: Value; readonly axis: number }[]): void {
    const stack = [...ends];
    for (let end = stack.pop(); end; end = stack.pop()) {
      const { value, axis } = end;
      const known = this.members.get(value) ?? this.writers.get(value);
      if (known !== undefined && known !== axis) refuse(value, 'the features of the stream lie on two axes');
      if (known !== undefined || staticArray(value, this.#w.types)) continue;
      const carrier = value.graph === this.#w.edit.graph ? carrierOf(value, axis, this.#w.types) : undefined;
      if (!carrier) {
        this.writers.set(value, axis);
        continue;
      }
      this.members.set(value, axis);
      for (const edge of carrier.edges) {
        const operand = value.producer!.inputs[edge.index]!;
        if (edge.axis !== undefined) stack.push({ value: operand, axis: edge.axis });
      }
      stack.push(...this.#below(value, axis));
    }
  }

  /** What is made of a value of the stream by sums and moves alone: the stream goes on there. */
  #below(value: Value, axis: number): readonly { readonly value: Value; readonly axis: number }[] {
    const found: { readonly value: Value; readonly axis: number }[] = [];
    for (const use of value.uses) {
      if (use.kind === 'output' || !isOp(use.node, ...CONTINUING)) continue;
      for (const output of use.node.outputs) {
        const carried = carriedAxis({ index: use.index, axis }, output, this.#w.types);
        if (carried?.carrier.edges.every((edge) => edge.axis !== undefined))
          found.push({ value: output, axis: carried.axis });
      }
    }
    return found;
  }

  /** Sums that begin a stage have it; what is made of a staged value without weights has the same; the rest is open. */
  #findStages(): void {
    const { stageOf } = this.#coordinates;
    for (const node of this.#w.edit.graph.topo()) {
      for (const output of node.outputs) {
        if (!this.members.has(output) && !this.writers.has(output)) continue;
        const own = stageOf.get(output);
        const above = node.inputs.flatMap((input) => (input && this.#native.get(input)) ?? []);
        const stage =
          stageOf.size === 0
            ? 0
            : (own ?? (this.members.has(output) && above.length > 0 ? Math.max(...above) : undefined));
        if (stage !== undefined) this.#native.set(output, stage);
      }
    }
  }

  /** Says that a value is in this stage, where nothing else is known of it. */
  settle(value: Value, stage: number): void {
    if (!this.#native.has(value)) this.#native.set(value, stage);
  }

  stageOf(value: Value): number {
    return this.#native.get(value) ?? 0;
  }

  /** The value in the coordinates of its own stage. */
  built(value: Value): Value {
    return this.#at(value, this.stageOf(value));
  }

  /** Makes every value of known stage in new coordinates, producers first, so that no search goes deep. */
  build(): void {
    for (const node of this.#w.edit.graph.topo()) {
      for (const output of node.outputs) if (this.members.has(output) && this.#native.has(output)) this.built(output);
    }
  }

  #at(value: Value, stage: number): Value {
    const key = `${value.id}:${stage}`;
    const known = this.#built.get(key);
    if (known) return known;
    const native = this.#native.get(value);
    const made =
      native !== undefined && native !== stage ? this.#moved(value, native, stage) : this.#made(value, stage);
    this.#built.set(key, made);
    return made;
  }

  #moved(value: Value, from: number, to: number): Value {
    const matrix = this.#coordinates.transport?.(from, to);
    if (!matrix) return refuse(value, 'the stream has no way from one stage to another');
    const axis = this.members.get(value) ?? this.writers.get(value)!;
    const rank = rankOf(this.#w, value);
    return multiplyFeatures(this.#w, this.#at(value, from), matrix, { axis, rank, like: value });
  }

  #made(value: Value, stage: number): Value {
    const map = this.#coordinates.map(stage);
    const axis = this.members.get(value);
    if (axis === undefined) return this.#written(value, this.writers.get(value)!, map);
    const carried = attempt(this.#w, () =>
      carryChange(this.#w, value, axis, { map }, (operand, at) =>
        this.members.has(operand) || this.writers.has(operand)
          ? this.#at(operand, stage)
          : this.#written(operand, at, map),
      ),
    );
    if (!(carried instanceof ResonnxError)) return carried;
    this.#forgetUndone();
    return this.#coordinates.otherwise(value, axis, map, carried);
  }

  #written(value: Value, axis: number, map: FeatureMap): Value {
    const made = attempt(this.#w, () => writeThrough(this.#w, value, axis, { map }));
    return made instanceof ResonnxError ? this.#coordinates.otherwise(value, axis, map, made) : made;
  }

  /** What an undone attempt made is gone. */
  #forgetUndone(): void {
    for (const [key, value] of this.#built) if (value.producer && !value.producer.alive) this.#built.delete(key);
  }

  /** Readers of the stream that are neither of it nor among `nodes`, with the value that they read. */
  *readersBeside(
    nodes: ReadonlySet<Node>,
  ): Generator<{ readonly value: Value; readonly axis: number; readonly use: Use }> {
    const inside = new Set<Node>();
    for (const value of this.members.keys()) inside.add(value.producer!);
    for (const [value, axis] of this.members) {
      for (const use of [...value.uses]) {
        const isOwn =
          use.kind === 'input' && (inside.has(use.node) || nodes.has(use.node) || !this.#before.has(use.node));
        if (!isOwn) yield { value, axis, use };
      }
    }
  }
}
