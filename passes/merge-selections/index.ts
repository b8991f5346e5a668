import { type Edit, fromFloat64, isOp, type Node, type Pass, type PassContext, Tensor, type Value } from '#core';
import { onlyReader } from '../_shared/facts.js';
import { nodeRules, type NodeRule } from '../_shared/node-rules.js';
import { exclusiveCone } from '../_shared/exclusive-cone.js';
import { FOLLOWED, type Origin, signsOf, Tracer } from './trace.js';

/** Nodes that must be spared before copying element by element is worth it; a Gather that is there copies so already. */
const SPARED = 3;

/** The rotation by pairs of positional embeddings, and the like: slices, negations, stacks and reshapes of one axis. */
const selection: NodeRule = {
  name: 'selection',
  summary: 'choosing, ordering and negating elements along one axis becomes one Gather, and a product with signs',
  ops: ['Concat', 'Reshape'],
  plan(node, cx) {
    const [output] = node.outputs;
    const shape = output && cx.types.shape(output);
    if (!output || !shape || shape.length < 2 || isOp(onlyReader(output), ...FOLLOWED.filter((op) => op !== 'Mul')))
      return undefined;
    for (let rank = shape.length - 1; rank > 0; rank--) {
      const tracer = new Tracer(shape.slice(0, rank), cx.types);
      const origins = tracer.trace(output);
      const from = origins?.[0]?.from;
      if (!origins || !from || from === output || !origins.every((origin) => origin.from === from)) continue;
      const dtype = cx.types.dtype(output);
      const hasSigns = origins.some(({ sign }) => sign !== 1);
      const dying = exclusiveCone(node).filter((each) => tracer.nodes.has(each));
      const spared = dying.length - (hasSigns ? 2 : 1);
      if (!dtype || spared < (dying.some((each) => isOp(each, 'Gather')) ? 1 : SPARED)) return undefined;
      const trailing = shape.slice(rank) as readonly number[];
      return (edit) => edit.replace(output, gather(edit, from, origins, { axis: rank, trailing, dtype }));
    }
    return undefined;
  },
};

function gather(
  edit: Edit,
  from: Value,
  origins: readonly Origin[],
  to: { readonly axis: number; readonly trailing: readonly number[]; readonly dtype: Tensor['dtype'] },
): Value {
  const indices = Tensor.int64(
    to.trailing,
    origins.map(({ index }) => index),
  );
  const chosen = edit.node('Gather', [from, edit.constant('', indices)], { axis: to.axis });
  const signs = origins.map(({ sign }) => sign);
  if (!signs.includes(-1)) return chosen;
  if (!signs.includes(1)) return edit.node('Neg', [chosen]);
  return edit.node('Mul', [chosen, edit.constant('', Tensor.from(fromFloat64(to.dtype, to.trailing, signs)))]);
}

/** A product with ones and minus ones in front of a product with a constant: the constant takes the signs in. */
const signFactor: NodeRule = {
  name: 'sign-factor',
  summary: 'signs in front of a product with a constant go into the constant',
  ops: ['Mul'],
  plan: (node, cx) => planSigns(node, cx),
};

function planSigns(node: Node, { types }: PassContext): ReturnType<NodeRule['plan']> {
  for (const value of node.inputs) {
    const constant = value?.constant;
    const signed = constant && signedBy(node, value);
    const shape = signed?.constant?.shape;
    const signs = shape && signsOf(signed, shape);
    const isTail = shape?.every((size, i) => size === constant!.shape.at(i - shape.length));
    if (!constant || !signs || !isTail || types.dtype(node.outputs[0]!) !== constant.dtype) continue;
    // All readers of the constant together: it is not kept twice.
    const readers = [...value!.uses].map((use) => (use.kind === 'input' ? use.node : undefined));
    const areAlike = readers.every(
      (each) => isOp(each, 'Mul') && each.graph === node.graph && signedBy(each, value!) === signed,
    );
    if (!areAlike) continue;
    const items = constant.floats().map((item, i) => item * signs[i % signs.length]!);
    return (edit) => {
      const factor = edit.constant('', Tensor.from(fromFloat64(constant.dtype, constant.shape, items)));
      for (const each of readers as readonly Node[]) {
        const inner = each.inputs.find((other) => other !== value)!.producer!;
        edit.replace(each.outputs[0]!, edit.node('Mul', [inner.inputs[0], factor]));
      }
    };
  }
  return undefined;
}

/** The constant by which the other operand of a product was multiplied just before, and for it alone. */
function signedBy(node: Node, factor: Value): Value | undefined {
  const other = node.inputs.find((value) => value !== factor);
  const inner = other?.producer;
  if (!isOp(inner, 'Mul') || inner.graph !== node.graph || onlyReader(other!) !== node) return undefined;
  return inner.inputs[1]?.constant ? inner.inputs[1] : undefined;
}

/** Elements that are chosen and ordered along one axis by many nodes are chosen by one. */
export const mergeSelections: Pass = nodeRules({
  name: 'merge-selections',
  summary: 'slices, stacks and negations along one axis, as in rotations by pairs, become one Gather',
  semantics: 'exact',
  rules: [selection, signFactor],
});
