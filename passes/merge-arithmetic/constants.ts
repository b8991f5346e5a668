import { type DType, type Edit, fromFloat64, isOp, type Node, Tensor, type Types, type Value } from '#core';
import { haveSameShape, onlyReader, uniformValue } from '../_shared/facts.js';
import type { NodeRule } from '../_shared/node-rules.js';

/** `x * factor` or `x + term`, with the constant as one number. */
interface Step {
  readonly kind: 'scale' | 'shift';
  readonly data: Value;
  readonly by: number;
}

/** Reads Mul, Div, Add, Sub by a uniform constant, and Neg; only where the constant does not widen the shape. */
function readStep(node: Node | undefined, types: Types): Step | undefined {
  if (!isOp(node, 'Mul', 'Div', 'Add', 'Sub', 'Neg')) return undefined;
  const [a, b] = node.inputs;
  const step = node.opType === 'Neg' ? { data: a!, by: -1 } : operandStep(node, a!, b!);
  if (!step || !haveSameShape(types, step.data, node.outputs[0])) return undefined;
  const kind = isOp(node, 'Add', 'Sub') ? 'shift' : 'scale';
  return { kind, ...step };
}

function operandStep(node: Node, a: Value, b: Value): { readonly data: Value; readonly by: number } | undefined {
  const [first, second] = [uniformValue(a), uniformValue(b)];
  if (second !== undefined) {
    if (node.opType === 'Div') return second === 0 ? undefined : { data: a, by: 1 / second };
    return { data: a, by: node.opType === 'Sub' ? -second : second };
  }
  return first !== undefined && (node.opType === 'Mul' || node.opType === 'Add') ? { data: b, by: first } : undefined;
}

/** Numbers between these cause neither overflow nor the loss of digits to subnormals in float16. */
const SAFE: Partial<Record<DType, readonly [number, number]>> = {
  float32: [1e-30, 1e30],
  float64: [1e-290, 1e290],
  float16: [1e-3, 1e3],
};

/** Two scalings or two shifts by single numbers, merged in float64. */
export const constantChain: NodeRule = {
  name: 'constant-chain',
  summary: 'two scalings, or two shifts, by constants in a row become one',
  ops: ['Mul', 'Div', 'Add', 'Sub', 'Neg'],
  plan(node, { types }) {
    const outer = readStep(node, types);
    const inner = outer && readStep(outer.data.producer, types);
    const dtype = types.dtype(node.outputs[0]!);
    const range = dtype && SAFE[dtype];
    if (!range || !inner || inner.kind !== outer.kind || onlyReader(outer.data) !== node) return undefined;
    const by = outer.kind === 'scale' ? inner.by * outer.by : inner.by + outer.by;
    const isSafe = [inner.by, outer.by, by].every((each) => Math.abs(each) > range[0] && Math.abs(each) < range[1]);
    // Terms that nearly cancel would let rounding errors of the inner sum appear or vanish.
    const cancels = outer.kind === 'shift' && Math.sign(inner.by) !== Math.sign(outer.by);
    if (!isSafe || cancels) return undefined;
    return (edit) => edit.replace(node.outputs[0]!, addStep(edit, { ...outer, data: inner.data, by }, dtype));
  },
};

function addStep(edit: Edit, { kind, data, by }: Step, dtype: DType): Value {
  const constant = edit.constant('', Tensor.from(fromFloat64(dtype, [], [by])));
  return edit.node(kind === 'scale' ? 'Mul' : 'Add', [data, constant]);
}

/** What a negation or reciprocal in front of an operator turns it into. */
export const signs: NodeRule = {
  name: 'signs',
  summary: 'a + (-b) is a - b, a - (-b) is a + b, a * (1 / b) is a / b',
  ops: ['Add', 'Sub', 'Mul'],
  plan(node) {
    const [a, b] = node.inputs;
    const inner = node.opType === 'Mul' ? 'Reciprocal' : 'Neg';
    const into = node.opType === 'Add' ? 'Sub' : node.opType === 'Sub' ? 'Add' : 'Div';
    const read = (value: Value | undefined): Value | undefined =>
      value && isOp(value.producer, inner) && onlyReader(value) === node ? value.producer.inputs[0] : undefined;
    if ((node.graph.opset('') ?? 0) < 7) return undefined;
    const right = read(b);
    if (right) return (edit) => edit.replace(node.outputs[0]!, edit.node(into, [a, right]));
    const left = node.opType === 'Sub' ? undefined : read(a);
    return left && ((edit) => edit.replace(node.outputs[0]!, edit.node(into, [b, left])));
  },
};

/** A negated condition. */
export const whereNot: NodeRule = {
  name: 'where-not',
  summary: 'Where of Not takes its branches the other way round',
  ops: ['Where'],
  plan(node) {
    const [condition, yes, no] = node.inputs;
    const inner = condition?.producer;
    if (!isOp(inner, 'Not')) return undefined;
    return (edit) => edit.replace(node.outputs[0]!, edit.node('Where', [inner.inputs[0], no, yes]));
  },
};
