import {
  constantOf,
  hasReference,
  type Node,
  parseEinsum,
  type Pass,
  type PassContext,
  stringAttr,
  Tensor,
  type Value,
} from '#core';
import { nodeRules, type NodeRule, passThrough, type Plan } from '../_shared/node-rules.js';
import { findProduct } from './product.js';

/** An Einsum whose equation names every axis once per operand. */
interface Reading {
  readonly operands: readonly (readonly string[])[];
  readonly output: readonly string[];
}

function readingOf(node: Node, { types }: PassContext): Reading | undefined {
  if (hasReference(node) || node.inputs.includes(undefined)) return undefined;
  const found = parseEinsum(stringAttr(node, 'equation') ?? '');
  const dtype = types.dtype(node.outputs[0]!);
  if (!found || (dtype !== 'float32' && dtype !== 'float64') || found.operands.length !== node.inputs.length)
    return undefined;
  const terms = [...found.operands, found.output];
  return terms.every((labels) => new Set(labels).size === labels.length && !labels.includes('...')) ? found : undefined;
}

const oneOperand: NodeRule = {
  name: 'einsum-of-one',
  summary: 'Einsum of one operand becomes Transpose or ReduceSum, or nothing',
  ops: ['Einsum'],
  plan(node, cx) {
    const reading = readingOf(node, cx);
    const [labels, ...others] = reading?.operands ?? [];
    if (!reading || !labels || others.length > 0) return undefined;
    const [input, output] = [node.inputs[0]!, node.outputs[0]!];
    const kept = labels.filter((label) => reading.output.includes(label));
    if (kept.length === labels.length) {
      const perm = reading.output.map((label) => labels.indexOf(label));
      if (perm.every((axis, at) => axis === at)) return passThrough(node, input);
      return (edit) => edit.replace(output, edit.node('Transpose', [input], { perm }));
    }
    if (kept.join() !== reading.output.join()) return undefined;
    const axes = labels.flatMap((label, axis) => (kept.includes(label) ? [] : [axis]));
    return (edit) => {
      const isInput = (node.graph.opset('') ?? 0) >= 13;
      const inputs = isInput ? [input, edit.constant('', Tensor.int64([axes.length], axes))] : [input];
      edit.replace(output, edit.node('ReduceSum', inputs, { keepdims: 0, ...(!isInput && { axes }) }));
    };
  },
};

const twoOperands: NodeRule = {
  name: 'einsum-of-two',
  summary: 'Einsum of two operands becomes MatMul or Mul where their axes are in order',
  ops: ['Einsum'],
  plan(node, cx) {
    const reading = readingOf(node, cx);
    if (reading?.operands.length !== 2) return undefined;
    const plan = multiplied(node, reading) ?? contracted(node, reading, cx);
    if (!plan) cx.decline('einsum-of-two', node, 'the axes are in no order that one MatMul or Mul takes', 1);
    return plan;
  },
};

/** Nothing is summed, and one operand has the last axes of the other. */
function multiplied(node: Node, { operands, output }: Reading): Plan | undefined {
  const [a, b] = operands as readonly [readonly string[], readonly string[]];
  const isSuffix = (labels: readonly string[]): boolean =>
    output.slice(output.length - labels.length).join() === labels.join();
  const whole = a.join() === output.join() ? b : b.join() === output.join() ? a : undefined;
  if (!whole || !isSuffix(whole)) return undefined;
  return (edit) => edit.replace(node.outputs[0]!, edit.node('Mul', node.inputs));
}

function contracted(node: Node, { operands, output }: Reading, { types }: PassContext): Plan | undefined {
  const terms = operands.map((labels, at) => {
    const value = node.inputs[at]!;
    return { labels, value, shape: types.shape(value), isConstant: constantOf(value) !== undefined };
  });
  const found = findProduct(terms, output);
  if (!found) return undefined;
  return (edit) => {
    const operand = ({ value, turned }: { readonly value: Value; readonly turned: boolean }): Value =>
      turned ? edit.node('Transpose', [value], { perm: [1, 0] }) : value;
    edit.replace(node.outputs[0]!, edit.node('MatMul', [operand(found.left), operand(found.right)]));
  };
}

/** Einsum that is something simpler becomes that: it has kernels of its own, and other passes see it. */
export const simplifyEinsum: Pass = nodeRules({
  name: 'simplify-einsum',
  summary: 'Einsum becomes MatMul, Mul, Transpose or ReduceSum where one of them does the same',
  semantics: 'equivalent',
  rules: [oneOperand, twoOperands],
});
