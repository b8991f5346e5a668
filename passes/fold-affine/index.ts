import { constant, type Match, op, type OpPattern, type Pass, type Pat, rulePass, type Tensor } from '#core';
import { type Affine, type AffineSource, foldingRules, type LayerOutput } from '../_shared/linear-layer/fold.js';

const c = constant('operand');

/** An operator with a constant operand, and what it does to a number. */
interface Step {
  readonly name: string;
  readonly root: string;
  readonly summary: string;
  pattern(layer: Pat): OpPattern;
  factor(operand: number): number;
  shift(operand: number): number;
}

const STEPS: readonly Step[] = [
  {
    name: 'multiplication',
    root: 'Mul',
    summary: 'the multiplication',
    pattern: (y) => op.Mul(y, c),
    factor: (k) => k,
    shift: () => 0,
  },
  {
    name: 'division',
    root: 'Div',
    summary: 'the division',
    pattern: (y) => op.Div(y, c),
    factor: (k) => 1 / k,
    shift: () => 0,
  },
  {
    name: 'addition',
    root: 'Add',
    summary: 'the addition',
    pattern: (y) => op.Add(y, c),
    factor: () => 1,
    shift: (k) => k,
  },
  {
    name: 'subtraction',
    root: 'Sub',
    summary: 'the subtraction',
    pattern: (y) => op.Sub(y, c),
    factor: () => 1,
    shift: (k) => -k,
  },
  {
    name: 'difference',
    root: 'Sub',
    summary: 'the subtraction from a constant',
    pattern: (y) => op.Sub(c, y),
    factor: () => -1,
    shift: (k) => k,
  },
];

/** Whether an operand has one number for each channel or one for all, and adds no axes. */
function isPerChannel({ shape }: Tensor, { channels, axis, rank }: LayerOutput): boolean {
  const first = rank - shape.length;
  return first >= 0 && shape.every((dim, at) => dim === 1 || (first + at === axis && dim === channels));
}

function affineOf(m: Match, output: LayerOutput, step: Step): Affine | string {
  const { channels } = output;
  const operand = m.get(c);
  if (!isPerChannel(operand, output)) {
    return `the operand has shape [${operand.shape.join(', ')}], not one number for each of ${channels} channels`;
  }
  const numbers = operand.floats();
  const at = (channel: number): number => numbers[numbers.length === 1 ? 0 : channel]!;
  return {
    factors: Float64Array.from({ length: channels }, (_, channel) => step.factor(at(channel))),
    shifts: Float64Array.from({ length: channels }, (_, channel) => step.shift(at(channel))),
  };
}

function sourceOf(step: Step): AffineSource {
  const { name, summary, root } = step;
  return {
    name,
    summary,
    root,
    pattern: (layer) => step.pattern(layer),
    affineOf: (m, output) => affineOf(m, output, step),
  };
}

/** Arithmetic with constants disappears into the layer in front of it. */
export const foldAffine: Pass = rulePass({
  name: 'fold-affine',
  summary:
    'Mul, Div, Add and Sub by constants go into the weights of the Conv, ConvTranspose, Gemm or MatMul in front of them',
  semantics: 'equivalent',
  rules: STEPS.flatMap((step) => foldingRules(sourceOf(step))),
});
