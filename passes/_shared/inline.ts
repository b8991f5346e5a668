import {
  type Attribute,
  type Attributes,
  bodiesOf,
  copyContents,
  defaultAttributes,
  type Edit,
  findRuntimeSchema,
  type Fn,
  functionKey,
  type Graph,
  type Model,
  type Node,
  type Value,
} from '#core';

/**
 * Copies nodes and constants of a body or function to where a rewrite works. `map` says what stands for its inputs and receives every
 * copied value. In a function, which has no initializers, constants become `Constant` nodes.
 */
export function copyInto(edit: Edit, from: Graph, map: Map<Value, Value>): void {
  copyContents(from, edit.graph, map, edit.root);
  if (edit.graph.role.kind !== 'function') return;
  for (const value of from.initializers) {
    const copy = map.get(value);
    if (!copy?.constant) continue;
    const node = edit.constant(copy.hint, copy.constant);
    edit.graph.replaceAllUses(copy, node);
    edit.graph.eraseInitializer(copy);
    map.set(value, node);
  }
}

/** The values that the outputs of a copied graph have where it was copied to; a captured value stands for itself. */
export function copiedOutputs(from: Graph, map: ReadonlyMap<Value, Value>): readonly Value[] {
  return from.outputs.map((slot) => map.get(slot.value) ?? slot.value);
}

/** The function of the model that a node calls. */
export function findFunction(model: Model, node: Node): Fn | undefined {
  return model.functions.get(functionKey({ domain: node.domain, name: node.opType, overload: node.overload }));
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

/** The nodes of a function, those of bodies inside included. */
function nodesOf(fn: Fn): readonly Node[] {
  return [fn.graph, ...[...fn.graph.nodes.values()].flatMap((each) => [...bodiesOf(each)])].flatMap((graph) => [
    ...graph.nodes.values(),
  ]);
}

/** A node of the function that would be another operator version in this graph. */
export function clashOf(model: Model, fn: Fn, outside: Graph): Node | undefined {
  return nodesOf(fn).find((each) => !meansTheSame(model, each, outside));
}

/** How many operators a function holds, constants aside. */
export function sizeOf(fn: Fn): number {
  return nodesOf(fn).filter((each) => each.opType !== 'Constant').length;
}

/** Whether every output of a call is there: one that only passes an input on is not, where the call gives none. */
export function givesAll(node: Node, fn: Fn): boolean {
  return fn.graph.outputs.every((slot) => {
    const at = fn.graph.inputs.findIndex((input) => input.value === slot.value);
    return at < 0 || node.inputs[at] !== undefined;
  });
}

/** Puts the body of a function in the place of a call. Gives what stands for the values of the function. */
export function inlineCall(edit: Edit, node: Node, fn: Fn): ReadonlyMap<Value, Value> {
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
    const value = values[index]!;
    if (output.uses.size === 0) return;
    if (output.hint !== '' && [...map.values()].includes(value) && !node.inputs.includes(value))
      edit.graph.setHint(value, '');
    edit.replace(output, value);
  });
  return map;
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
