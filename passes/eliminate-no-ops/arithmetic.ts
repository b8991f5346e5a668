import {
  type DType,
  hasReference,
  intAttr,
  intsAttr,
  isFloat,
  isOp,
  type Node,
  Tensor,
  type Types,
  type Value,
} from '#core';
import { haveSameShape, knownInts, normalAxis, uniformValue } from '../_shared/facts.js';
import { type NodeRule, passThrough, type Plan } from '../_shared/node-rules.js';

/** The operand that an operator leaves as it is, and where it may stand. */
interface Neutral {
  /** Whether this uniform operand is neutral for elements of this dtype. */
  readonly is: (value: number, dtype: DType) => boolean;
  readonly first: boolean;
}

const isOne = (value: number): boolean => value === 1;
const isTrue = (value: number): boolean => value === 1;
const isFalse = (value: number): boolean => value === 0;

/** x − 0 is x for every x, also for −0, and so is x + −0; but −0 + 0 is 0. Integers have one zero. */
const NEUTRAL: Readonly<Record<string, Neutral>> = {
  Mul: { is: isOne, first: true },
  Div: { is: isOne, first: false },
  Pow: { is: isOne, first: false },
  Add: { is: (value, dtype) => (isFloat(dtype) ? Object.is(value, -0) : value === 0), first: true },
  Sub: { is: (value, dtype) => (isFloat(dtype) ? Object.is(value, 0) : value === 0), first: false },
  And: { is: isTrue, first: true },
  Or: { is: isFalse, first: true },
  Xor: { is: isFalse, first: true },
  BitwiseOr: { is: isFalse, first: true },
  BitwiseXor: { is: isFalse, first: true },
};

/** Operators whose result does not depend on the sign of a zero that they read. */
const SIGN_BLIND = new Set([
  'MatMul',
  'Gemm',
  'Conv',
  'ConvTranspose',
  'Softmax',
  'Exp',
  'Sigmoid',
  'Equal',
  'Less',
  'Greater',
]);

const neutralOperand: NodeRule = {
  name: 'neutral-operand',
  summary: 'x * 1, x / 1, x ^ 1, x + 0, x - 0, x and true, x or false, where x is not broadcast by it',
  ops: Object.keys(NEUTRAL),
  plan(node, { types }) {
    const [a, b] = node.inputs;
    const output = node.outputs[0];
    const neutral = NEUTRAL[node.opType]!;
    if (!a || !b || !output) return undefined;
    if (isNeutral(neutral, b, node, types) && haveSameShape(types, a, output)) return passThrough(node, a);
    if (neutral.first && isNeutral(neutral, a, node, types) && haveSameShape(types, b, output))
      return passThrough(node, b);
    return undefined;
  },
};

function isNeutral(neutral: Neutral, value: Value, node: Node, types: Types): boolean {
  const number = uniformValue(value);
  const dtype = types.dtype(node.outputs[0]!);
  if (number === undefined || !dtype) return false;
  if (neutral.is(number, dtype)) return true;
  return isOp(node, 'Add') && number === 0 && readersAreSignBlind(node.outputs[0]!);
}

function readersAreSignBlind(value: Value): boolean {
  return [...value.uses].every(
    (use) => use.kind === 'input' && use.node.domain === '' && SIGN_BLIND.has(use.node.opType),
  );
}

/** Operators that undo themselves exactly. */
const INVOLUTIONS = new Set(['Not', 'Neg', 'BitwiseNot']);

const twice: NodeRule = {
  name: 'twice',
  summary: 'Not of Not, Neg of Neg, BitwiseNot of BitwiseNot',
  ops: [...INVOLUTIONS],
  plan(node) {
    const inner = node.inputs[0]?.producer;
    return isOp(inner, node.opType) ? passThrough(node, inner.inputs[0]) : undefined;
  },
};

/** What an operator leaves alone because another one has just done the same. */
const SETTLED: Readonly<Record<string, readonly string[]>> = {
  Relu: ['Relu'],
  Abs: ['Abs'],
  Sign: ['Sign'],
  Ceil: ['Ceil', 'Floor', 'Round', 'Sign'],
  Floor: ['Ceil', 'Floor', 'Round', 'Sign'],
  Round: ['Ceil', 'Floor', 'Round', 'Sign'],
};

const settled: NodeRule = {
  name: 'settled',
  summary: 'Relu of Relu, Abs of Abs, rounding of what is whole already',
  ops: Object.keys(SETTLED),
  plan(node) {
    const inner = node.inputs[0]?.producer;
    return isOp(inner, ...SETTLED[node.opType]!) ? passThrough(node, node.inputs[0]) : undefined;
  },
};

const sameOperand: NodeRule = {
  name: 'same-operand',
  summary: 'Max, Min, And or Or of one value with itself',
  ops: ['Max', 'Min', 'And', 'Or', 'BitwiseAnd', 'BitwiseOr'],
  plan: (node) =>
    node.inputs.length > 1 && node.inputs.every((value) => value === node.inputs[0])
      ? passThrough(node, node.inputs[0])
      : undefined,
};

/** Operators that give the same for x, −x and |x|. */
const EVEN = ['Abs', 'Cos', 'Cosh', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare'];

const even: NodeRule = {
  name: 'sign-unseen',
  summary: 'Neg and Abs in front of an operator that does not see the sign',
  ops: EVEN,
  plan(node) {
    const inner = node.inputs[0]?.producer;
    return isOp(inner, 'Neg', 'Abs') ? (edit) => edit.graph.setInput(node, 0, inner.inputs[0]) : undefined;
  },
};

/** By its function body in the standard, Clip without bounds is Identity, from version 11 on; before, the defaults cut infinities. */
const clip: NodeRule = {
  name: 'clip-without-bounds',
  summary: 'Clip with neither minimum nor maximum',
  // Infinities are clipped to the largest finite numbers.
  semantics: 'equivalent',
  ops: ['Clip'],
  plan: (node) =>
    (node.graph.opset('') ?? 0) >= 11 && !node.inputs[1] && !node.inputs[2]
      ? passThrough(node, node.inputs[0])
      : undefined,
};

const where: NodeRule = {
  name: 'decided-where',
  summary: 'Where whose condition is constant, or whose branches are one value',
  ops: ['Where'],
  plan(node, { types }) {
    const [condition, yes, no] = node.inputs;
    const decided = yes === no ? 1 : (uniformValue(condition) ?? uniformElement(types, condition));
    const chosen = decided === undefined ? undefined : decided === 0 ? no : yes;
    return haveSameShape(types, chosen, node.outputs[0]) ? passThrough(node, chosen) : undefined;
  },
};

/** What a condition decides between may be its own truth. */
const truth: NodeRule = {
  name: 'where-truth',
  summary:
    'Where that chooses true where the condition holds and false elsewhere is the condition, the other way round Not',
  ops: ['Where'],
  plan(node, { types }) {
    const [condition, yes, no] = node.inputs;
    const output = node.outputs[0]!;
    if (types.dtype(output) !== 'bool' || !haveSameShape(types, condition, output)) return undefined;
    const [first, second] = [uniformValue(yes), uniformValue(no)];
    if (first === 1 && second === 0) return passThrough(node, condition);
    if (first !== 0 || second !== 1) return undefined;
    return (edit) => edit.replace(output, edit.node('Not', [condition]));
  },
};

function uniformElement(types: Types, value: Value | undefined): number | undefined {
  const items = knownInts(types, value);
  return items?.every((item) => item === items[0]) ? items[0] : undefined;
}

/** Reductions that give the element itself where there is just one. */
const ONE_IS_ITSELF = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'];

const reduction: NodeRule = {
  name: 'reduction-of-one',
  summary: 'reductions over axes of size 1, and over no axes when that means none; what drops its axes becomes Squeeze',
  semantics: 'equivalent', // a sum starts at +0, so that −0 becomes +0
  ops: ONE_IS_ITSELF,
  plan(node, { types }) {
    const [data, input] = node.inputs;
    const shape = data && types.shape(data);
    const axes = input ? knownInts(types, input) : intsAttr(node, 'axes');
    if (!shape || (input && !axes) || hasReference(node)) return undefined;
    if ((!axes || axes.length === 0) && intAttr(node, 'noop_with_empty_axes') === 1) return passThrough(node, data);
    const reduced = axes?.length ? axes.map((axis) => normalAxis(axis, shape.length) ?? -1) : [...shape.keys()];
    if (!reduced.every((axis) => shape[axis] === 1)) return undefined;
    return intAttr(node, 'keepdims') === 1 ? passThrough(node, data) : squeeze(node, data, reduced);
  },
};

function squeeze(node: Node, data: Value, axes: readonly number[]): Plan | undefined {
  const output = node.outputs[0]!;
  const isInput = (node.graph.opset('') ?? 0) >= 13;
  if (axes.length === 0) return passThrough(node, data);
  return (edit) => {
    const inputs = isInput ? [data, edit.constant('', Tensor.int64([axes.length], axes))] : [data];
    edit.replace(output, edit.node('Squeeze', inputs, isInput ? {} : { axes }));
  };
}

/** Rules about operators that compute. */
export const ARITHMETIC_RULES: readonly NodeRule[] = [
  neutralOperand,
  twice,
  settled,
  sameOperand,
  even,
  clip,
  where,
  truth,
  reduction,
];
