import { attributesKey } from '../analysis/attribute-key.js';
import { contentKey, contentSample } from '../analysis/content.js';
import type { Graph } from '../ir/graph.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import { constantOf } from '../schema/constant.js';
import { isCommutative } from '../schema/traits.js';
import type { Tensor } from '../tensor/tensor.js';
import { counts } from './matching.js';

/** Elements up to which a constant is told by its content; of larger ones samples are looked at. */
const SMALL = 64;

/** How constants are told apart: by what they hold, or by element type and dims alone. */
export type Grain = 'content' | 'form';

/** A node with texts that are equal for nodes that are made alike, whatever they read. */
export class Item {
  readonly node: Node;
  /** Operator and attributes; bodies are compared by themselves. */
  readonly op: string;
  /** Operator and dims of the largest weight that it reads, a constant of more than one element; absent where it reads none. */
  readonly weighted: string | undefined;

  constructor(node: Node) {
    this.node = node;
    const attrs = [...node.attrs].filter(([, { type }]) => type !== 'GRAPH' && type !== 'GRAPHS');
    this.op = `${node.op}|${node.overload}|${attributesKey(new Map(attrs))}`;
    this.weighted = weightText(node);
  }

  /** Operator, attributes and constants. */
  local(grain: Grain): string {
    return `${this.op}|${this.slots(grain, () => '').join()}`;
  }

  /** What stands in each input slot; of commutative operators in an order of its own. */
  slots(grain: Grain, nameOf: (value: Value) => string): readonly string[] {
    const { node } = this;
    const texts = node.inputs.map((value) => {
      const constant = constantOf(value);
      return constant ? constantText(constant, grain) : value ? nameOf(value) : '-';
    });
    return isCommutative(node) ? texts.sort() : texts;
  }
}

function weightText(node: Node): string | undefined {
  let largest: Tensor | undefined;
  for (const value of node.inputs) {
    const tensor = constantOf(value);
    if (tensor && tensor.size > (largest?.size ?? 1)) largest = tensor;
  }
  return largest && `${node.op}|${largest.dtype}[${largest.shape.join()}]`;
}

function constantText(tensor: Tensor, grain: Grain): string {
  if (grain === 'form') return `${tensor.dtype}[${tensor.shape.join()}]`;
  return tensor.size <= SMALL ? contentKey(tensor) : contentSample(tensor);
}

/** Numbers for texts: equal ones for equal texts. */
export class Interner {
  readonly #numbers = new Map<string, number>();

  number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, (number = this.#numbers.size));
    return number;
  }
}

/** The items of a graph in topological order. */
export function itemsOf(graph: Graph): readonly Item[] {
  return graph
    .topo()
    .filter(counts)
    .map((node) => new Item(node));
}

/** Numbers that are equal for nodes that compute the same from the graph's inputs. `names` tells values from outside. O(nodes). */
export function keysBelow(
  items: readonly Item[],
  grain: Grain,
  names: (value: Value) => string,
  interner: Interner,
): ReadonlyMap<Node, number> {
  const keys = new Map<Node, number>();
  const nameOf = (value: Value): string => {
    const known = value.def.kind === 'node' ? keys.get(value.def.node) : undefined;
    return known === undefined || value.def.kind !== 'node' ? names(value) : `${known}.${value.def.index}`;
  };
  for (const item of items) {
    const captured = capturedValues(item.node).map(nameOf).sort();
    keys.set(item.node, interner.number(`${item.op}|${item.slots(grain, nameOf).join()}|${captured.join()}`));
  }
  return keys;
}

/** Numbers that are equal for nodes whose results go the same ways to the graph's outputs. O(nodes). */
export function keysAbove(items: readonly Item[], interner: Interner): ReadonlyMap<Node, number> {
  const keys = new Map<Node, number>();
  for (const item of items.toReversed()) {
    const uses = item.node.outputs.flatMap((value) => [...value.uses].map((use) => useText(use, value, keys)).sort());
    keys.set(item.node, interner.number(`${item.local('content')}|${uses.join()}`));
  }
  return keys;
}

function useText(
  use: Value['uses'] extends ReadonlySet<infer U> ? U : never,
  value: Value,
  keys: ReadonlyMap<Node, number>,
): string {
  const index = value.def.kind === 'node' ? value.def.index : 0;
  if (use.kind === 'output') return `${index}>${use.graph.outputs[use.index]?.name ?? use.index}`;
  const slot = isCommutative(use.node) ? '*' : use.index;
  return `${index}>${keys.get(use.node) ?? 'body'}.${slot}`;
}
