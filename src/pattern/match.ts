import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import type { Shape } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import type { Types } from '../shape/types.js';
import { invariant } from '../support/invariant.js';
import type { DType } from '../tensor/dtype.js';
import type { OpPattern } from './op-pattern.js';
import type { Bound, OptionalPattern, Pat } from './pattern.js';

/** What a search has found: values by pattern, nodes by call. */
export interface Bindings {
  readonly values: ReadonlyMap<Pat, Value>;
  readonly calls: ReadonlyMap<OpPattern, Node>;
  /** In the order in which they matched, the root first; those that were skipped included. */
  readonly nodes: readonly Node[];
}

/** A pattern found in a graph: what each of its parts stands for. Holds no more than bindings; immutable. */
export class Match {
  /** The node at which the search began. */
  readonly root: Node;
  /** Every node that the pattern accounts for, each once; constants are not among them. */
  readonly nodes: readonly Node[];
  readonly types: Types;
  readonly #values: ReadonlyMap<Pat, Value>;
  readonly #calls: ReadonlyMap<OpPattern, Node>;

  constructor(root: Node, bindings: Bindings, types: Types) {
    this.root = root;
    this.types = types;
    this.#values = new Map(bindings.values);
    this.#calls = new Map(bindings.calls);
    this.nodes = [...new Set(bindings.nodes)];
  }

  get graph(): Graph {
    return this.root.graph;
  }

  /**
   * What the pattern stands for: the tensor of a constant, the number of a scalar, the integers of a list, else the value.
   * @throws InvariantError when the pattern has no part in this match; ask {@link maybe} where it may have none
   */
  get<P extends Exclude<Pat, OptionalPattern>>(pattern: P): Bound<P> {
    return this.#read(pattern, this.value(pattern)) as Bound<P>;
  }

  /** {@link get}; `undefined` when the pattern belongs to another alternative or to an omitted operand. */
  maybe<P extends Pat>(pattern: P): Bound<P> | undefined {
    const value = this.#values.get(pattern);
    return value && (this.#read(pattern, value) as Bound<P>);
  }

  /** Whether the pattern has a part in this match. */
  has(pattern: Pat): boolean {
    return this.#values.has(pattern) || (pattern.kind === 'op' && this.#calls.has(pattern));
  }

  /** The value that the pattern matched, also of a constant. */
  value(pattern: Pat): Value {
    const value = this.#values.get(pattern);
    invariant(value, `${show(pattern)} has no value in this match`);
    return value;
  }

  /** {@link value}; `undefined` when the pattern has no part in this match. */
  findValue(pattern: Pat): Value | undefined {
    return this.#values.get(pattern);
  }

  /** The node that a call matched, or that makes the value of another pattern. */
  node(pattern: Pat): Node {
    const node = pattern.kind === 'op' ? this.#calls.get(pattern) : this.value(pattern).producer;
    invariant(node, `${show(pattern)} has no node in this match`);
    return node;
  }

  /** What is known of the shape of a pattern's value. */
  shape(pattern: Pat): Shape | undefined {
    return this.types.shape(this.value(pattern));
  }

  /** What is known of the element type of a pattern's value. */
  dtype(pattern: Pat): DType | undefined {
    return this.types.dtype(this.value(pattern));
  }

  #read(pattern: Pat, value: Value): unknown {
    let inner = pattern;
    while (inner.kind === 'optional' || inner.kind === 'where' || inner.kind === 'through') inner = inner.pattern;
    const at = inner === pattern ? value : this.value(inner);
    if (inner.kind === 'constant') return constantOf(at);
    if (inner.kind === 'scalar') return constantOf(at)?.scalar();
    if (inner.kind === 'ints') return constantOf(at)?.ints().map(Number);
    return at;
  }
}

function show(pattern: Pat): string {
  if ('label' in pattern) return `pattern '${pattern.label}'`;
  return pattern.kind === 'op' ? `pattern ${pattern.opType}` : `a pattern of kind ${pattern.kind}`;
}
