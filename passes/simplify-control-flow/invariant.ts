import {
  constantOf,
  type Edit,
  type Graph,
  hasReference,
  isDeterministic,
  isElementwise,
  isFloat,
  isLayout,
  isOp,
  type Node,
  type Types,
  type Value,
} from '#core';
import type { NodeRule } from '../_shared/node-rules.js';
import { bodyOf } from './if.js';

/** Operators that may refuse what they read, so that a loop that never runs would fail where it did not. */
const PARTIAL = new Set(['Reshape', 'Expand', 'Tile', 'BitShift', 'StringConcat', 'RegexFullMatch']);

/** Whether a node computes the same in every iteration, cheaply and without failing: it reads nothing that the body makes. */
function isInvariant(node: Node, body: Graph, types: Types): boolean {
  if (node.domain !== '' || node.bodies.length > 0 || hasReference(node) || !isDeterministic(node)) return false;
  if (PARTIAL.has(node.opType) || !(isElementwise(node) || isLayout(node) || node.opType === 'Shape')) return false;
  const divides = isOp(node, 'Div', 'Mod', 'Pow');
  if (divides && !isFloat(types.dtype(node.outputs[0]!) ?? 'int64')) return false;
  const reads = node.inputs.filter((value): value is Value => value !== undefined);
  const isOutside = (value: Value): boolean => value.graph !== body;
  return (
    reads.some((value) => isOutside(value) && !constantOf(value)) &&
    reads.every((value) => isOutside(value) || constantOf(value) !== undefined)
  );
}

/** Operands that broadcast are proven to fit each other where the result has a known shape. What a body gives it makes itself. */
function isTotal(node: Node, types: Types): boolean {
  return node.outputs.every(
    (value) => types.shape(value) !== undefined && [...value.uses].every((use) => use.kind === 'input'),
  );
}

function moveOut(edit: Edit, node: Node): void {
  const made = edit.graph.addNode({
    opType: node.opType,
    name: node.name,
    inputs: node.inputs.map((value) => {
      const tensor = value && value.graph === node.graph ? constantOf(value) : undefined;
      return tensor ? edit.constant(value!.hint, tensor) : value;
    }),
    outputs: node.outputs.map(() => ''),
    attrs: node.attrs,
    origin: node.origin,
    ...(edit.root && { near: edit.root }),
  });
  node.outputs.forEach((value, at) => edit.replace(value, made.outputs[at]!));
}

/** What does not change from one iteration to the next is computed once, in front of the loop. */
export const loopInvariant: NodeRule = {
  name: 'loop-invariant',
  summary: 'elementwise and layout operators of a body that read nothing from it are computed once, before the loop',
  ops: ['Loop', 'Scan'],
  plan(node, { types }) {
    const body = bodyOf(node, 'body');
    if (!body || (node.graph.opset('') ?? 0) < 9 || node.graph.role.kind === 'function') return undefined;
    const found = body.topo().find((each) => isInvariant(each, body, types) && isTotal(each, types));
    return found && ((edit) => moveOut(edit, found));
  },
};
