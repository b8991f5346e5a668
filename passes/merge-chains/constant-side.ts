import { type Edit, isBroadcasting, isElementwiseUnary, type Node, Tensor, type Types, type Value } from '#core';
import { onlyReader } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';

/** Operators looked at behind one Reshape. */
const MAX_NODES = 8;

/** Elementwise operators that look at more than one element, or whose second operand is no parameter. */
const UNLIKE = new Set(['BitCast', 'CastLike', 'SwiGLU']);

/** What a Reshape reads is made of constants and single numbers: the constants can have the shape at once. */
export const reshapedConstants: NodeRule = {
  name: 'reshape-of-constants',
  summary:
    'a reshape of what is computed of constants of that shape and single numbers becomes a reshape of the constants',
  ops: ['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'],
  plan(node, { types }) {
    const [from, to] = [node.inputs[0], node.outputs[0]].map((value) => value && types.shape(value));
    if (!to || !from?.every((dim) => typeof dim === 'number' && dim > 0)) return undefined;
    const shape = to.filter((dim) => typeof dim === 'number');
    const cone = coneOf(node, from as readonly number[], shape.length, types);
    const count = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);
    if (!cone || shape.length !== to.length || count(shape) !== count(from as readonly number[])) return undefined;
    return (edit) => edit.replace(node.outputs[0]!, rebuilt(edit, cone, shape));
  },
};

/** Elementwise nodes that only the Reshape needs, producers last, and the constants to be reshaped. */
interface Cone {
  readonly nodes: readonly Node[];
  readonly constants: ReadonlySet<Value>;
}

function coneOf(reshape: Node, shape: readonly number[], rank: number, types: Types): Cone | undefined {
  const nodes: Node[] = [];
  const constants = new Set<Value>();
  const open: Value[] = [reshape.inputs[0]!];
  for (let value = open.pop(); value; value = open.pop()) {
    const own = types.shape(value);
    const isNumber = own?.every((dim) => dim === 1) && own.length <= Math.min(rank, shape.length);
    if (isNumber && value !== reshape.inputs[0]) continue;
    const isWhole = own?.length === shape.length && own.every((dim, axis) => dim === shape[axis]);
    const node = value.producer;
    if (!isWhole || !onlyReader(value)) return undefined;
    if (value.constant) constants.add(value);
    else if (node && node.graph === reshape.graph && nodes.length < MAX_NODES && isElementwise(node)) {
      nodes.push(node);
      for (const input of node.inputs) if (input) open.push(input);
    } else return undefined;
  }
  return nodes.length > 0 && constants.size > 0 ? { nodes, constants } : undefined;
}

function isElementwise(node: Node): boolean {
  if (node.domain !== '' || UNLIKE.has(node.opType) || node.outputs.length !== 1 || (node.graph.opset('') ?? 0) < 7)
    return false;
  return isElementwiseUnary(node) ? node.inputs.length === 1 : isBroadcasting(node);
}

function rebuilt(edit: Edit, cone: Cone, shape: readonly number[]): Value {
  const made = new Map<Value, Value>();
  for (const value of cone.constants) {
    const { dtype, data } = value.constant!;
    made.set(value, edit.constant(value.hint, new Tensor(dtype, shape, data)));
  }
  // A node is read by one other node of the cone, which was found before it.
  for (const node of cone.nodes.toReversed()) {
    const inputs = node.inputs.map((value) => (value && made.get(value)) ?? value);
    made.set(node.outputs[0]!, edit.node(node.opType, inputs, node.attrs, { name: node.name }));
  }
  return made.get(cone.nodes[0]!.outputs[0]!)!;
}
