import { contentKey } from '../analysis/content.js';
import { key } from '../dim/dim.js';
import type { Attribute } from '../ir/attribute.js';
import type { Graph } from '../ir/graph.js';
import type { Model } from '../ir/model.js';
import type { Type } from '../ir/type.js';
import type { Value } from '../ir/value.js';
import type { SymbolicTensor } from '../shape/fact.js';
import type { SparseTensorProto } from '../proto/messages.js';
import { Tensor } from '../tensor/tensor.js';

/** Tensors of up to this many elements count with their content: axes, sizes, epsilons. */
const SMALL = 8;

/** A small model as text, up to names and the content of its weights, and these (dense and sparse ones) as they are met. */
export interface RegionKey {
  readonly key: string;
  readonly weights: readonly Weight[];
}

/** A tensor that may differ between regions of one kind. */
export type Weight = Tensor | SparseTensorProto;

/** Weights of up to this many elements are compared by content; of larger ones only the same tensor is the same. */
const READ = 4096;
const numbered = new WeakMap<object, number>();
let count = 0;

/** Equal only for lists of the same weights. */
export function weightsKey(weights: readonly Weight[]): string {
  const keyOf = (weight: Weight): string | number => {
    if (weight instanceof Tensor && weight.size <= READ) return contentKey(weight);
    const number = numbered.get(weight) ?? ++count;
    numbered.set(weight, number);
    return number;
  };
  return weights.map(keyOf).join();
}

/** Types and known elements of the inputs count. O(nodes). */
export function regionKey(model: Model, known: ReadonlyMap<string, SymbolicTensor>): RegionKey {
  const parts: string[] = [JSON.stringify([...model.opsets])];
  const weights: Weight[] = [];
  const numbers = new Map<Value, number>();
  for (const slot of model.graph.inputs) {
    numbers.set(slot.value, numbers.size);
    parts.push(`in ${typeKey(slot.value.type)} ${known.get(slot.name)?.elements.map(key).join() ?? ''}`);
  }
  const graphs: Graph[] = [model.graph];
  for (let graph = graphs.shift(); graph; graph = graphs.shift()) {
    describe(graph, numbers, { parts, weights, graphs });
  }
  return { key: parts.join('\n'), weights };
}

/** What is found on the way: text, weights, and bodies that are still to be described. */
interface Description {
  readonly parts: string[];
  readonly weights: Weight[];
  readonly graphs: Graph[];
}

function describe(graph: Graph, numbers: Map<Value, number>, { parts, weights, graphs }: Description): void {
  const tensorKey = (tensor: Tensor): string => {
    if (tensor.size <= SMALL) return contentKey(tensor);
    weights.push(tensor);
    return `${tensor.dtype}[${tensor.shape.join()}]`;
  };
  const refer = (value: Value | undefined): string => {
    if (!value) return '-';
    const tensor = value.constant;
    if (tensor) return tensorKey(tensor);
    if (value.def.kind === 'sparse-initializer') weights.push(value.def.tensor);
    const known = numbers.get(value) ?? numbers.size;
    numbers.set(value, known);
    return `%${known}`;
  };
  parts.push('graph');
  for (const node of graph.topo()) {
    const attrs = [...node.attrs].sort(([a], [b]) => (a < b ? -1 : 1));
    const text = attrs.map(([name, attr]) => `${name}=${attributeKey(attr, tensorKey)}`).join(' ');
    parts.push(`${node.op} ${node.inputs.map(refer).join()} → ${node.outputs.map(refer).join()} ${text}`);
    for (const body of node.bodies) graphs.push(body.graph);
  }
  parts.push(`out ${graph.outputs.map((slot) => refer(slot.value)).join()}`);
}

function attributeKey(attr: Attribute, tensorKey: (tensor: Tensor) => string): string {
  if (attr.type === 'TENSOR') return tensorKey(attr.value);
  if (attr.type === 'GRAPH' || attr.type === 'GRAPHS' || attr.type === 'TENSORS') return attr.type;
  const value: unknown = attr.value;
  return JSON.stringify(value, (_name, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}

function typeKey(type: Type | undefined): string {
  return type?.kind === 'tensor' ? `${type.dtype}[${type.shape?.map(key).join() ?? '…'}]` : (type?.kind ?? '');
}
