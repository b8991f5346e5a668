import type { Attributes } from '../ir/attribute.js';
import type { Graph } from '../ir/graph.js';
import { type Fn, functionKey, type Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { capturedValues } from '../ir/order.js';
import type { Value } from '../ir/value.js';
import { attributesKey } from './attribute-key.js';
import { contentKey } from './content.js';
import { isStatic } from './static.js';
import { isDeterministic } from './training.js';

/** Two values that stand in the same place of two models, made by different pieces of graph. */
export interface Difference {
  readonly first: Value;
  readonly second: Value;
}

/** Two models laid side by side: what is computed alike, and where they part. */
export interface Alignment {
  readonly differences: readonly Difference[];
  /** Values in one place that are computed, by the same operator, from this place of both models. */
  readonly behind: (place: Difference) => readonly Difference[];
  /** The value of the other model that is computed in just the same way, if it has one. */
  readonly inSecond: (value: Value) => Value | undefined;
  readonly inFirst: (value: Value) => Value | undefined;
  /** Equal numbers for values that are computed alike, of the first and of the second model. */
  readonly firstKey: (value: Value) => number;
  readonly secondKey: (value: Value) => number;
}

/**
 * Aligns two models by structure, never by names other than those of inputs: values are alike when they are computed by the same
 * operators with the same attributes from alike values. From the outputs down, places where operators, attributes or constants differ are
 * the differences. O(nodes).
 */
export function alignModels(first: Model, second: Model): Alignment {
  const keys = new Keys();
  const [left, right] = [keys.of(first.graph), keys.of(second.graph)];
  const differences: Difference[] = [];
  const behind = new Map<string, Difference[]>();
  const stack: Difference[] = [];
  const push = (a: Value, b: Value, reader?: Difference): void => {
    const place = { first: a, second: b };
    if (left.key(a) === right.key(b)) return;
    const known = behind.get(idOf(place));
    if (!known) {
      behind.set(idOf(place), reader ? [reader] : []);
      stack.push(place);
    } else if (reader) known.push(reader);
  };
  for (const slot of first.graph.outputs) {
    const other = second.graph.outputs.find(({ name }) => name === slot.name);
    if (other) push(slot.value, other.value);
  }
  for (let at = stack.pop(); at; at = stack.pop()) {
    const inputs = alikeButForInputs(at, left, right);
    if (!inputs) differences.push(at);
    else for (const [a, b] of inputs) push(a, b, at);
  }
  return {
    differences,
    behind: (place) => behind.get(idOf(place)) ?? [],
    inSecond: (value) => right.find(left.key(value)),
    inFirst: (value) => left.find(right.key(value)),
    firstKey: left.key,
    secondKey: right.key,
  };
}

/** Bodies further inside are taken to be alike when they are of one size. */
const DEEPEST = 30;

const idOf = ({ first, second }: Difference): string => `${first.id}:${second.id}`;

/** The inputs that differ of two nodes that are the same otherwise; nothing when the nodes themselves, or what they share, part here. */
function alikeButForInputs(
  { first, second }: Difference,
  left: Side,
  right: Side,
): readonly (readonly [Value, Value])[] | undefined {
  const [a, b] = [first.producer, second.producer];
  if (!a || !b || a.op !== b.op || a.inputs.length !== b.inputs.length) return undefined;
  if (first.def.kind === 'node' && second.def.kind === 'node' && first.def.index !== second.def.index) return undefined;
  if (attributesKey(withoutBodies(a.attrs)) !== attributesKey(withoutBodies(b.attrs))) return undefined;
  const [own, other] = [left.bodies(a), right.bodies(b)];
  if (own.text !== other.text) return undefined;
  const parted: [Value, Value][] = [];
  const [xs, ys] = [
    [...a.inputs, ...own.captured],
    [...b.inputs, ...other.captured],
  ];
  for (const [index, x] of xs.entries()) {
    const y = ys[index];
    if (!x || !y) {
      if (x !== y) return undefined;
      continue;
    }
    if (left.key(x) === right.key(y)) continue;
    const crossed = right.find(left.key(x)) !== undefined || left.find(right.key(y)) !== undefined;
    if (crossed || isStatic(x) || isStatic(y)) return undefined;
    parted.push([x, y]);
  }
  return parted;
}

/** Keys of the values of one graph. */
interface Side {
  readonly key: (value: Value) => number;
  readonly find: (key: number) => Value | undefined;
  readonly bodies: (node: Node) => Bodies;
}

/** What the bodies of a node, or the function that it calls, do, whatever the values are that they capture; those in the order in which they are met. */
interface Bodies {
  readonly text: string;
  readonly captured: readonly Value[];
}

/** Interned structure: equal numbers for values that are computed alike. */
class Keys {
  readonly #numbers = new Map<string, number>();
  readonly #functions = new Map<Fn, string>();

  of(graph: Graph): Side {
    const keys = new Map<Value, number>();
    const values = new Map<number, Value>();
    const live = liveNodes(graph);
    const leaf = (value: Value): number => {
      const found = this.#number(leafText(value));
      if (!values.has(found)) values.set(found, value);
      return found;
    };
    const key = this.#fill(graph, keys, leaf, 0);
    for (const node of graph.topo()) {
      for (const value of live.has(node) ? node.outputs : [])
        if (!values.has(key(value))) values.set(key(value), value);
    }
    return { key, find: (number) => values.get(number), bodies: (node) => this.#bodies(node) };
  }

  #bodies(node: Node): Bodies {
    const captured: Value[] = [];
    const outer = (value: Value): number => {
      if (value.constant) return this.#number(leafText(value));
      if (!captured.includes(value)) captured.push(value);
      return this.#number(`captured ${captured.indexOf(value)}`);
    };
    const text = node.bodies.map((body) => this.#bodyText(body.graph, outer, 1)).join('/');
    return { text: `${text}|${this.#calledText(node)}`, captured };
  }

  /** Numbers the values of a graph; `leaf` numbers those that no node of it makes. */
  #fill(graph: Graph, keys: Map<Value, number>, leaf: (value: Value) => number, depth: number): Side['key'] {
    const key = (value: Value): number => {
      let found = keys.get(value);
      if (found === undefined) keys.set(value, (found = leaf(value)));
      return found;
    };
    for (const node of graph.topo()) {
      const bodies = node.bodies.map((body) => this.#bodyText(body.graph, key, depth + 1));
      const text = `${nodeText(node, key)}|${bodies.join('/')}|${this.#calledText(node)}`;
      node.outputs.forEach((value, index) => keys.set(value, this.#number(`${text}#${index}`)));
    }
    return key;
  }

  /** What the function that a node calls gives, and the defaults of its attributes; empty when it calls none. */
  #calledText(node: Node): string {
    const { domain, opType: name, overload } = node;
    const fn = node.graph.model.functions.get(functionKey({ domain, name, overload }));
    if (!fn) return '';
    const known = this.#functions.get(fn);
    if (known !== undefined) return known;
    this.#functions.set(fn, 'called by itself');
    const defaults = JSON.stringify(fn.proto.attributeProto, (_name, part: unknown) =>
      typeof part === 'bigint' ? `${part}n` : part,
    );
    const text = `${defaults} ${this.#bodyText(fn.graph, (value) => this.#number(leafText(value)), 1)}`;
    this.#functions.set(fn, text);
    return text;
  }

  /** What a body gives, by the places of its inputs and by what it captures. */
  #bodyText(body: Graph, outer: Side['key'], depth: number): string {
    if (depth > DEEPEST) return `nested ${body.nodes.size}`;
    const places = new Map(body.inputs.map(({ value }, i) => [value, i]));
    const leaf = (value: Value): number => {
      const place = places.get(value);
      if (place !== undefined) return this.#number(`given ${depth} ${place}`);
      return value.graph === body && value.constant ? this.#number(leafText(value)) : outer(value);
    };
    const key = this.#fill(body, new Map(), leaf, depth);
    return body.outputs.map(({ value }) => key(value)).join();
  }

  #number(text: string): number {
    let number = this.#numbers.get(text);
    if (number === undefined) this.#numbers.set(text, (number = this.#numbers.size));
    return number;
  }
}

/** Nodes that an output depends on. */
function liveNodes(graph: Graph): ReadonlySet<Node> {
  const live = new Set<Node>();
  const stack = graph.outputs.map(({ value }) => value);
  for (let value = stack.pop(); value; value = stack.pop()) {
    const node = value.producer;
    if (!node || live.has(node)) continue;
    live.add(node);
    for (const input of [...node.inputs, ...capturedValues(node)]) if (input) stack.push(input);
  }
  return live;
}

/** Inputs by their public name, constants by their content. */
function leafText(value: Value): string {
  if (value.constant) return `constant ${contentKey(value.constant)}`;
  if (value.def.kind !== 'input') return `value ${value.id}`;
  return `input ${value.graph.inputs.find((slot) => slot.value === value)?.name ?? value.id}`;
}

function withoutBodies(attrs: Attributes): Attributes {
  return new Map([...attrs].filter(([, { type }]) => type !== 'GRAPH' && type !== 'GRAPHS'));
}

function nodeText(node: Node, key: (value: Value) => number): string {
  const inputs = node.inputs.map((value) => (value ? key(value) : ''));
  const captured = capturedValues(node).map(key);
  const own = isDeterministic(node) ? '' : `drawn ${node.id}`;
  return [node.op, node.overload, attributesKey(withoutBodies(node.attrs)), inputs.join(), captured.join(), own].join(
    '|',
  );
}
