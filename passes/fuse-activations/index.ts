import {
  any,
  constantOf,
  type Edit,
  fromFloat64,
  literal,
  type Match,
  no,
  ok,
  oneOf,
  op,
  type Pass,
  type Pat,
  type Rule,
  rulePass,
  scalar,
  Tensor,
  toRawBytes,
  type Value,
  type Verdict,
} from '#core';
import { sameDims } from '../_shared/facts.js';

const x = any('x');
const slope = scalar('slope');
const weight = any('slope per channel');
const scaled = op.Mul(x, slope);
const zero = literal(0);

/** onnxruntime computes these operators in float32 alone. */
const common = { dtypes: ['float32'] } as const;

const above = oneOf(op.Greater(x, zero), op.GreaterOrEqual(x, zero), op.Less(zero, x), op.LessOrEqual(zero, x));
const below = oneOf(op.Less(x, zero), op.LessOrEqual(x, zero), op.Greater(zero, x), op.GreaterOrEqual(zero, x));

const leakyByChoice: Rule = {
  ...common,
  name: 'leaky-relu-by-choice',
  summary: 'x where it is above 0, else slope · x',
  root: 'Where',
  pattern: oneOf(op.Where(above, x, scaled), op.Where(below, scaled, x)),
  check: (m) => (Number.isFinite(m.get(slope)) ? ok : no('the slope is not finite')),
  rewrite: (m, edit) => edit.node('LeakyRelu', [m.get(x)], { alpha: m.get(slope) }),
};

const leakyByMaximum: Rule = {
  ...common,
  name: 'leaky-relu-by-maximum',
  summary: 'the maximum of x and slope · x',
  root: 'Max',
  pattern: op.Max(x, scaled),
  check(m) {
    const given = m.get(slope);
    return given > 0 && given <= 1 ? ok : no(`the slope is ${given}, not between 0 and 1`);
  },
  rewrite: (m, edit) => edit.node('LeakyRelu', [m.get(x)], { alpha: m.get(slope) }),
};

const positive = op.Relu(x);
const negative = op.Relu(op.Neg(x));
const subtracted = op.Sub(positive, op.Mul(negative, weight));
const added = op.Add(positive, op.Mul(negative, weight));

/** Slopes are one number, or broadcast to x without widening it. */
function checkSlopes(m: Match): Verdict {
  const tensor = constantOf(m.get(weight));
  if (!tensor || tensor.dtype !== 'float32') return no('the slopes are not constant', m.get(weight));
  return sameDims(m.shape(x), m.types.shape(m.root.outputs[0]!))
    ? ok
    : no('the slopes widen the result', m.get(weight));
}

function prelu(name: string, root: string, pattern: Pat, slopesOf: (m: Match, edit: Edit) => Value): Rule {
  return {
    ...common,
    name,
    summary: 'max(x, 0) and slope · min(x, 0) together',
    root,
    minOpset: 9,
    pattern,
    check: checkSlopes,
    rewrite: (m, edit) => edit.node('PRelu', [m.get(x), slopesOf(m, edit)]),
  };
}

function negated(m: Match, edit: Edit): Value {
  const tensor = constantOf(m.get(weight))!;
  const numbers = (): Float64Array => Float64Array.from(tensor.floats(), (item) => -item);
  const made = new Tensor(tensor.dtype, tensor.shape, () =>
    toRawBytes(fromFloat64(tensor.dtype, tensor.shape, numbers())),
  );
  return edit.constant(m.get(weight).hint, made);
}

const softsign: Rule = {
  ...common,
  name: 'softsign',
  summary: 'x / (1 + |x|)',
  root: 'Div',
  pattern: op.Div(x, op.Add(op.Abs(x), literal(1))),
  rewrite: (m, edit) => edit.node('Softsign', [m.get(x)]),
};

/** Activations that exporters spell out become the operators that there are for them. */
export const fuseActivations: Pass = rulePass({
  name: 'fuse-activations',
  summary: 'LeakyRelu, PRelu and Softsign from their parts',
  semantics: 'equivalent',
  rules: [
    leakyByChoice,
    leakyByMaximum,
    prelu('prelu', 'Sub', subtracted, (m) => m.get(weight)),
    prelu('prelu-of-negated', 'Add', added, negated),
    softsign,
  ],
});
