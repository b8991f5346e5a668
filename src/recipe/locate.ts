import { targetAmbiguous, targetUnknown } from '../diagnostics/codes/recipe.js';
import { ResonnxError } from '../diagnostics/diagnostic.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Node } from '../ir/node.js';
import { graphPath } from '../ir/path.js';
import type { Value } from '../ir/value.js';
import type { TargetSite } from './recipe.js';

/** Keys of a site that name values, and those that name nodes; docs/recipes.md says what each is for. All others are labels. */
export const VALUE_KEYS: readonly string[] = [
  'skip_value',
  'branch_value',
  'region_input',
  'region_output',
  'norm_output',
  'branch_end_norm_output',
  'conv_output',
  'linear_output',
  'branch_writer_output',
  'up_value',
  'stream_value',
  'attn_value',
  'mlp_value',
  'block_output',
  'output',
];
export const NODE_KEYS: readonly string[] = [
  'residual_add',
  'norm_node',
  'branch_end_norm_node',
  'bn_node',
  'bn1_node',
  'bn2_node',
  'conv_node',
  'concat_node',
];

/** Finds what a recipe names: graphs by path, values by name, nodes by name. Names are the user's own words here. */
export class Locator {
  readonly #model: Model;
  readonly #values = new Map<Graph, Map<string, Value>>();
  readonly #nodes = new Map<Graph, Map<string, Node>>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** The graph that holds a site; `main` when it says nothing. @throws ResonnxError `recipe/target-unknown` */
  graph(site: TargetSite): Graph {
    const path = typeof site.subgraph === 'string' ? site.subgraph : 'main';
    if (path === 'main') return this.#model.graph;
    const graphs = [...this.#model.graphs()];
    const found = graphs.filter((graph) => pathsOf(graph).includes(path));
    if (found.length === 1) return found[0]!;
    const candidates = graphs.map((graph) => pathsOf(graph)[0]!);
    const diagnostic =
      found.length === 0
        ? targetUnknown({ path: 'main' }, 'subgraph', path, candidates)
        : targetAmbiguous({ path: 'main' }, `subgraph "${path}" names ${found.length} graphs`, candidates);
    throw new ResonnxError([diagnostic]);
  }

  /** Checks that every key of a site names something, whether the operation needs it or not. @throws ResonnxError `recipe/target-unknown` */
  check(site: TargetSite): void {
    for (const key of VALUE_KEYS) this.findValue(site, key);
    for (const key of NODE_KEYS) this.findNode(site, key);
  }

  /** The value that a key of a site names, seen from its graph; `undefined` when the site has no such key. */
  findValue(site: TargetSite, key: string): Value | undefined {
    const name = site[key];
    return typeof name === 'string' ? this.value(name, this.graph(site), key) : undefined;
  }

  /** The node that a key of a site names: by its name, or by the name of one of its outputs. */
  findNode(site: TargetSite, key: string): Node | undefined {
    const name = site[key];
    return typeof name === 'string' ? this.node(name, this.graph(site), key) : undefined;
  }

  /** The value of this name, in the graph or one around it. @throws ResonnxError `recipe/target-unknown` */
  value(name: string, graph: Graph = this.#model.graph, key = 'value'): Value {
    for (let at: Graph | undefined = graph; at; at = at.outer) {
      const value = this.#valuesOf(at).get(name);
      if (value) return value;
    }
    throw new ResonnxError([
      targetUnknown({ path: graphPath(graph) }, key, name, near(name, this.#valuesOf(graph).keys())),
    ]);
  }

  /** The node of this name, or the one that makes the value of this name. @throws ResonnxError `recipe/target-unknown` */
  node(name: string, graph: Graph = this.#model.graph, key = 'node'): Node {
    const node = this.#nodesOf(graph).get(name) ?? this.#valuesOf(graph).get(name)?.producer;
    if (node) return node;
    throw new ResonnxError([
      targetUnknown({ path: graphPath(graph) }, key, name, near(name, this.#nodesOf(graph).keys())),
    ]);
  }

  #valuesOf(graph: Graph): Map<string, Value> {
    let values = this.#values.get(graph);
    if (values) return values;
    values = new Map();
    for (const value of graph.initializers) values.set(value.hint, value);
    for (const node of graph.nodes.values())
      for (const value of node.outputs) if (value.hint !== '') values.set(value.hint, value);
    for (const slot of graph.outputs) values.set(slot.name, slot.value);
    for (const slot of graph.inputs) values.set(slot.name, slot.value);
    this.#values.set(graph, values);
    return values;
  }

  #nodesOf(graph: Graph): Map<string, Node> {
    let nodes = this.#nodes.get(graph);
    if (nodes) return nodes;
    nodes = new Map();
    const twice = new Set<string>();
    for (const node of graph.nodes.values()) {
      if (node.name === '') continue;
      if (nodes.has(node.name)) twice.add(node.name);
      nodes.set(node.name, node);
    }
    for (const name of twice) nodes.delete(name);
    this.#nodes.set(graph, nodes);
    return nodes;
  }
}

/** The ways in which people write the path of a graph: `main/If.then_branch` and `/If/then_branch`. */
function pathsOf(graph: Graph): readonly string[] {
  const parts: string[] = [];
  for (let at: Graph | undefined = graph; at?.parent; at = at.outer) {
    const { parent } = at;
    const body = at;
    const attribute = parent.bodies.find((held) => held.graph === body)?.attribute ?? '';
    parts.unshift(attribute);
    parts.unshift(parent.name === '' ? (parent.outputs[0]?.hint ?? parent.opType) : parent.name);
  }
  const joined = parts.join('/');
  return [graphPath(graph), joined, joined.startsWith('/') ? joined.slice(1) : `/${joined}`];
}

/** Names that share the most leading or trailing characters with the one that was not found. */
function near(name: string, names: Iterable<string>): string[] {
  const score = (other: string): number => {
    let head = 0;
    while (head < name.length && name[head] === other[head]) head++;
    let tail = 0;
    while (tail < name.length - head && name.at(-1 - tail) === other.at(-1 - tail)) tail++;
    return head + tail;
  };
  return [...names]
    .map((other) => ({ other, score: score(other) }))
    .sort((a, b) => b.score - a.score || (a.other < b.other ? -1 : 1))
    .slice(0, 8)
    .map((entry) => entry.other);
}
