import {
  any,
  type Match,
  no,
  ok,
  oneOf,
  op,
  opIn,
  type OpPattern,
  type Rule,
  scalar,
  type Verdict,
  type RuleContext,
} from '#core';
import { allows, runtimeNodes } from './domain.js';

const a = any('A');
const b = any('B');
const alpha = scalar('factor');
const common = { semantics: 'equivalent', dtypes: ['float32', 'float64'], minOpset: 7 } as const;

/** A permutation that swaps the last two axes alone. */
function swapsLast(perm: readonly number[] | undefined): boolean {
  const rank = perm?.length ?? 0;
  return rank >= 2 && perm!.every((axis, i) => axis === (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
}

const turnedA = op.Transpose(a, { perm: swapsLast });
const turnedB = op.Transpose(b, { perm: swapsLast });
const plain = op.MatMul(oneOf(turnedA, a), oneOf(turnedB, b));
const fused = opIn('com.microsoft').FusedMatMul(a, b);
const product = oneOf(plain, fused);

/** FusedMatMul has no kernel on WebGPU, and reads vectors differently. */
function check(m: Match, context: RuleContext): Verdict {
  const allowed = allows(context, 'cpu');
  if (!allowed.ok) return allowed;
  const ranks = [a, b].map((each) => m.shape(each)?.length ?? 0);
  return ranks.every((rank) => rank >= 2) ? ok : no('an operand may be a vector');
}

function build(m: Match, factor: number): Record<string, number> {
  const before = m.has(fused) ? m.node(fused) : undefined;
  const flag = (name: string, turned: OpPattern): number => {
    const attr = before?.attrs.get(name);
    return attr?.type === 'INT' ? Number(attr.value) : m.has(turned) ? 1 : 0;
  };
  const own = before?.attrs.get('alpha');
  return {
    alpha: factor * (own?.type === 'FLOAT' ? own.value : 1),
    transA: flag('transA', turnedA),
    transB: flag('transB', turnedB),
    transBatchA: flag('transBatchA', turnedA) && before ? 1 : 0,
    transBatchB: flag('transBatchB', turnedB) && before ? 1 : 0,
  };
}

const scaled: Rule = {
  ...common,
  name: 'scaled-product',
  summary: 'a product times a number, with what transposes its operands',
  root: ['Mul', 'Div'],
  pattern: oneOf(op.Mul(product, alpha), op.Div(product, alpha)),
  check,
  rewrite(m, edit) {
    const factor = m.root.opType === 'Mul' ? m.get(alpha) : 1 / m.get(alpha);
    if (!Number.isFinite(factor)) return undefined;
    return runtimeNodes(edit, 'FusedMatMul', [m.value(a), m.value(b)], build(m, factor), 1);
  },
};

const transposed: Rule = {
  ...common,
  name: 'transposed-product',
  summary: 'a product with what transposes its operands',
  root: 'MatMul',
  pattern: oneOf(op.MatMul(turnedA, oneOf(turnedB, b)), op.MatMul(a, turnedB)),
  check,
  rewrite: (m, edit) => runtimeNodes(edit, 'FusedMatMul', [m.value(a), m.value(b)], build(m, 1), 1),
};

export const PRODUCT_RULES: readonly Rule[] = [scaled, transposed];
