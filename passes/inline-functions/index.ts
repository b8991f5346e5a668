import {
  type Attribute,
  type Attributes,
  bodiesOf,
  defaultAttributes,
  findRuntimeSchema,
  type Fn,
  functionKey,
  type Graph,
  type Model,
  type Node,
  type Pass,
  type PassContext,
  type Value,
} from '#core';
import { copiedOutputs, copyInto } from '../_shared/inline.js';

/**
 * Calls of local functions become the body of the function where this makes the model no larger: functions that are called once, or
 * whose body is one node. A body means the same outside only when its operators have the same version there.
 */
export const inlineFunctions: Pass = {
  name: 'inline-functions',
  summary: 'functions that are called once, or hold one node, are inlined',
  semantics: 'exact',
  rules: { 'inline-call': 'a call becomes the body of the function' },
  run(model: Model, cx) {
    const calls = countCalls(model);
    for (const graph of model.graphs()) {
      for (const node of graph.topo()) if (node.alive) inlineCall(model, node, calls, cx);
    }
  },
};

function findFunction(model: Model, node: Node): Fn | undefined {
  return model.functions.get(functionKey({ domain: node.domain, name: node.opType, overload: node.overload }));
}

function countCalls(model: Model): ReadonlyMap<Fn, number> {
  const calls = new Map<Fn, number>();
  for (const graph of model.graphs()) {
    for (const node of graph.nodes.values()) {
      const fn = findFunction(model, node);
      if (fn) calls.set(fn, (calls.get(fn) ?? 0) + 1);
    }
  }
  return calls;
}

function inlineCall(model: Model, node: Node, calls: ReadonlyMap<Fn, number>, cx: PassContext): void {
  const fn = findFunction(model, node);
  if (!fn || fn.graph === rootOf(node.graph)) return;
  const nodes = [fn.graph, ...[...fn.graph.nodes.values()].flatMap((each) => [...bodiesOf(each)])].flatMap((graph) => [
    ...graph.nodes.values(),
  ]);
  const size = nodes.filter((each) => each.opType !== 'Constant').length;
  const count = calls.get(fn) ?? 1;
  if (count * size > count + size) return;
  const clash = nodes.find((each) => !meansTheSame(model, each, node.graph));
  if (clash) {
    cx.decline('inline-call', node, `${clash.op} has another version inside of ${fn.name}`, 1);
    return;
  }
  const isGiven = fn.graph.outputs.every((slot) => {
    const at = fn.graph.inputs.findIndex((input) => input.value === slot.value);
    return at < 0 || node.inputs[at] !== undefined;
  });
  if (isGiven) cx.rewrite('inline-call', node, (edit) => inline(edit, node, fn));
}

function rootOf(graph: Graph): Graph {
  let at = graph;
  while (at.outer) at = at.outer;
  return at;
}

/** Whether a node of a function is the same operator version where the function is called. */
function meansTheSame(model: Model, node: Node, outside: Graph): boolean {
  if (findFunction(model, node)) return true;
  const [inner, outer] = [node.graph.opset(node.domain), outside.opset(node.domain)];
  if (inner === undefined || outer === undefined) return false;
  if (inner === outer) return true;
  const [a, b] = [inner, outer].map((opset) => findRuntimeSchema(node.domain, node.opType, opset)?.since);
  return a !== undefined && a === b;
}

function inline(edit: Parameters<Parameters<PassContext['rewrite']>[2]>[0], node: Node, fn: Fn): void {
  const map = new Map<Value, Value>();
  fn.graph.inputs.forEach((slot, index) => {
    const value = node.inputs[index];
    if (value) map.set(slot.value, value);
  });
  copyInto(edit, fn.graph, map);
  const attributes = new Map([...defaultAttributes(fn), ...node.attrs]);
  const omitted = new Set(fn.graph.inputs.map((slot) => slot.value).filter((value) => !map.has(value)));
  for (const each of fn.graph.nodes.values()) {
    const copy = map.get(each.outputs[0]!)?.producer;
    if (!copy) continue;
    for (const inner of [copy, ...[...bodiesOf(copy)].flatMap((graph) => [...graph.nodes.values()])])
      settle(inner, attributes, omitted);
  }
  const values = copiedOutputs(fn.graph, map);
  node.outputs.forEach((output, index) => {
    if (output.uses.size > 0) edit.replace(output, values[index]!);
  });
}

/** Gives a copied node what the call says: attributes for references, and no input where the call gives none. */
function settle(node: Node, attributes: Attributes, omitted: ReadonlySet<Value>): void {
  for (const [name, attr] of node.attrs) {
    if (attr.type === 'REFERENCE') node.graph.setAttribute(node, name, withoutMessage(attributes.get(attr.value)));
  }
  node.inputs.forEach((value, index) => {
    if (value && omitted.has(value)) node.graph.setInput(node, index, undefined);
  });
}

/** An attribute under another name: the message that it was read from no longer fits. */
function withoutMessage(attr: Attribute | undefined): Attribute | undefined {
  if (!attr) return undefined;
  const { proto: _proto, ...value } = attr;
  return value as Attribute;
}
