import { any, approx, literal, oneOf, op, type Pass, type Pat, type Rule, rulePass, scalar } from '#core';

/** float32 steps by which 1/6 may be off. */
const STEPS = 4;

const x = any('x');
const slope = scalar('alpha');
const offset = scalar('beta');

/** Cut to [0, most]; by attributes before opset 11. */
function cut(value: Pat, most: number): Pat {
  const attributes = { min: (low?: number) => low === 0, max: (high?: number) => high === most };
  return oneOf(op.Clip(value, literal(0), literal(most)), op.Clip(value, attributes));
}

const gate = cut(op.Add(x, literal(3)), 6);
const sixth = (value: Pat): Pat => oneOf(op.Div(value, literal(6)), op.Mul(value, approx(1 / 6, STEPS)));
const line = cut(op.Add(op.Mul(x, slope), offset), 1);

const sigmoid = op.HardSigmoid(x, {
  alpha: (alpha) => alpha === Math.fround(1 / 6),
  beta: (beta) => beta === 0.5,
});
const swish = oneOf(sixth(op.Mul(x, gate)), op.Mul(x, oneOf(sixth(gate), sigmoid)), op.Mul(sixth(x), gate));

/** onnxruntime computes both operators in float32 alone. */
const common = { semantics: 'equivalent', dtypes: ['float32'] } as const;

const SIXTH = { alpha: 1 / 6, beta: 0.5 };

const rules: readonly Rule[] = [
  {
    ...common,
    name: 'hard-swish',
    summary: 'x · min(max(x + 3, 0), 6) / 6',
    root: ['Div', 'Mul'],
    minOpset: 14,
    pattern: swish,
    rewrite: (m, b) => b.node('HardSwish', [m.get(x)]),
  },
  {
    ...common,
    name: 'hard-sigmoid-of-sixths',
    summary: 'min(max(x + 3, 0), 6) / 6',
    root: ['Div', 'Mul'],
    pattern: sixth(gate),
    rewrite: (m, b) => b.node('HardSigmoid', [m.get(x)], SIXTH),
  },
  {
    ...common,
    name: 'hard-swish-in-two',
    summary: 'x · min(max(x + 3, 0), 6) / 6 below opset 14',
    root: ['Div', 'Mul'],
    maxOpset: 13,
    pattern: oneOf(sixth(op.Mul(x, gate)), op.Mul(sixth(x), gate)),
    rewrite: (m, b) => b.node('Mul', [m.get(x), b.node('HardSigmoid', [m.get(x)], SIXTH)]),
  },
  {
    ...common,
    name: 'hard-sigmoid',
    summary: 'min(max(alpha · x + beta, 0), 1)',
    root: 'Clip',
    pattern: line,
    rewrite: (m, b) => b.node('HardSigmoid', [m.get(x)], { alpha: m.get(slope), beta: m.get(offset) }),
  },
];

/** The piecewise linear sigmoid, and x times it, from their parts. */
export const fuseHardSwish: Pass = rulePass({
  name: 'fuse-hard-swish',
  summary: 'HardSigmoid and HardSwish from their parts',
  semantics: 'equivalent',
  rules,
});
