import { any, equal, type Match, no, ok, oneOf, op, type Rule, scalar, type Verdict } from '#core';
import { allows, runtimeNodes } from './domain.js';

const x = any('input');
const bias = any('bias');
const alpha = scalar('factor');
const common = { semantics: 'equivalent', dtypes: ['float32'], minOpset: 7 } as const;

/** Whether the bias is one number for each element of the last axis. */
function isRow(m: Match): Verdict {
  const [size, row] = [m.shape(x)?.at(-1) ?? null, m.shape(bias)];
  return row?.length === 1 && equal(row[0] ?? null, size)
    ? ok
    : no('the bias is not one number per channel', m.value(bias));
}

const sum = op.Add(x, bias);

const biasGelu: Rule = {
  ...common,
  name: 'bias-gelu',
  summary: 'Gelu of a value and a bias',
  root: 'Gelu',
  pattern: op.Gelu(sum, { approximate: (kind) => kind === undefined || kind === 'none' }),
  check(m, context) {
    const allowed = allows(context, 'both');
    return allowed.ok ? isRow(m) : allowed;
  },
  rewrite: (m, edit) => runtimeNodes(edit, 'BiasGelu', [m.value(x), m.value(bias)], {}, 1),
};

const fastGelu: Rule = {
  ...common,
  name: 'fast-gelu',
  summary: 'Gelu by tanh of a value and a bias',
  root: 'Gelu',
  pattern: op.Gelu(sum, { approximate: (kind) => kind === 'tanh' }),
  check: biasGelu.check!,
  rewrite: (m, edit) => runtimeNodes(edit, 'FastGelu', [m.value(x), m.value(bias)], {}, 1),
};

const scaledGate = op.Sigmoid(op.Mul(x, alpha));

/** x · σ(α · x): Swish, with α = 1.702 the quick form of Gelu. */
const quickGelu: Rule = {
  ...common,
  name: 'quick-gelu',
  summary: 'x · sigmoid(α · x)',
  root: 'Mul',
  pattern: op.Mul(x, oneOf(op.Sigmoid(x), scaledGate)),
  check: (_, context) => allows(context, 'both'),
  rewrite: (m, edit) => runtimeNodes(edit, 'QuickGelu', [m.value(x)], { alpha: m.maybe(alpha) ?? 1 }, 1),
};

export const ACTIVATION_RULES: readonly Rule[] = [biasGelu, fastGelu, quickGelu];
