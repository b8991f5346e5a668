import type { Attribute } from './attribute.js';
import { Graph } from './graph.js';
import { Model } from './model.js';
import type { Node } from './node.js';
import type { Value } from './value.js';

/** From values of the source to values of the copy. What is not in it and lies outside of the copied graph stands for itself. */
export type ValueMap = Map<Value, Value>;

/** One graph to fill from another; kept on a list, so that depth costs no stack. */
interface Job {
  readonly from: Graph;
  readonly into: Graph;
  /** Whether inputs and outputs are copied as well, as for a body. */
  readonly interface: boolean;
}

/**
 * Copies nodes and constants of `from` into `into`, bodies at any depth included; tensors are shared. `map` gives what stands for
 * the inputs of `from` (and for captured values that differ), and receives every value that was copied.
 */
export function copyContents(from: Graph, into: Graph, map: ValueMap): void {
  runJobs([{ from, into, interface: false }], map);
}

/** A copy of the model with the same order, names and messages; tensors are shared. O(nodes + values). */
export function cloneModel(model: Model): Model {
  const copy = new Model(model.proto, { irVersion: model.irVersion, opsets: model.opsets });
  const jobs: Job[] = [{ from: model.graph, into: copy.graph, interface: true }];
  for (const [key, fn] of model.functions) {
    const graph = new Graph(copy, fn.graph.role);
    copy.functions.set(key, { ...fn, graph });
    jobs.push({ from: fn.graph, into: graph, interface: true });
  }
  runJobs(jobs, new Map());
  return copy;
}

function runJobs(jobs: Job[], map: ValueMap): void {
  for (let job = jobs.pop(); job; job = jobs.pop()) {
    const { from, into } = job;
    const edits = into.edits;
    if (job.interface) copyInputs(from, into, map);
    else copyConstants(from, into, map);
    for (const node of from.topo()) jobs.push(...copyNode(node, into, map));
    if (!job.interface) continue;
    for (const slot of from.outputs) into.addOutput({ ...slot, value: map.get(slot.value) ?? slot.value });
    into.proto = from.proto;
    into.edits = edits + from.edits;
  }
}

function copyConstants(from: Graph, into: Graph, map: ValueMap): void {
  for (const value of [...from.initializers].sort((a, b) => a.id - b.id)) copyConstant(value, into, map);
}

function copyConstant(value: Value, into: Graph, map: ValueMap): void {
  const { def } = value;
  if (def.kind === 'initializer') carry(value, into.addInitializer(def.tensor, value.hint), map);
  else if (def.kind === 'sparse-initializer') carry(value, into.addSparseInitializer(def.tensor, value.hint), map);
}

/** Constants and inputs in the order of their identities, which is the order in which they are emitted; then the slots. */
function copyInputs(from: Graph, into: Graph, map: ValueMap): void {
  const values = [...from.initializers];
  for (const slot of from.inputs) if (slot.value.def.kind === 'input') values.push(slot.value);
  for (const value of values.sort((a, b) => a.id - b.id)) {
    if (value.def.kind === 'input') carry(value, into.newInputValue(value.hint, value.type), map);
    else copyConstant(value, into, map);
  }
  for (const slot of from.inputs) into.pushInputSlot({ ...slot, value: map.get(slot.value)! });
}

function carry(from: Value, to: Value, map: ValueMap): void {
  to.type = from.type;
  to.info = from.info;
  map.set(from, to);
}

/** Copies one node with its bodies; `view` gives the inputs and attributes that it is taken to have. */
export function copyNodeInto(node: Node, view: Pick<Node, 'inputs' | 'attrs'>, into: Graph, map: ValueMap): void {
  runJobs(copyNode(node, into, map, view), map);
}

function copyNode(node: Node, into: Graph, map: ValueMap, view: Pick<Node, 'inputs' | 'attrs'> = node): Job[] {
  const jobs: Job[] = [];
  const body = (from: Graph): Graph => {
    const inner = new Graph(into.model, { kind: 'body' });
    jobs.push({ from, into: inner, interface: true });
    return inner;
  };
  const attrs = new Map<string, Attribute>();
  for (const [name, attr] of view.attrs) {
    if (attr.type === 'GRAPH') attrs.set(name, { ...attr, value: body(attr.value) });
    else if (attr.type === 'GRAPHS') attrs.set(name, { ...attr, value: attr.value.map(body) });
    else attrs.set(name, attr);
  }
  const { opType, domain, overload, name, origin } = node;
  const inputs = view.inputs.map((value) => value && (map.get(value) ?? value));
  const outputs = node.outputs.map((value) => value.hint);
  const copy = into.addNode({ opType, domain, overload, name, origin, inputs, outputs, attrs }, node.proto);
  node.outputs.forEach((value, index) => carry(value, copy.outputs[index]!, map));
  return jobs;
}
