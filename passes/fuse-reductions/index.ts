import {
  any,
  intAttr,
  type Match,
  no,
  ok,
  oneOf,
  op,
  type OpPattern,
  type Pass,
  type Pat,
  type Rule,
  rulePass,
  scalar,
  type Verdict,
} from '#core';
import { square } from '../_shared/norms.js';
import { axesOf, build, canMove, maxOf, sumOf } from './reduction.js';

const x = any('input');
const common = { dtypes: ['float32', 'float64'], minOpset: 7 } as const;

/** A reduction of which another operator is the whole. */
function becomes(
  name: string,
  opType: string,
  root: string,
  summary: string,
  reduction: OpPattern,
  pattern: Pat,
): Rule {
  return {
    ...common,
    name,
    summary,
    root,
    pattern,
    check: (m) => (canMove(m, reduction) ? ok : no('the axes are not constant', m.node(reduction))),
    rewrite: (m, edit) => build(edit, opType, m.value(x), m.node(reduction), m.types),
  };
}

const squares = sumOf(square(x));
const sumSquare = op.ReduceSumSquare(x);
const sumSquareOver = op.ReduceSumSquare(x, any('axes of squares'));
const absolutes = sumOf(op.Abs(x));
const sum = sumOf(x);
const factor = scalar('factor');

/** Whether the factor is one over the number of elements that are summed. */
function checkMean(m: Match): Verdict {
  const node = m.node(sum);
  const [axes, shape] = [axesOf(node, m.types), m.shape(x)];
  const sizes = axes?.map((axis) => shape?.[axis]);
  if (!sizes?.every((size) => typeof size === 'number'))
    return no('the number of elements that are summed is unknown', node);
  const count = sizes.reduce((product: number, size) => product * (size as number), 1);
  const given = m.get(factor);
  const wanted = m.root.opType === 'Div' ? count : 1 / count;
  return Math.abs(given - wanted) <= 1e-7 * wanted ? ok : no(`the factor is ${given}, not ${wanted}`, m.value(factor));
}

const mean: Rule = {
  ...common,
  name: 'mean',
  summary: 'a sum over axes of known size, divided by their size, becomes ReduceMean',
  root: ['Mul', 'Div'],
  pattern: oneOf(op.Mul(sum, factor), op.Div(sum, factor)),
  check: checkMean,
  rewrite: (m, edit) => build(edit, 'ReduceMean', m.value(x), m.node(sum), m.types),
};

const top = maxOf(x);
const powers = op.Exp(op.Sub(x, top));
const total = sumOf(powers);

function checkSoftmax(m: Match): Verdict {
  for (const each of [top, total]) {
    const axes = axesOf(m.node(each), m.types);
    const rank = m.shape(x)?.length ?? 0;
    const single = axes?.length === 1 && intAttr(m.node(each), 'keepdims') === 1;
    if (!single || axes[0] !== axesOf(m.node(top), m.types)?.[0])
      return no('maximum and sum are not over one and the same axis', m.node(each));
    if (axes[0] !== rank - 1 && (m.graph.opset('') ?? 0) < 13)
      return no('Softmax takes what follows the axis with it', m.node(each));
  }
  return ok;
}

const softmax: Rule = {
  ...common,
  name: 'softmax',
  summary: 'exp(x − max) over its own sum becomes Softmax',
  root: 'Div',
  pattern: op.Div(powers, total),
  check: checkSoftmax,
  rewrite: (m, edit) => edit.node('Softmax', [m.value(x)], { axis: axesOf(m.node(top), m.types)![0]! }),
};

const logSum = op.ReduceLogSumExp(x);
const logSumOver = op.ReduceLogSumExp(x, any('axes of powers'));

/** x − log Σ exp x: the sum is over one axis, and keeps it. */
function logSoftmax(name: string, reduction: OpPattern): Rule {
  return {
    ...common,
    name,
    summary: 'a value less the logarithm of the sum of its powers becomes LogSoftmax',
    root: 'Sub',
    pattern: op.Sub(x, reduction),
    check(m) {
      const node = m.node(reduction);
      const axes = axesOf(node, m.types);
      if (axes?.length !== 1 || intAttr(node, 'keepdims') !== 1)
        return no('the sum is not over one axis that it keeps', node);
      const isLast = axes[0] === (m.shape(x)?.length ?? 0) - 1;
      return isLast || (m.graph.opset('') ?? 0) >= 13 ? ok : no('LogSoftmax takes what follows the axis with it', node);
    },
    rewrite: (m, edit) => edit.node('LogSoftmax', [m.value(x)], { axis: axesOf(m.node(reduction), m.types)![0]! }),
  };
}

const y = any('divisor');

const quotient: Rule = {
  ...common,
  name: 'quotient',
  summary: 'a product with a reciprocal becomes a quotient',
  root: 'Mul',
  pattern: op.Mul(x, op.Reciprocal(y)),
  rewrite: (m, edit) => edit.node('Div', [m.value(x), m.value(y)]),
};

/** Sums of squares and absolute values, norms, means and softmax spelled out become the operators that there are for them. */
export const fuseReductions: Pass = rulePass({
  name: 'fuse-reductions',
  summary: 'norms, means and softmax spelled out with sums become one operator',
  semantics: 'equivalent',
  rules: [
    becomes('sum-square', 'ReduceSumSquare', 'ReduceSum', 'a sum of squares becomes ReduceSumSquare', squares, squares),
    becomes('l1', 'ReduceL1', 'ReduceSum', 'a sum of absolute values becomes ReduceL1', absolutes, absolutes),
    becomes(
      'l2-of-sum',
      'ReduceL2',
      'Sqrt',
      'the root of a sum of squares becomes ReduceL2',
      squares,
      op.Sqrt(squares),
    ),
    becomes('l2', 'ReduceL2', 'Sqrt', 'the root of ReduceSumSquare becomes ReduceL2', sumSquare, op.Sqrt(sumSquare)),
    becomes(
      'l2-over',
      'ReduceL2',
      'Sqrt',
      'the root of ReduceSumSquare over given axes becomes ReduceL2',
      sumSquareOver,
      op.Sqrt(sumSquareOver),
    ),
    becomes('log-sum', 'ReduceLogSum', 'Log', 'the logarithm of a sum becomes ReduceLogSum', sum, op.Log(sum)),
    mean,
    softmax,
    logSoftmax('log-softmax', logSum),
    logSoftmax('log-softmax-over', logSumOver),
    quotient,
  ],
});
