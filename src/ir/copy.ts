import type { Attribute, Attributes } from './attribute.js';
import { Graph } from './graph.js';
import { Model } from './model.js';
import type { Node } from './node.js';
import { Value } from './value.js';

/** From values of the source to values of the copy. What is not in it and lies outside of the copied graph stands for itself. */
export type ValueMap = Map<Value, Value>;

/** One graph to fill from another; kept on a list, so that depth costs no stack. */
interface Job {
  readonly from: Graph;
  readonly into: Graph;
  /** Whether inputs and outputs are copied as well, as for a body. */
  readonly interface: boolean;
  /** The node whose place in the emitted order the copies take; each that of its original when absent. */
  readonly near?: Node | undefined;
}

/**
 * Copies nodes and constants of `from` into `into`, bodies at any depth included; tensors are shared. `map` gives what stands for
 * the inputs of `from` (and for captured values that differ), and receives every value that was copied. The copies take the place of
 * `near` in the emitted order.
 */
export function copyContents(from: Graph, into: Graph, map: ValueMap, near?: Node): void {
  runJobs([{ from, into, interface: false, near }], map);
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
    const copies: { readonly node: Node; readonly copy: Node }[] = [];
    for (const item of itemsOf(job)) {
      if (item instanceof Value) copyValue(item, into, map);
      else {
        const { copy, bodies } = copyNode(item, into, map, { near: job.near ?? item });
        copies.push({ node: item, copy });
        jobs.push(...bodies);
      }
    }
    for (const { node, copy } of copies) linkCopy(copy, node.inputs, map);
    if (!job.interface) continue;
    for (const slot of from.inputs) into.pushInputSlot({ ...slot, value: map.get(slot.value)! });
    for (const slot of from.outputs) into.addOutput({ ...slot, value: map.get(slot.value) ?? slot.value });
    into.proto = from.proto;
    into.edits = edits + from.edits;
  }
}

/** What is to be copied, oldest first, so that copies get their names in the same order: constants, inputs if wanted, nodes. */
function itemsOf({ from, interface: withInputs }: Job): (Value | Node)[] {
  const items: (Value | Node)[] = [...from.initializers, ...from.nodes.values()];
  if (withInputs) for (const slot of from.inputs) if (slot.value.def.kind === 'input') items.push(slot.value);
  const age = (item: Value | Node): number => (item instanceof Value ? item.id : (item.outputs[0]?.id ?? 0));
  return items.sort((a, b) => age(a) - age(b));
}

function copyValue(value: Value, into: Graph, map: ValueMap): void {
  const { def } = value;
  if (def.kind === 'initializer') carry(value, into.addInitializer(def.tensor, value.hint), map);
  else if (def.kind === 'sparse-initializer') carry(value, into.addSparseInitializer(def.tensor, value.hint), map);
  else carry(value, into.newInputValue(value.hint, value.type), map);
}

function carry(from: Value, to: Value, map: ValueMap): void {
  to.type = from.type;
  to.info = from.info;
  map.set(from, to);
}

/** Copies one node with its bodies; `view` gives the inputs and attributes that it is taken to have. */
export function copyNodeInto(node: Node, view: Pick<Node, 'inputs' | 'attrs'>, into: Graph, map: ValueMap): void {
  const { copy, bodies } = copyNode(node, into, map, { attrs: view.attrs });
  linkCopy(copy, view.inputs, map);
  runJobs(bodies, map);
}

function linkCopy(copy: Node, inputs: Node['inputs'], map: ValueMap): void {
  copy.graph.setInputs(
    copy,
    inputs.map((value) => value && (map.get(value) ?? value)),
  );
}

interface CopyOptions {
  readonly attrs?: Attributes;
  readonly near?: Node;
}

/** A copy without inputs, and the bodies that are still to be filled. */
function copyNode(node: Node, into: Graph, map: ValueMap, options: CopyOptions): { copy: Node; bodies: Job[] } {
  const bodies: Job[] = [];
  const body = (from: Graph): Graph => {
    const inner = new Graph(into.model, { kind: 'body' });
    bodies.push({ from, into: inner, interface: true });
    return inner;
  };
  const attrs = new Map<string, Attribute>();
  for (const [name, attr] of options.attrs ?? node.attrs) {
    if (attr.type === 'GRAPH') attrs.set(name, { ...attr, value: body(attr.value) });
    else if (attr.type === 'GRAPHS') attrs.set(name, { ...attr, value: attr.value.map(body) });
    else attrs.set(name, attr);
  }
  const { opType, domain, overload, name, origin } = node;
  const outputs = node.outputs.map((value) => value.hint);
  const near = options.near && { near: options.near };
  const copy = into.addNode(
    { opType, domain, overload, name, origin, inputs: [], outputs, attrs, ...near },
    node.proto,
  );
  node.outputs.forEach((value, index) => carry(value, copy.outputs[index]!, map));
  return { copy, bodies };
}
