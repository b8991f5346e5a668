import { any, approx, literal, oneOf, op, type Pat, type Rule } from '#core';

const x = any('x');

/** Half of a value. */
const halved = (value: Pat): Pat => oneOf(op.Mul(value, literal(0.5)), op.Div(value, literal(2)));

/** ½ · x · gate, in whatever order. */
const halfGated = (gate: Pat): Pat => oneOf(halved(op.Mul(x, gate)), op.Mul(halved(x), gate), op.Mul(x, halved(gate)));

/** Exporters compute the constants in different precisions. */
const STEPS = 8;

const erf = op.Erf(oneOf(op.Div(x, approx(Math.SQRT2, STEPS)), op.Mul(x, approx(Math.SQRT1_2, STEPS))));

const CUBIC = approx(0.044715, STEPS);
const ROOT = approx(Math.sqrt(2 / Math.PI), STEPS);
const square = oneOf(op.Mul(x, x), op.Pow(x, literal(2)));
const cube = oneOf(op.Pow(x, literal(3)), op.Mul(x, square));
const cubic = oneOf(op.Mul(cube, CUBIC), op.Mul(op.Mul(x, CUBIC), square), op.Mul(op.Mul(op.Mul(x, CUBIC), x), x));
const factored = op.Add(oneOf(op.Mul(op.Mul(x, CUBIC), x), op.Mul(square, CUBIC)), literal(1));
const inner = oneOf(
  op.Mul(op.Add(x, cubic), ROOT),
  op.Mul(op.Mul(x, ROOT), factored),
  op.Mul(op.Mul(x, factored), ROOT),
  op.Mul(x, op.Mul(factored, ROOT)),
);

/** The Gaussian error linear unit (Hendrycks and Gimpel 2016, arXiv:1606.08415) in its parts, exact and by tanh. */
export const GELU_RULES: readonly Rule[] = [
  {
    name: 'fuse-gelu-erf',
    summary: '½ · x · (1 + erf(x / √2))',
    root: ['Mul', 'Div'],
    minOpset: 20,
    dtypes: ['float32'],
    pattern: halfGated(op.Add(erf, literal(1))),
    rewrite: (m, edit) => edit.node('Gelu', [m.value(x)]),
  },
  {
    name: 'fuse-gelu-tanh',
    summary: '½ · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³)))',
    root: ['Mul', 'Div'],
    minOpset: 20,
    dtypes: ['float32'],
    pattern: halfGated(op.Add(op.Tanh(inner), literal(1))),
    rewrite: (m, edit) => edit.node('Gelu', [m.value(x)], { approximate: 'tanh' }),
  },
];
