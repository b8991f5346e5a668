import { invariant } from '../support/invariant.js';
import { create } from '../proto/create.js';
import type { Attributes } from './attribute.js';
import { copyNodeInto, type ValueMap } from './copy.js';
import type { Graph } from './graph.js';
import { Model } from './model.js';
import type { Node } from './node.js';
import { capturedValues } from './order.js';
import type { Type } from './type.js';
import type { Value } from './value.js';

/** What a node is taken to be; lets a region be rebuilt as it was before later rewrites. */
export interface NodeView {
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Attributes;
}

export interface ExtractOptions {
  /** Values that become inputs of the new model, with their names and types there. */
  readonly inputs: readonly {
    readonly value: Value;
    readonly name: string;
    readonly type: Type | undefined;
    /** Values that are known to equal it: they are read from the same input. */
    readonly aliases?: readonly Value[];
  }[];
  /** Values that become its outputs. */
  readonly outputs: readonly { readonly value: Value; readonly name: string; readonly type: Type | undefined }[];
  /** Imported versions by domain; those of the source when absent. */
  readonly opsets?: ReadonlyMap<string, number>;
  /** What nodes are taken to be; as they are when absent. */
  readonly view?: (node: Node) => NodeView | undefined;
}

/**
 * A model that computes `outputs` from `inputs` alone, with the nodes, constants and functions that this takes; values of any scope
 * but those inside functions. Constants that it reaches are shared, graph inputs that it reaches must be among `inputs`.
 * Gives `undefined` when it reaches a graph input that is not.
 */
export function extractModel(source: Model, options: ExtractOptions): Model | undefined {
  const target = new Model(create('ModelProto', {}), {
    irVersion: Math.max(source.irVersion, 8),
    opsets: options.opsets ?? source.opsets,
  });
  const map: ValueMap = new Map();
  for (const { value, name, type, aliases = [] } of options.inputs) {
    const input = target.graph.addInput({ name, type });
    for (const each of [value, ...aliases]) map.set(each, input);
  }
  const order = needed(options, map);
  if (!order) return undefined;
  for (const { node, view } of order) {
    for (const value of [...view.inputs, ...capturedValues(node)]) if (value) takeConstant(value, target.graph, map);
    copyNodeInto(node, view, target.graph, map);
  }
  for (const { value, name, type } of options.outputs) {
    takeConstant(value, target.graph, map);
    const copy = map.get(value);
    invariant(copy, 'an output of the region was reached');
    target.graph.addOutput({ name, value: copy, ...(type && { type }) });
  }
  for (const [key, fn] of source.functions) target.functions.set(key, fn);
  return target;
}

interface Step {
  readonly node: Node;
  readonly view: NodeView;
}

/** Nodes between the values that are given and the outputs, producers first. Own stack: depth costs no recursion. */
function needed(options: ExtractOptions, given: ReadonlyMap<Value, Value>): readonly Step[] | undefined {
  const order: Step[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  const stack: (Value | { readonly close: Step })[] = options.outputs.map(({ value }) => value).reverse();
  for (let item = stack.pop(); item; item = stack.pop()) {
    if ('close' in item) {
      state.set(item.close.node, 'done');
      order.push(item.close);
      continue;
    }
    if (given.has(item) || item.constant || item.def.kind === 'sparse-initializer') continue;
    const node = item.producer;
    if (!node) return undefined;
    if (state.has(node)) continue;
    state.set(node, 'open');
    const view = options.view?.(node) ?? node;
    stack.push({ close: { node, view } });
    for (const value of [...view.inputs, ...capturedValues(node)]) if (value) stack.push(value);
  }
  return order;
}

function takeConstant(value: Value, into: Graph, map: ValueMap): void {
  if (map.has(value)) return;
  const { def } = value;
  if (def.kind === 'initializer') map.set(value, into.addInitializer(def.tensor, value.hint));
  else if (def.kind === 'sparse-initializer') map.set(value, into.addSparseInitializer(def.tensor, value.hint));
}
