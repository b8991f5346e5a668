import { type Dim, format, isProven, symbol, symbols } from '../dim/dim.js';
import { shapeAxis, shapeMismatch, shapeRank } from '../diagnostics/codes/shape.js';
import type { Diagnostic, Place } from '../diagnostics/diagnostic.js';
import type { Attributes } from '../ir/attribute.js';
import type { Node } from '../ir/node.js';
import { pathOf } from '../ir/path.js';
import { type Shape, tensorType, type Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import { inputParameter } from '../schema/schema.js';
import { elementCount, integerRange } from '../tensor/array.js';
import type { DType } from '../tensor/dtype.js';
import type { Tensor } from '../tensor/tensor.js';
import { NodeAttributes } from './attributes.js';
import { outputDType } from './dtypes.js';
import { type Fact, isStatic, MAX_ELEMENTS, type SymbolicTensor, UNKNOWN } from './fact.js';

/** What a node context asks of the engine that runs it. */
export interface NodeHost {
  /** Attributes of the function call around the node; what references mean. */
  readonly attributes: Attributes;
  fact(value: Value): Fact;
  /** The symbol number `count` of a node: the same one whenever it runs again. */
  fresh(node: Node, count: number): Dim;
  isFresh(dim: Dim): boolean;
}

/**
 * One node under inference: what its inputs and attributes are, and where its results go. Every getter gives `undefined` for what is
 * unknown or absent; a family does what it can with the rest. What it does not set has the dtype that the schema determines, and an
 * unknown shape.
 */
export class NodeContext extends NodeAttributes {
  readonly problems: Diagnostic[] = [];
  readonly results: (Fact | undefined)[] = [];
  readonly #host: NodeHost;
  #fresh = 0;

  constructor(node: Node, host: NodeHost) {
    super(node, host.attributes);
    this.#host = host;
  }

  /** The operator version in force: its `since`; 0 when it has no schema. */
  get since(): number {
    return this.schema?.since ?? 0;
  }

  /** Number of input slots, omitted ones included. */
  get inputCount(): number {
    return this.node.inputs.length;
  }

  /** Number of output slots, omitted ones included. */
  get outputCount(): number {
    return this.node.outputs.length;
  }

  get at(): Place {
    return { path: pathOf(this.node), op: this.node.op };
  }

  /** Whether input `index` is given. */
  has(index: number): boolean {
    return this.node.inputs[index] !== undefined;
  }

  fact(index: number): Fact {
    const value = this.node.inputs[index];
    return value ? this.#host.fact(value) : UNKNOWN;
  }

  /** What is known of another value that this node can see. */
  factOf(value: Value): Fact {
    return this.#host.fact(value);
  }

  /** The type of an input. */
  input(index: number): Type | undefined {
    return this.fact(index).type;
  }

  dtype(index: number): DType | undefined {
    const type = this.input(index);
    return type?.kind === 'tensor' ? type.dtype : undefined;
  }

  shape(index: number): Shape | undefined {
    const type = this.input(index);
    return type?.kind === 'tensor' ? type.shape : undefined;
  }

  /** Followed elements of an input. */
  elements(index: number): SymbolicTensor | undefined {
    return this.fact(index).elements;
  }

  /** The followed elements of an input of rank 0 or 1, as a list. */
  list(index: number): readonly Dim[] | undefined {
    const tensor = this.elements(index);
    return tensor && tensor.shape.length <= 1 ? tensor.elements : undefined;
  }

  /** Like {@link list}, where every element is a number. */
  numbers(index: number): readonly number[] | undefined {
    const list = this.list(index);
    return list?.every((item) => typeof item === 'number') ? (list as readonly number[]) : undefined;
  }

  /** The only followed element of an input, `null` when it is unknown. */
  scalar(index: number): Dim {
    const items = this.elements(index)?.elements;
    return items?.length === 1 ? (items[0] ?? null) : null;
  }

  /** The constant that an input always is. Reading its elements costs its size. */
  constant(index: number): Tensor | undefined {
    return this.fact(index).tensor;
  }

  /** An axis counted from the front; reports one that is outside of `[-rank, rank)` and gives `undefined`. */
  axis(axis: number | undefined, rank: number): number | undefined {
    if (axis === undefined) return undefined;
    if (axis < -rank || axis >= rank) {
      this.problem(shapeAxis(this.at, axis, rank));
      return undefined;
    }
    return axis < 0 ? axis + rank : axis;
  }

  /** Axes counted from the front, as a set; `undefined` when one is outside (reported). */
  axisSet(axes: readonly number[], rank: number): ReadonlySet<number> | undefined {
    const found = new Set<number>();
    for (const each of axes) {
      const axis = this.axis(each, rank);
      if (axis === undefined) return undefined;
      found.add(axis);
    }
    return found;
  }

  /** The shape of an input where it has this rank; another rank is reported. `atLeast` allows greater ones. */
  shapeOfRank(index: number, rank: number, atLeast = false): Shape | undefined {
    const shape = this.shape(index);
    if (!shape || shape.length === rank || (atLeast && shape.length > rank)) return shape;
    const name = this.schema && inputParameter(this.schema, index)?.name;
    this.problem(shapeRank(this.at, name ?? String(index), shape.length, atLeast ? `at least ${rank}` : String(rank)));
    return undefined;
  }

  /** A new symbol for a size that depends on data or cannot be expressed. */
  fresh(): Dim {
    return this.#host.fresh(this.node, this.#fresh++);
  }

  /** Whether a dim is a symbol that {@link fresh} made. */
  isFresh(dim: Dim): boolean {
    return this.#host.isFresh(dim);
  }

  /** Whether a symbol that {@link fresh} made occurs in a dim: it may be another size each time that the node runs. */
  mayVary(dim: Dim): boolean {
    for (const name of symbols(dim)) if (this.isFresh(symbol(name))) return true;
    return false;
  }

  /**
   * The better known of two sizes that the operator needs to be equal: a number before an expression before a fresh symbol. Two that are
   * proven to differ are reported, as `what`.
   */
  unify(a: Dim, b: Dim, what: string): Dim {
    if (a === null || b === null || a === b) return a ?? b;
    if (isProven(a, '!=', b)) {
      this.problem(shapeMismatch(this.at, what, format(a), format(b)));
      return a;
    }
    if (typeof b === 'number') return b;
    return this.isFresh(a) ? b : a;
  }

  /** Reports a contradiction at this node. */
  problem(diagnostic: Diagnostic): void {
    this.problems.push(diagnostic);
  }

  /** The dtype of an output: the one that the schema determines from the inputs. */
  outputDType(index: number): DType | undefined {
    return this.schema && outputDType(this.schema, index, this);
  }

  /** Sets the shape of a tensor output; its unknown dims become fresh symbols. `dtype` is only needed where the schema does not determine it. */
  output(index: number, shape: Shape | undefined, dtype: DType | undefined = this.outputDType(index)): void {
    const known = shape?.includes(null) ? shape.map((dim) => dim ?? this.fresh()) : shape;
    this.outputType(index, tensorType(dtype, known));
  }

  /** Gives an output that the family left alone what the schema says: its dtype, where it is a tensor. */
  outputDefault(index: number): void {
    const dtype = this.outputDType(index);
    if (dtype) this.results[index] = { type: tensorType(dtype) };
  }

  /** Sets the type of an output. */
  outputType(index: number, type: Type | undefined): void {
    this.results[index] = { ...this.results[index], type };
  }

  /**
   * Sets a tensor output whose elements are followed; `shape` is theirs. With `undefined`, more than {@link MAX_ELEMENTS} or only
   * unknown elements it sets nothing, nor where their number is not that of the shape, as in models that no runtime accepts.
   */
  outputElements(index: number, shape: readonly number[], elements: readonly Dim[] | undefined): void {
    if (!elements || elements.length > MAX_ELEMENTS || elements.length !== elementCount(shape)) return;
    const type = this.results[index]?.type ?? tensorType(this.outputDType(index), shape);
    const dtype = type.kind === 'tensor' ? type.dtype : undefined;
    if (!dtype) return;
    const held = elements.map((item) => (isHeld(item, dtype) ? item : null));
    if (held.length > 0 && held.every((item) => item === null)) return;
    this.results[index] = { type, elements: { dtype, shape, elements: held } };
  }

  /** The shape set for an output. */
  outputShape(index: number): Shape | undefined {
    const type = this.results[index]?.type;
    return type?.kind === 'tensor' ? type.shape : undefined;
  }

  /** Follows the elements of an input to output 0, in the same order under the shape set there. */
  sameElements(input: number): void {
    const shape = this.outputShape(0);
    if (isStatic(shape)) this.outputElements(0, shape, this.elements(input)?.elements);
  }

  /** Makes an output the same value as an input. */
  same(index: number, input: number): void {
    const fact = this.fact(input);
    this.results[index] = fact.type ? fact : undefined;
  }
}

/** Whether a followed element can stand in a tensor of this dtype without wrapping or rounding. Sizes are taken to fit int32. */
function isHeld(item: Dim, dtype: DType): boolean {
  if (dtype === 'float32') return typeof item !== 'number' || Math.abs(item) <= 2 ** 24;
  if (dtype === 'int64' || dtype === 'float64' || item === null) return true;
  if (typeof item !== 'number') return dtype === 'int32' || (dtype === 'uint64' && isProven(item, '>=', 0));
  if (dtype === 'bool') return item === 0 || item === 1;
  const range = integerRange(dtype);
  return range !== undefined && item >= Number(range.low) && item <= Number(range.high);
}

/** Infers the outputs of one node. */
export type Infer = (cx: NodeContext) => void;

/** Inference by operator: `Add`, or with its domain unless that is the default one: `com.microsoft.Gelu`. */
export type Family = Readonly<Record<string, Infer>>;
